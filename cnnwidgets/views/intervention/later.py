"""What the layers behind an edited one make of it: before, after and the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...compute.interventions import operation_outputs, proved_operations
from ...compute.layers import Layer, drawable, one_image
from ...compute.overview import worth_choosing
from ...live import cell_thread
from ...render.color import GAP, Shaded, palette
from ...render.mosaic import Grid, mosaic
from ...render.static import Panel
from ...widgets.panels import PanelBox, WholeBox
from ...widgets.state import Snapshot
from ...widgets.surface import markup

SHOWN = 6
"""Layers that are drawn, the most changed ones."""
WIDTH = 224
"""Of the three pictures of a layer, in px."""
LONGEST = 128
"""Units of a vector in a row."""
AFTER = 0.030
"""Seconds after the scores: so long a page takes to be told of them, and until its next frame."""
FLAT = 8
"""A row of units is drawn at most so many times as wide as high."""


@dataclass(frozen=True, eq=False)
class Later:
    """A layer behind the edited one.

    Attributes
    ----------
    row : Layer
        Its entry in the layer table.
    share : float
        Norm of the change over the norm of what the layer put out before; infinite where that was 0.
    channel : int
        The map that changes most, by its mean magnitude; of a vector the unit.
    maps : ndarray
        (3, H, W): that map before, after, and the difference; of a vector, of all its units (3, 1, N).
    """

    row: Layer
    share: float
    channel: int
    maps: NDArray[np.float32]


def later_layers(before: Snapshot, after: Snapshot, layer: str) -> list[Later]:
    """The main layers that run after `layer` and change, the most changed first.

    Parameters
    ----------
    before, after : Snapshot
        The same image without the edits and with them.
    layer : str
        Name of the edited layer.
    """
    table = before.table
    behind = set(table.names[table.names.index(layer) + 1 :]) & worth_choosing(table)
    rows = [row for row in table.showable if row.name in behind]
    operations = _operations(before, after, layer, [row for row in rows if row.operation])
    found = []
    for row in rows:
        if row.operation:
            pair = operations.get(row.name)
        else:
            there = after.modules.get(row.name) is not None
            pair = (before.output(row.name), after.output(row.name)) if there else None
        if pair is None or pair[0].shape != pair[1].shape:
            continue
        one, other = pair[0].float(), pair[1].float()
        if change := float((other - one).norm()):
            norm = float(one.norm())
            found.append((change / norm if norm else math.inf, row, one, other))
    found.sort(key=lambda each: -each[0])
    return [_later(*each, aspect=before.item.aspect) for each in found[:SHOWN]]


def _operations(
    before: Snapshot, after: Snapshot, layer: str, rows: Sequence[Layer]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """What operations put out without the edits of a layer and with them."""
    if not rows or after is before:
        return {}
    subject, prepare = before.subject, before.subject.prepare
    images = subject.items.batch(before.item)
    places = proved_operations(subject.module, images, prepare=prepare)
    rows = [row for row in rows if row.name in places]
    before.have([row.name for row in rows])
    beginning = before.beginning(layer)
    outputs = beginning.held() if before.modules.get(layer) is not None else None
    known = beginning.known(outputs) if outputs is not None else {}
    wanted = [places[row.name] for row in rows]
    edited = operation_outputs(after.subject.module, images, wanted, prepare=prepare, known=known)
    return {row.name: (before.output(row.name), one_image(edited[row.name], row)) for row in rows if row.name in edited}


def _later(share: float, row: Layer, one: torch.Tensor, other: torch.Tensor, *, aspect: float) -> Later:
    maps, edited = (drawable(each, row, aspect=aspect, plane=row.planes // 2) for each in (one, other))
    differences = edited - maps
    channel = int(differences.abs().flatten(1).mean(1).argmax())
    parts = [maps, edited, differences]
    if row.kind == "vector" or maps.shape[1:] == (1, 1):
        drawn = [each.reshape(1, -1) for each in parts]
    else:
        drawn = [each[channel] for each in parts]
    return Later(row, share, channel, torch.stack(drawn).numpy())


@dataclass(frozen=True, eq=False)
class LaterPanel(Panel):
    """One of the panels of later layers, all of which change with every tick."""

    box: ClassVar[type[PanelBox]] = WholeBox


def later_panel(later: Later, colormap: str, *, key: str) -> Panel:
    """The three pictures of a layer on one scale."""
    shaded = Shaded.of(later.maps, colormap=colormap, scale="layer-full")
    tiles, (count, height, width) = shaded.tiles(), later.maps.shape
    if height == 1 and width > LONGEST:
        rows = -(-width // LONGEST)
        tiles = np.full((count, rows * LONGEST), GAP, np.uint8)
        tiles[:, :width] = shaded.tiles()[:, 0]
        tiles = tiles.reshape(count, rows, LONGEST)
    height, width = tiles.shape[1:]
    vector = later.maps.shape[1] == 1 and width > 1
    if vector and height < width // FLAT:
        tiles = tiles.repeat(width // FLAT // height, axis=1)
        height = tiles.shape[1]
    grid = Grid.fit(count, height, width, columns=1 if vector else count)
    what = "unit" if later.row.kind == "vector" else "map"
    share = "from 0" if math.isinf(later.share) else f"by {markup.percent(later.share)}"
    return LaterPanel(
        f"{later.row.name} · before, after, difference",
        mosaic(tiles, grid),
        palette=palette(shaded.colormap),
        width=WIDTH,
        colorbar=(shaded.colormap, *markup.scale_texts(*shaded.ends(), shaded.beyond())),
        lines=[f"changed {share}; most in {what} {later.channel}{'' if vector else ', which is shown'}"],
        key=key,
    )


def later_panels(found: Sequence[Later], colormap: str) -> list[list[Panel]]:
    """The panels of all, in columns of three."""
    if not found:
        return [[LaterPanel("Later layers · no change", width=WIDTH, key="later0")]]
    panels = [later_panel(each, colormap, key=f"later{at}") for at, each in enumerate(found)]
    return [panels[at : at + 3] for at in range(0, len(panels), 3)]


def blank_panels() -> list[LaterPanel]:
    """Panels for as many layers as are shown, with nothing in them yet."""
    return [LaterPanel("", width=WIDTH, key=f"later{at}") for at in range(SHOWN)]


class LaterPanels:
    """The later layers of a view, drawn a moment after all else where a page waits: the scores are seen first.

    What is sent right behind them would keep the page from painting them.

    Attributes
    ----------
    due : bool
        Whether the present ones are still to be drawn.
    """

    def __init__(self, view: Any) -> None:
        self._view = view
        self._key: Hashable = None  # of what is drawn
        self._waits: Hashable = None  # key of what is to be drawn; None for nothing
        self._now = False
        self._drawn: list[list[Panel]] = []

    @property
    def due(self) -> bool:
        """Whether the present ones are still to be drawn."""
        return self._waits is not None

    def panels(self, key: Hashable, make: Callable[[], list[list[Panel]]]) -> list[list[Panel]]:
        """What `make` gives; another `key` asks for others, which come with a drawing of their own."""
        if key == self._key:
            self._waits = None
        elif self._now or self._key is None or (loop := cell_thread.turning_loop()) is None:
            self._key, self._drawn = key, make()
            self._waits, self._now = None, False
        elif key != self._waits:
            self._waits = key
            loop.call_later(AFTER, self._ask, key)
        return self._drawn

    def draw(self) -> None:
        """Draw what is due, now or soon."""
        self._now = self.due
        if self.due and not self._view.closed:
            self._view.redraw()

    def _ask(self, key: Hashable) -> None:
        if key == self._waits:
            self.draw()
