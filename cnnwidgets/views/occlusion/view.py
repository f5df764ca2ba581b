"""OcclusionView: hide a part of the photo, and see what it does to the scores; here, or everywhere as a heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ...compute.occlusion import OcclusionMap, pair, patches
from ...live import cell_thread
from ...render.static import Moves, Panel
from ...widgets.base import ModelView
from ...widgets.input import ShowsOwnImages
from ...widgets.picker import PicksImages
from ...widgets.state import Given, Index, Integer, NotNone, ScoreOf, Subject, Target, call, image_of
from ...widgets.surface import markup, number
from .controls import OcclusionControls
from .filling import filling, fits
from .growing_map import GrowingMap
from .heat import Heat, pictures, signed
from .moving import PatchSlot, moved
from .panels import heat_panel, painted, photo_panel, score_panels
from .seen import Seen, Settings

SETTINGS = ("index", "target", "score", "window", "stride", "shape", "baseline")


def _images(view: OcclusionView) -> tuple[int, str]:
    count = len(view.subject.items)
    return count, f"the data set has {count} images"


class OcclusionView(ShowsOwnImages, PicksImages, ModelView):
    """A patch that is dragged over the photo, with the scores it leaves, and the map of all its places.

    Dragging runs the network once for each drawing. The map grows from coarse to fine in portions of about 40 ms
    between which cells and widgets are answered; without a notebook it is made where it is asked for, by `map` and
    `save`. A changed setting begins it again. After Zeiler and Fergus, ECCV 2014, section 4.2.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images; or what another view already looks at.
    dataset : indexable
        Gives (image, label), as for `ActivationView`; None with a `Subject`.
    classes : sequence of str, optional
        Names of the network's outputs, and of labels where the data set names none; by default the data set's own, or
        ImageNet's for a network of torchvision or timm with 1,000 outputs.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, as for `ActivationView`, in batches of one; it is given items
        in whose image the patch is already.
    **traits
        Initial `index`, `target`, `score`, `window`, `stride`, `shape`, `baseline` as in `occlusion`; `top` and `left`
        of the patch in pixels, `mapping`, `overlay`, `opacity`.

    Attributes
    ----------
    subject : Subject
        Model, data set and what is known of them.
    seen : Seen
        The image that is on the screen under the present settings.
    growing : GrowingMap
        Makes the map.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or an item of it is not what it must be; a window larger than the image, a stride of 0,
        no such target; an output that is no class scores (choose them with `score=`), or is NaN where the highest is
        looked for; a keyword is misspelt.
    IndexError
        No such image.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.
    """

    panels_height: ClassVar[int] = 490

    index = Index(0, of=_images, help="which image of the data set, from 0").tag(source=True)
    target = Target(of=lambda view: view.seen.classes, help="class number or name; None: the predicted one").tag(
        source=True
    )
    score = ScoreOf("logit", help="'logit', 'probability', or a function of the model's output").tag(source=True)
    window = T.Any(None, help="height and width of the patch in pixels; None: a seventh of the image").tag(source=True)
    stride = T.Any(None, help="pixels from one place of the map to the next; None: half the window").tag(source=True)
    shape = T.Enum(("square", "disc"), "square", help="what of the window is hidden").tag(source=True)
    baseline = NotNone(0.0, help="a number, one a channel, 'mean', 'blur', 'noise' or an image").tag(source=True)
    top = Integer(0, help="upper edge of the patch in pixels, from 0; by default in the middle").tag(source=True)
    left = Integer(0, help="left edge of the patch in pixels, from 0; by default in the middle").tag(source=True)
    mapping = T.Bool(True, help="whether the heat map is made; False cancels it, and what is done stays").tag(
        display=True
    )
    overlay = T.Bool(True, help="lay the heat map over the photo").tag(display=True)
    opacity = T.Float(0.6, min=0.0, max=1.0, help="of the overlay where it is strongest, 0 to 1").tag(display=True)

    def __init__(
        self,
        model: nn.Module | Subject,
        dataset: Any = None,
        *,
        classes: Any = None,
        denormalize: Any = None,
        prepare: Any = None,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        self.subject = Subject.of(model, dataset, classes=classes, denormalize=denormalize, prepare=prepare)
        super().__init__(**traits)

    # ------------------------------------------------------------------ what the network says

    @property
    def scores(self) -> torch.Tensor:
        """What the network says with the patch where it is: (K,), the scores of every class."""
        self.flush()
        return self._found.clone()

    @property
    def map(self) -> OcclusionMap:
        """The whole map; what is not yet done is done now."""
        self.flush()
        found = self.growing.finish()
        self.guarded(self.render)
        return found

    @property
    def partial_map(self) -> OcclusionMap:
        """The map as far as it is done; NaN where no patch has been."""
        self.flush()
        return self.growing.result

    def start_map(self) -> None:
        """Make the map, or go on with it; from the beginning where it is done already."""
        with self.quiet():
            self.mapping = True
        (self._begin_again if self.growing.complete else self.redraw)()

    def cancel(self) -> None:
        """Stop making the map; what is done stays. The same as `mapping = False`."""
        self.growing.stop()
        self.mapping = False

    def move_to(self, top: float, left: float) -> None:
        """Put the patch there, in pixels, as far as the image goes."""
        (height, width), (high, wide) = self.seen.occluder.patches.size, self.seen.occluder.patches.window
        with self.hold_trait_notifications():
            self.top = min(max(round(top), 0), height - high)
            self.left = min(max(round(left), 0), width - wide)

    def move_to_cell(self, top: float, left: float) -> None:
        """Put the patch at a place of the map, where it may be cut off at the border."""
        with self.hold_trait_notifications():
            self.top, self.left = int(top), int(left)

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Run the network for the initial `traits`; put the patch into the middle."""
        self._refreshed = 0
        given = {name: traits.get(name, self.traits()[name].default_value) for name in SETTINGS}
        given["baseline"] = filling(given["baseline"])
        wanted = given["target"]
        given["target"] = None if wanted is None else 0  # any class, until the network has told which there are
        self.seen = Seen.of(self.subject, Settings.of(self.subject, 0, **given))
        if wanted is not None:
            traits["target"] = given["target"] = self.traits()["target"].number(self, wanted)
            self.seen = self.seen.under(Settings.of(self.subject, 0, **given))
        (height, width), window = self.seen.occluder.patches.size, self.seen.occluder.patches.window
        traits.setdefault("top", (height - window[0]) // 2)
        traits.setdefault("left", (width - window[1]) // 2)
        self.growing = GrowingMap(self.seen.occluder, self._grown, self._has_same_weights)
        self._drawn = self.seen.occluder, 0

    @T.validate("window", "stride")
    def _validate_pixels(self, proposal: Any) -> Any:
        value, name = proposal["value"], proposal["trait"].name
        if value is None:
            return None
        both = pair(value, name)
        if name == "window" and self.index == self.seen.settings.index:
            patches(self.seen.occluder.patches.size, both)
        return both if isinstance(value, Sequence) else both[0]

    @T.validate("baseline")
    def _validate_baseline(self, proposal: Any) -> Any:
        value = filling(proposal["value"])
        if self.index == self.seen.settings.index:
            fits(value, self.seen.occluder.images, self.seen.occluder.patches.window)
        return value

    @T.validate("top", "left")
    def _validate_place(self, proposal: Any) -> int:
        value, name = proposal["value"], proposal["trait"].name
        size = self.seen.occluder.patches.size[0 if name == "top" else 1]
        if not 0 <= value < size and self.index == self.seen.settings.index:
            raise ValueError(f"{name} must be 0 to {size - 1}, a pixel of the image, not {value}")
        return int(value)

    @T.validate("opacity")
    def _validate_opacity(self, proposal: Any) -> float:
        if math.isnan(proposal["value"]):
            raise ValueError("opacity must be 0 to 1, not nan")
        return float(proposal["value"])

    @T.observe("overlay", "opacity")
    def _hold(self, change: Any) -> None:
        self.growing.hold()

    def numbers_in_code(self, given: Given) -> list[str]:
        """The whole map, by `occlusion`; not with `prepare`, which takes items here and batches of images there."""
        if given.has("prepare"):
            return []
        names = ("target", "window", "stride", "baseline", "shape", "score")
        options = {name: given.trait(name) for name in names if given.differs(name)}
        image = image_of(given, self.subject.items[self.index], self.index)
        return [f"found = {call('cw.occlusion', given['model'], image, **options)}"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Image, class and score, the patch and its place, the overlay."""
        self._controls = OcclusionControls(self)
        self._slot = PatchSlot.beside(self, self._controls)
        return [*self._controls.bar, *filter(None, [self._slot])]

    def compute(self) -> None:
        """Look at the image under the present settings, and run the network for the place of the patch."""
        self.growing.hold()
        given = {name: getattr(self, name) for name in SETTINGS}
        seen = self.seen.under(Settings.of(self.subject, self._refreshed, **given))
        height, width = seen.occluder.patches.size
        top, left = min(self.top, height - 1), min(self.left, width - 1)  # the image may be a smaller one
        self._found = self.remember("found", (seen.occluder, top, left), lambda: seen.occluder.at(top, left)[0].cpu())
        self.seen = seen
        self.top, self.left = top, left

    def panels(self) -> list[Panel | list[Panel]]:
        """The photo with the patch, the map as far as it is drawn, and the scores."""
        seen, occluder, place = self.seen, self.seen.occluder, (self.top, self.left)
        self.growing.follow(occluder, self.mapping)
        self.remember("fitted", (seen,), lambda: self._controls.fit(seen))
        if not self.growing.running or self._drawn[0] is not occluder:
            self._drawn = occluder, occluder.done  # a growing map is drawn at its own pace, not at the hand's
        key = *self._drawn, seen.target, seen.unit
        heat = self.remember("heat", key, lambda: Heat.of(occluder.result, seen.unit))
        cells = self.remember("cells", (heat,), heat.pixels)
        photo, fill = self.remember("pictures", (occluder,), lambda: pictures(occluder, self.subject.items))
        opacity = self.opacity if self.overlay and heat.known.any() else 0.0
        lit = self.remember("lit", (heat, photo, opacity), lambda: heat.over(photo, opacity) if opacity else photo)
        shown = self.remember("shown", (lit, fill, place), lambda: painted(lit, fill, occluder.patches, place))
        self._pictured = photo, fill, heat
        done, total = max(0, occluder.done - 1), occluder.total - 1  # without the whole image
        self._controls.progress.show(done, total, self.growing.seconds_left, self.growing.running)
        pictured = photo_panel(seen, shown, place, self.move_to)
        mapped = heat_panel(heat, cells, place, self.move_to_cell, self._controls.progress)
        panels: list[Panel] = [pictured, mapped]
        if self._slot is not None:
            panels = self._slot.rested(occluder, photo, fill, heat, pictured, mapped)
        return [
            *panels,
            self.remember("scores", (seen, self._found), lambda: score_panels(seen, self._found, place)),
        ]

    def render(self) -> None:
        """Draw, and say to a page that moves the patch by itself what it is of."""
        super().render()
        if self._slot is not None:
            self._slot.drawn()

    def page_moves(self) -> Moves | None:
        """An exported page moves the patch over the places of the map."""
        return moved(self, *self._pictured, float(self._found[self.seen.target]))

    def title(self) -> list[str]:
        """The class, its score without and with the patch, the patch, and the image."""
        seen, patches = self.seen, self.seen.occluder.patches
        before, value = float(seen.whole[seen.target]), float(self._found[seen.target])
        return [
            seen.target_name,
            f"{seen.unit} {number(before)} → {number(value)} ({signed(value - before)})",
            f"{patches.shape} of {' × '.join(map(str, patches.window))} px",
            markup.pictured(seen.settings.index, seen.item.text),
        ]

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self.subject.refresh()
        self._begin_again()

    # ------------------------------------------------------------------ the map, beside the drawing

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self._closed:
            self.growing.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end, the whole map too where it is wanted; raises what goes wrong."""
        super().settle()
        if self.mapping:
            _ = self.map

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does: the view as it is in a notebook, elsewhere with the whole map."""
        if self.mapping and cell_thread.loop() is None:
            _ = self.map
        return super().save(path, **options)

    def about_to_show(self) -> None:
        """Compute for a moment, so that the picture has more of the map."""
        if self.mapping:
            self.guarded(self.growing.work_ahead)
            self.guarded(self._draw_map)
        super().about_to_show()

    def _grown(self) -> bool:
        """Draw what the map has grown to, or say why it grows no more; whether that went well."""
        if not self.growing.running:
            with self.quiet():
                self.mapping = self.mapping and self.growing.error is None
        return self.guarded(self._draw_map)

    def _draw_map(self) -> None:
        self._drawn = self.seen.occluder, self.seen.occluder.done
        self.render()
        if self.growing.error is not None:
            raise self.growing.error

    def _has_same_weights(self) -> bool:
        """Whether the map still is of this network; begins it again where a cell has trained the network."""
        same = (self._refreshed, self.subject.weights) == self.seen.settings.weights
        if not same:
            self._begin_again()
        return same

    def _begin_again(self) -> None:
        self._refreshed += 1
        super().refresh()
