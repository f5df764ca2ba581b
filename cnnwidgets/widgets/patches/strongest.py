"""The strongest patches of a channel beside what a view shows of it: they follow behind, the newest channel first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from ...compute.dataset import Item
from ...compute.layers import Layer
from ...compute.scan import Scan
from ...live import GrowingWork, cell_thread
from ...render.static import Panel
from ..panels import PanelBox
from ..passes import ByteCache
from ..state import Subject
from ..surface import markup
from .cutting import Cutter, Example
from .sheet import described, patch_sheet

COUNT, COLUMNS, SIDE = 8, 4, 66
"""Patches that are shown, those in a row, and px of each."""
WIDTH, ROOM = COLUMNS * (SIDE + 6), 236
"""Px of the picture, and height of the whole panel."""
KEPT = 32 * 2**20
"""Bytes of pictures that are kept: a channel that was looked at is there at once."""
LARGEST = {"maximum": "largest values", "mean": "largest means", "norm": "largest norms"}
"""What a scan ranks images by, in words."""


class PatchesBox(PanelBox):
    """Stands beside the panel above it where there is room, and below it else; see the style sheet."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.add_class("cnnw-patches")


@dataclass(frozen=True, eq=False)
class PatchesPanel(Panel):
    """The panel that it shows."""

    box: ClassVar[type[PanelBox]] = PatchesBox


class Cutting:
    """Cuts out the strongest patches of a channel one by one; raises what its layer's receptive field raises."""

    def __init__(self, cutter: Cutter, scan: Scan, row: Layer, channel: int, item: Item) -> None:
        self.examples: list[Example] = []
        self._cutter, self._row, self._channel = cutter, row, channel
        self._places = scan[row.name].strongest(channel)[:COUNT]
        cutter.field(row, item)

    @property
    def done(self) -> int:
        """Patches that were cut out."""
        return len(self.examples)

    @property
    def total(self) -> int:
        """Patches that there are."""
        return len(self._places)

    def step(self, seconds: float | None = None) -> None:
        """Cut out as many as that takes, at least one; without a time, all."""
        until = None if seconds is None else time.monotonic() + seconds
        while (rank := self.done) < self.total:
            self.examples.append(self._cutter.example(self._row, self._channel, self._places[rank], rank))
            if until is not None and time.monotonic() >= until:
                break


@dataclass(frozen=True, eq=False)
class Drawn:
    """A panel, with the image of each of its patches."""

    panel: Panel
    images: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return 0 if self.panel.pixels is None else self.panel.pixels.nbytes

    def framing(self, image: int) -> Panel:
        """The panel with the patches of this image framed."""
        cells = self.panel.cells
        marks = [] if cells is None else [cells.box(at) for at, each in enumerate(self.images) if each == image]
        return replace(self.panel, marks=marks) if marks else self.panel


class StrongestPatches(GrowingWork[Cutting]):
    """A panel with the strongest patches of the channel that a view looks at, as a scan found them.

    No drawing waits for it: until the patches of another channel are cut out, in portions between which the notebook
    answers, those before stay, under their own heading. Without an event loop they are cut out at once.

    Parameters
    ----------
    subject : Subject
        The network and its images.
    scan : Scan
        Of both.
    on_progress, is_current : callable
        As of every `Growing`.
    on_choose : callable
        Called with the number of the image whose patch is clicked.
    """

    def __init__(
        self,
        subject: Subject,
        scan: Scan,
        on_progress: Callable[[], bool],
        is_current: Callable[[], bool],
        on_choose: Callable[[int], object],
    ) -> None:
        super().__init__(on_progress, is_current)
        self.scan = scan
        self._on_choose = on_choose
        self._cutter = Cutter(subject, scan.options["seed"] or 0)
        self._kept = ByteCache(KEPT)
        self._shown: Drawn | None = None

    def panel(self, row: Layer, channel: int, item: Item, *, chosen: int, name: str = "") -> Panel:
        """The panel for a channel of a layer that was scanned.

        Parameters
        ----------
        row : Layer
            The layer, in the layer table of `item`.
        channel : int
            Whose patches.
        item : Item
            The image that is looked at.
        chosen : int
            Its number: its patches are framed.
        name : str
            Of the unit, where it has one.
        """
        key, heading = (row.name, channel), _heading(row, channel, name)
        drawn: Drawn | None = self._kept.get(key)
        if key != self._key:
            self.hold()
        self.follow(key, partial(Cutting, self._cutter, self.scan, row, channel, item), wanted=drawn is None)
        if drawn is None and cell_thread.loop() is None:
            self.settle()
        if drawn is None and (self.error is not None or self.complete or self.done):
            drawn = self._drawn(row.name, heading)
            if self.complete:
                self._kept.put(key, drawn)
        if drawn is None:
            before = self._shown or Drawn(self._panel(heading, [f"{row.name}: reading the images"]))
            return replace(before.panel, resting=True)
        self._shown = drawn
        return drawn.framing(chosen)

    def nothing(self, why: str) -> Panel:
        """The panel where there are no patches to show."""
        self.follow(None, None, False)
        self._shown = Drawn(self._panel("", [f"none: {why}"]))
        return self._shown.panel

    def settle(self) -> None:
        """Cut out now what is still to be cut out for the channel that was asked for last."""
        self.stop()
        while not self._ended:
            self._try(None)

    def forget(self) -> None:
        """Forget all: the weights or the data may be others."""
        self.follow(None, None, False)
        self._cutter.clear()
        self._kept.clear()

    def _drawn(self, layer: str, heading: str) -> Drawn:
        examples = [] if self.work is None else self.work.examples
        if self.error is not None:
            return Drawn(self._panel(heading, [f"{layer}: {markup.in_words(self.error)}"]))
        if not examples:
            return Drawn(self._panel(heading, [f"{layer}: no image has a finite value here"]))
        pixels, cells = patch_sheet(examples, side=SIDE, columns=COLUMNS, count=self.total)
        images, said = tuple(each.place.image for each in examples), [described(each) for each in examples]
        panel = replace(
            self._panel(heading, [f"{layer}: {LARGEST[self.scan.statistic]} in {self.scan.done:,} images"]),
            pixels=pixels,
            cells=cells,
            describe=lambda cell: said[cell] if cell < len(said) else "",
            on_cell=lambda cell: self._on_choose(images[cell]) if cell < len(images) else None,
            hint="click one",
            scrolls=WIDTH,
        )
        return Drawn(panel, images)

    def _panel(self, heading: str, lines: list[str]) -> Panel:
        parts = filter(None, ["Strongest patches", heading])
        return PatchesPanel(" · ".join(parts), width=WIDTH, lines=lines, key="patches", room=ROOM)


def _heading(row: Layer, channel: int, name: str) -> str:
    word = "unit" if row.kind == "vector" else "channel"
    return " · ".join(filter(None, [f"{word} {channel}", name]))
