"""MaximizeView: pictures that are optimised to drive a channel, beside the real images that fire it most."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as W
import torch
import traitlets as T
from torch import nn

from ...compute.core import ForwardError, entrance, plain
from ...compute.dataset import of_images
from ...compute.layers import Layer
from ...compute.maximization import SIDES, Maximizer
from ...compute.scan import Scan
from ...live import cell_thread
from ...render.static import Panel
from ...widgets.base import LayerView
from ...widgets.state import Given, Index, Integer, Subject, Thumbnails
from ...widgets.state import call as call_of
from ...widgets.surface import markup
from .controls import PLACES, MaximizeControls
from .growing import GrowingPictures
from .panels import DRIVES, SHOWN, compared_panel, course_panel, picture_panel, real_panel
from .strongest import Sample

LARGEST = 96
"""Longer side of a picture in pixels, where the network takes images of any size."""


class MaximizeView(LayerView):
    """Pictures optimised to drive a channel of a layer, growing while you look, beside the real images that fire it.

    The pictures begin as noise, and each step goes up the gradient of the channel. In a notebook they grow by
    themselves in portions of about 40 to 150 ms, between which cells and widgets are answered; `running` pauses them.
    Without a notebook they are made by `settle` and `save`. Where the network is trained meanwhile, the run ends.

    Parameters
    ----------
    model : torch.nn.Module or Subject
        Any network that takes (N, C, H, W) images, of any number of channels; or what another view already looks at.
    dataset : indexable, optional
        Gives (image, label): the pictures get the range and the normalisation of its images, and those that fire the
        channel most stand beside them. Without one there are the pictures alone, with black and white at 0 and 1.
    scan : Scan, optional
        Of the same network and data set, by `scan`: its strongest places are shown, instead of those of 128 images.
    classes, denormalize, prepare, cache_bytes
        As for `ActivationView`.
    **traits
        Initial `layer`, `main_layers`, `channel`, `place`, `count`, `steps`, `seed`, `running`.

    Attributes
    ----------
    growing : GrowingPictures
        Makes the pictures; `growing.picture` is what is on the screen, as `maximize` gives it.

    Raises
    ------
    TypeError, ValueError
        The model, the data set or the scan is not what it must be; a keyword is misspelt or out of range.
    LookupError, IndexError
        No such layer or channel.
    ForwardError
        The model refused the image; says which layer, what it got and what it wants.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> view = cw.MaximizeView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3", channel=3, steps=8)
    >>> view.settle()
    >>> view.growing.picture.step
    8
    """

    sliders: ClassVar[dict[str, str]] = {}
    shows_operations: ClassVar[bool] = False
    panels_height: ClassVar[int] = 420

    channel = Index(of=LayerView.of_layer, help="the channel that is driven, from 0").tag(source=True)
    place = T.Enum(tuple(PLACES), "centre", help="what of it: the unit in the middle, or the mean of the map").tag(
        source=True
    )
    count = Integer(1, help="how many pictures, kept apart; 1 to 9").tag(source=True)
    steps = Integer(256, help="steps of the optimisation, 1 or more").tag(source=True)
    seed = Integer(0, help="of all that is random, 0 or more").tag(source=True)
    running = T.Bool(True, help="whether the pictures grow; False pauses them, what is there stays").tag(display=True)

    def __init__(
        self, model: nn.Module | Subject, dataset: Any = None, scan: Scan | None = None, **options: Any
    ) -> None:
        self.scan = _checked_scan(scan, dataset is not None or isinstance(model, Subject))
        self.has_images = dataset is not None or isinstance(model, Subject)
        if not isinstance(model, Subject) and dataset is None:
            dataset = _grey_image(model, options.get("prepare"))
        super().__init__(model, dataset, **options)

    # ------------------------------------------------------------------ what may be asked and done

    def toggle(self) -> None:
        """Pause the pictures, or have them grow on."""
        if self.running and not self.growing.running:  # what an error ended, or a training
            self._meanwhile = False
            self.growing.forget()
            self.redraw()
        else:
            self.running = not self.running

    def new_seed(self) -> None:
        """Begin anew with the next seed."""
        with self.hold_trait_notifications():
            self.seed, self.running = self.seed + 1, True

    # ------------------------------------------------------------------ what traits may be

    def prepare(self, traits: dict[str, Any]) -> None:
        """Set up what makes the pictures; a scan must be of this network and these images."""
        items = self.subject.items
        if self.scan is not None:
            self.subject.check_scan(self.scan)
        if self.item.image is None or self.item.image.ndim != 3:
            raise ValueError("pictures are (C, H, W), and the items of the data set hold no such images")
        self._thumbnails = Thumbnails(items)
        self._meanwhile = False
        self.growing: GrowingPictures = GrowingPictures(self._grown, self.is_current)

    def choosable(self, row: Layer) -> bool:
        """Layers that give one result for each image, which a hook can see."""
        return super().choosable(row) and not row.operation and row.ran and row.depends and row.batch_axis is not None

    @T.validate("count", "steps", "seed")
    def _validate_number(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        least, most = {"count": (1, 9), "steps": (1, None), "seed": (0, None)}[name]
        if value < least or (most is not None and value > most):
            raise ValueError(f"{name} must be {least} {'or more' if most is None else f'to {most}'}, not {value}")
        return int(value)

    @T.observe("layer")
    def _bound(self, change: Any) -> None:
        if self.ready:
            with self.quiet():  # the channels of one layer are none of another
                self._controls.channel.fit(self.snapshot.find(self.layer))

    def numbers_in_code(self, given: Given) -> list[str]:
        """The pictures, by `maximize`."""
        place = {} if self.place == "everywhere" or not self._has_places else {"place": '"centre"'}
        data = {"dataset": given["dataset"]} if self.has_images else {}
        options = {
            "channel": given.trait("channel"),
            **place,
            **data,
            "size": str(self._size()),
            "count": str(self.count),
            "steps": str(self.steps),
            "generator": f"torch.Generator().manual_seed({self.seed})",
            **given.options("prepare"),
        }
        return [f"*_, picture = {call_of('cw.maximize', given['model'], given.trait('layer'), **options)}"]

    # ------------------------------------------------------------------ what the base asks for

    def controls(self) -> list[W.Widget]:
        """Layer and channel, what of it is driven, how many pictures, steps and seed."""
        self._controls = MaximizeControls(self)
        return self._controls.bar

    def compute(self) -> None:
        """Say what is to be driven; the steps are made between the drawings."""
        self.growing.hold()
        row, weights = self.layer_row, self.subject.weights
        place = self.place if self._has_places else "everywhere"
        self._key = (weights, self.layer, self.channel, place, self.count, self.steps, self.seed)
        scan = self.scan if self.scan is not None and self.subject.is_scanned_by(self.scan) else None
        self._sample = self.remember(
            "sample", (weights, self.layer), lambda: Sample(self.subject, row, scan) if self.has_images else None
        )

    def panels(self) -> list[Panel | list[Panel]]:
        """The pictures, the real images, and what the channel gives for both."""
        growing, parts = self.growing, self._controls
        growing.follow(self._key, self._maximizer, self._sample, self.running and not self._meanwhile)
        parts.fit(self._has_places)
        parts.progress.show(growing.done, self.steps, growing.seconds_left, growing.running)
        picture, sample = growing.picture, self._sample
        note = "" if picture is not None else "not begun" if not growing.running else "begins"
        if self._meanwhile:
            note = "the network was trained meanwhile: Go on begins anew"
        height, width = self.item.image.shape[-2:] if self.item.image is not None else (1, 1)
        blank = self.count, height, width
        shown = self.remember(
            "optimised",
            (picture, note, self._what, self.count),
            lambda: picture_panel(picture, blank, self.subject.items, self._what, note, [parts.progress]),
        )
        found: list[Panel | list[Panel]] = [shown]
        strongest = None
        if sample is not None:
            key = (sample, sample.done, sample.complete, self.channel)
            strongest = self.remember("strongest", key, lambda: sample.of(self.channel, SHOWN))
            words = sample.words
            found.append(
                self.remember("real", (strongest, words), lambda: real_panel(strongest, self._thumbnails, words))
            )
        compared = self.remember(
            "compared", (picture, strongest, self._what), lambda: compared_panel(picture, strongest, self._what)
        )
        course = tuple(growing.course)
        curve = self.remember("course", (course, self.steps), lambda: course_panel(course, self.steps))
        found.append([compared, curve])
        return found

    def title(self) -> list[str]:
        """What is driven."""
        driven = PLACES[self.place] if self._has_places else ""
        return [self.layer, self._what, *filter(None, [driven])]

    def status(self) -> str:
        """What the picture can tell, and what not; or why it was not made to the end."""
        return DRIVES if self.growing.error is None else markup.in_words(self.growing.error)

    def refresh(self) -> None:
        """Run the model again: for weights or data that changed where traits cannot see it."""
        self.growing.forget()
        self._meanwhile = False
        self._thumbnails.clear()
        super().refresh()

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if not self.closed:
            self.growing.stop()
        super().close()

    def settle(self) -> None:
        """Draw the present state to the end, the pictures and the real images too; raises what goes wrong.

        In a page that is written, what cannot be driven is said in its place.
        """
        super().settle()
        self._finish()
        if self.growing.error is not None and not self.exporting:
            raise self.growing.error

    def save(self, path: str | Path, **options: Any) -> Path:
        """Write a file as `ModelView.save` does; outside a notebook with the pictures made to the end.

        What cannot be driven is said in the file.
        """
        if cell_thread.loop() is None:
            self.flush()
            self._finish()
        return super().save(path, **options)

    # ------------------------------------------------------------------ the pictures, beside the drawing

    def _finish(self) -> None:
        if self.running and not self.growing.complete:
            self.growing.finish()
            with self.quiet():
                self.render()

    def _grown(self) -> bool:
        return self.draw_grown(self.growing)

    def is_current(self) -> bool:
        """Whether the pictures still are of this network; where a cell has trained it, the run ends, and says so."""
        same = not self.outdated()
        if not same:
            self._meanwhile = True
            self.redraw()
        return same

    def _changed(self, change: Any) -> None:
        self._meanwhile = False  # whoever moves something wants to see what comes of it
        super()._changed(change)

    @property
    def _has_places(self) -> bool:
        return self.layer_row.kind != "vector"

    @property
    def _what(self) -> str:
        names = self.unit_names
        if names:
            return names[self.channel]
        return f"{'unit' if self.layer_row.kind == 'vector' else 'channel'} {self.channel}"

    def _size(self) -> tuple[int, int]:
        """Height and width of the pictures: smaller than the images, where the network takes any size."""
        assert self.item.image is not None
        height, width = self.item.image.shape[-2:]
        share = min(1.0, LARGEST / max(height, width))
        small = max(1, round(share * height)), max(1, round(share * width))
        if share == 1.0 or not self.remember("any size", (self.layer, small), lambda: self._takes(small)):
            return height, width
        return small

    def _takes(self, size: tuple[int, int]) -> bool:
        try:
            self._made(size, 1, 1)
        except (ForwardError, LookupError, ValueError):
            return False
        return True

    def _maximizer(self) -> Maximizer:
        return self._made(self._size(), self.count, self.steps)

    def _made(self, size: tuple[int, int], count: int, steps: int) -> Maximizer:
        subject = self.subject
        return Maximizer(
            subject.model,
            self.layer,
            channel=self.channel,
            place="centre" if self.place == "centre" and self._has_places else None,
            dataset=subject.items if self.has_images else None,
            size=size,
            count=count,
            steps=steps,
            generator=torch.Generator().manual_seed(self.seed),
            prepare=None if subject.prepare is None else of_images(subject.prepare, self.item),
        )


def _checked_scan(scan: Any, has_images: bool) -> Scan | None:
    if scan is not None and not isinstance(scan, Scan):
        raise TypeError(f"scan must be a Scan, as cw.scan gives it, not {type(scan).__name__}")
    if scan is not None and not has_images:
        raise TypeError("scan belongs to a data set, and there is none: MaximizeView(model, dataset, scan)")
    return scan


def _grey_image(model: nn.Module, prepare: Any) -> list[tuple[torch.Tensor, int]]:
    """A data set of one grey image that the network takes, for one that comes without images."""
    module = plain(model)
    entry = entrance(module)
    if entry is None or entry.axes != 2 or prepare is not None:
        raise ValueError(f"{type(module).__name__} needs images that tell what it takes: MaximizeView(model, dataset)")
    for side in SIDES:
        image = torch.full((entry.channels, side, side), 0.5)
        try:
            Subject(module, [(image, 0)]).at(0)
        except ForwardError:
            continue
        return [(image, 0)]
    raise ValueError(
        f"{type(module).__name__} takes no images of {', '.join(map(str, SIDES))} px: MaximizeView(model, dataset)"
    )
