"""OcclusionView: hide a part of the photo, and see what it does to the scores; here, or everywhere as a heat map."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ipywidgets as W
import numpy as np
import torch
import traitlets as T
from numpy.typing import NDArray
from torch import nn

from ..compute.forward import Prepare
from ..compute.occlusion_map import OcclusionMap
from ..render import card
from . import controls, markup
from .markup import number
from .newest import _loop_of_cells
from .occlusion_controls import PixelsControl, TargetPicker, fillings
from .occlusion_panels import Heat, HeatPanel, PatchPanel, ScorePanel, pictures, signed
from .occlusion_state import TOP, OcclusionState, Seen
from .portions import PAUSE, PORTION, Portions
from .subject import Subject

SHOWN = 0.250
"""So many seconds apart the growing map is drawn."""
AHEAD = 0.500
"""Seconds of the map that are worked off before a notebook stores the first static picture."""


class OcclusionView(OcclusionState):
    """A patch that is dragged over the photo, with the scores it leaves, and the map of all its places.

    Dragging runs the network once for each drawing. The map grows from coarse to fine in portions of about 60 ms
    between which cells and widgets are answered; without a notebook it is made where it is asked for, by `map` and
    `save`. A changed setting begins it anew. After Zeiler and Fergus, ECCV 2014, section 4.2.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images; or what another view already looks at.
    dataset : indexable
        Gives (image, label), as for `ActivationView`; None with a `Subject`.
    classes : sequence of str, optional
        Class names; by default the data set's own.
    denormalize : callable or (mean, std), optional
        Turns a normalised image into one in [0, 1] for the picture; by default found in the data set's transform.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model, from images in which the patch is already.
    **traits
        Initial `index`, `target`, `score`, `window`, `stride`, `shape`, `baseline` as in `occlusion`; `top` and `left`
        of the patch in pixels, `mapping`, `overlay`, `opacity`.

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
        prepare: Prepare | None = None,
        **traits: Any,
    ) -> None:
        self.check_keywords(traits)
        self.look_at(Subject.of(model, dataset, classes=classes, denormalize=denormalize), prepare, traits)
        super().__init__(**traits)
        self._portions = Portions(self._portion)
        self._begun: Seen | None = None
        self._spent, self._made, self._shown = 0.0, 0, 0.0
        self._heat: tuple[Any, Heat] | None = None
        self._pictures: tuple[Any, Any] | None = None
        self._lit: tuple[Any, NDArray[np.uint8]] | None = None
        self._build()
        self.start()

    @property
    def scores(self) -> torch.Tensor:
        """What the network says with the patch where it is: (K,), the scores of every class."""
        self._newest.flush()
        return self._found.clone()

    @property
    def map(self) -> OcclusionMap:
        """The whole map; what is not yet done is done now."""
        self._newest.flush()
        self._portions.stop()
        for _ in self._seen.occluder:
            pass
        self._guarded(self._draw_map)
        return self._seen.occluder.result

    @property
    def partial_map(self) -> OcclusionMap:
        """The map as far as it is done; NaN where no patch has been."""
        self._newest.flush()
        return self._seen.occluder.result

    def start_map(self) -> None:
        """Make the map, or go on with it; the same as `mapping = True`."""
        self.mapping = True

    def cancel(self) -> None:
        """Stop making the map; what is done stays. The same as `mapping = False`."""
        self._portions.stop()
        self.mapping = False

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self._closed:
            self._portions.stop()
        super().close()

    def save(self, path: str | Path, *, dark: bool = False) -> Path:
        """Write the view to a PNG file: as it is now in a notebook, elsewhere with the whole map. See `ModelView`."""
        if self.mapping and _loop_of_cells() is None:
            _ = self.map
        return super().save(path, dark=dark)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **kwargs: Any) -> dict[str, Any]:
        if not self._closed and self.mapping:
            until = time.perf_counter() + AHEAD
            while time.perf_counter() < until and self._advance():
                pass
            self._guarded(self._draw_map)
        return super()._repr_mimebundle_(include, exclude, **kwargs)

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        items = self._subject.items
        self._target_picker = TargetPicker(self)
        scores = [("probability", "probability"), ("logit", "logit")]
        if callable(self.score):
            scores.append(("own", self.score))
        score = controls.dropdown(self, "score", scores, width=104, tip="The number that is told and mapped")
        self._window = PixelsControl(self, "window", slide=True, tip="Side of the patch in pixels (arrow keys work)")
        self._stride = PixelsControl(self, "stride", slide=False, tip="Pixels from one place of the map to the next")
        shape = controls.dropdown(self, "shape", ["square", "disc"], width=84, tip="What of the window is hidden")
        options = fillings(items, self.baseline)
        filling = controls.dropdown(self, "baseline", options, width=116, tip="What the patch is filled with")
        height, width = (length - 1 for length in self._seen.occluder.patches.size)
        self._sliders = (
            controls.slider(self, "top", maximum=height, width=110, tip="Upper edge of the patch (arrow keys work)"),
            controls.slider(self, "left", maximum=width, width=110, tip="Left edge of the patch (arrow keys work)"),
        )
        overlay = controls.checkbox(self, "overlay", "", width=20, tip="Lay the heat map over the photo")
        overlay.layout.margin = "4px 6px 0 0"  # in line with its label
        opacity = controls.fraction(self, "opacity", width=110, tip="Opacity of the overlay where it is strongest")
        bar = [
            controls.index_control(self, len(items)),
            controls.labelled("Target", self._target_picker),
            controls.labelled("Score", score),
            controls.labelled("Window", self._window),
            controls.labelled("Stride", self._stride),
            controls.labelled("Shape", shape),
            controls.labelled("Filling", filling),
            controls.labelled("Row", self._sliders[0]),
            controls.labelled("Column", self._sliders[1]),
            controls.labelled("Overlay", overlay, opacity),
        ]
        self._title = W.HTML()
        self._photo = PatchPanel(self.move_to)
        self._map = HeatPanel(self.move_to_cell, self._pressed)
        self._scores = ScorePanel()
        panels = [self._photo, self._map, self._scores]
        self._body.children = controls.card_body(self._title, bar, panels, height=490)

    def move_to_cell(self, top: float, left: float) -> None:
        """Put the patch at a place of the map, where it may be cut off at the border."""
        with self.hold_trait_notifications():
            self.top, self.left = int(top), int(left)

    def _pressed(self) -> None:
        if self._running:
            self.cancel()
        elif self._seen.occluder.done == self._seen.occluder.total:
            self.refresh()
        else:
            self.mapping = True
            self._newest.request()  # it may have been True, and nothing running

    # ------------------------------------------------------------------ one way: compute, render, picture

    def render(self) -> None:
        """Draw the panels; what has not changed is not sent again."""
        self._portions.hold()
        if self._begun is not self._seen:
            self._begun = self._seen
            self._portions.stop()
            self._spent, self._made = 0.0, 0
            self._fit_controls()
        occluder = self._seen.occluder
        if not self.mapping:
            self._portions.stop()
        elif occluder.done < occluder.total:
            self._portions.start()
        self._draw_map()
        target, found, whole = self._seen.target, self._found, self._seen.whole
        value, before = float(found[target]), float(whole[target])
        bars = [(self._class_name(n), share, change) for n, share, change in self._bars(found)]
        self._scores.draw(self._target_name, self._unit, before, value, self._where(), bars)
        self._title.value = markup.title(
            self._target_name, *self._said(before, value), status=f"drawn in {self.milliseconds:.1f} ms"
        )

    def picture(self, *, dark: bool = False) -> NDArray[np.uint8]:
        """The view as one static picture, (H, W, 3) uint8."""
        target = self._seen.target
        said = self._said(float(self._seen.whole[target]), float(self._found[target]))
        panels = [self._photo.static(), self._map.static(), self._scores.static()]
        return card(" · ".join([self._target_name, *said]), panels, dark=dark)

    # ------------------------------------------------------------------ the map, portion by portion

    @property
    def _running(self) -> bool:
        return self._portions.running

    def _portion(self) -> bool:
        """Some places of the map, and its drawing from time to time; whether there are more."""
        if self._closed:
            return False
        if self._weights() != self._seen.settings.weights:  # a training cell ran: the old map says nothing any more
            self._newest.request()
            return self._running and self._begun is self._seen
        seen, more = self._seen, False

        def work() -> None:
            nonlocal more
            more = self._advance()

        fine = self._guarded(work)
        if seen is not self._seen or self._closed:
            return False
        if not fine:
            with self.quiet():
                self.mapping = False
        if not more:
            self._portions.stop()
        if not more or time.monotonic() - self._shown > SHOWN:
            self._guarded(self._draw_map)
            self._shown = time.monotonic()
        return more and fine

    def _advance(self) -> bool:
        """Do about `PORTION` seconds of the map; whether there is more to do."""
        occluder, start, done = self._seen.occluder, time.perf_counter(), self._seen.occluder.done
        if done < occluder.total:
            occluder.step(PORTION)
            self._spent += time.perf_counter() - start + PAUSE
            self._made += occluder.done - done
        return occluder.done < occluder.total

    def _draw_map(self) -> None:
        """The heat map, the photo with its overlay and the patch, and how far the map is."""
        occluder = self._seen.occluder
        key = (occluder, occluder.done, self._unit)
        if self._heat is None or self._heat[0] != key:
            self._heat = key, Heat.of(occluder.result, self._unit)
        heat = self._heat[1]
        if self._pictures is None or self._pictures[0] is not occluder:
            self._pictures = occluder, pictures(occluder, self._subject.items)
        photo, fill = self._pictures[1]
        opacity = self.opacity if self.overlay else 0.0
        lit = (photo, heat, opacity)
        if (
            self._lit is None
            or any(a is not b for a, b in zip(self._lit[0][:2], lit[:2], strict=True))
            or self._lit[0][2] != opacity
        ):
            self._lit = lit, heat.over(photo, opacity) if opacity and heat.known.any() else photo
        place = (self.top, self.left)
        index, text = self._seen.settings.index, self._seen.item.text
        self._photo.draw(
            (f"Image {index}", f"label {text}" if text else ""), self._lit[1], fill, occluder.patches, place
        )
        self._map.draw(heat, place)
        left = occluder.total - occluder.done
        seconds = self._spent / self._made * left if self._made else None
        self._map.progress(max(0, occluder.done - 1), occluder.total - 1, seconds, self._running)

    # ------------------------------------------------------------------ controls and words

    def _fit_controls(self) -> None:
        """Make the controls fit the image and its classes."""
        seen, patches = self._seen, self._seen.occluder.patches
        whole = seen.whole
        names = [self._listed_name(n) for n in range(len(whole))]
        finite = bool(whole.isfinite().all())
        best = whole.topk(min(TOP, len(whole))).indices.tolist() if finite else list(range(min(TOP, len(whole))))
        self._target_picker.update(names, best, self._subject.items.class_name(best[0]) if finite else "")
        self._window.show(patches.window[0], min(patches.size))
        self._stride.show(patches.stride[0], min(patches.size))
        for slider, length in zip(self._sliders, patches.size, strict=True):
            slider.max = length - 1

    def _listed_name(self, target: int) -> str:
        name = self._subject.items.class_name(target)
        return name if name == str(target) else f"{target}: {name}"

    def _where(self) -> str:
        (height, width), (high, wide) = self._seen.occluder.patches.size, self._seen.occluder.patches.window
        rows = f"rows {self.top} to {min(self.top + high, height) - 1}"
        return f"{rows}, columns {self.left} to {min(self.left + wide, width) - 1}"

    def _said(self, before: float, value: float) -> list[str]:
        seen, patches = self._seen, self._seen.occluder.patches
        text, size = seen.item.text, " × ".join(map(str, patches.window))
        image = f"image {seen.settings.index}"
        return [
            f"{self._unit} {number(before)} → {number(value)} ({signed(value - before)})",
            f"{patches.shape} of {size} px",
            f'{image}, a "{text}"' if text else image,
        ]
