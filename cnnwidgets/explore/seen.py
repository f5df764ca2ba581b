"""What is seen of a network: its stages, what feeds what, and the thumbnails of those that are shown."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import Any

import torch

from ..compute.layers import Layer, LayerTable, activations, one_image
from ..compute.overview import Edge, Flow, Stages, describe, edges, follow, stages
from ..widgets.state import Memory, Snapshot, Subject
from .sheet import sheet_of
from .stages import Row, places, rows_of
from .thumbnails import Strip, strip_of


class Seen:
    """The stages of the network of a subject, with what is known about them; the newest of each is remembered.

    Attributes
    ----------
    stages : Stages
        Of the table that was taken last.
    """

    stages: Stages

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._memory = Memory()
        self._images = count()
        self._flow: tuple[tuple[str, ...], Flow] | None = None

    def take(self, table: LayerTable) -> None:
        """Fold the layers of a table."""
        self.stages = self._memory.remember("stages", (table,), lambda: stages(table))

    def follow(self, table: LayerTable, snapshot: Snapshot) -> bool:
        """Fold the layers of a table, and find what feeds what, which takes two passes; whether any of it is new."""
        before, names = self.stages, tuple(table.names)
        self.take(table)
        if self._flow is not None and self._flow[0] == names:
            return self.stages is not before
        images, traced = self._subject.items.batch(snapshot.item), any(row.operation for row in table)
        self._flow = names, follow(self._subject.module, images, operations=traced, prepare=self._subject.prepare)
        return True

    def feeding(self, opened: Collection[str] | None, find: str) -> list[Edge]:
        """What feeds what among the rows; nothing where that is not known."""
        rows = self.rows(opened, find)
        return [] if find.strip() else self._edges([row.stage for row in rows if not row.opened])

    def forget(self) -> None:
        """Remember nothing but the stages."""
        self._memory.forget()
        self._flow = None

    def rows(self, opened: Collection[str] | None, find: str) -> list[Row]:
        """The rows from top to bottom."""
        key = (self.stages, opened, find)
        return self._memory.remember("rows", key, lambda: rows_of(self.stages, opened, find))

    def sheet(
        self, snapshot: Snapshot, opened: Collection[str] | None, find: str, *, scale: str, colormap: str
    ) -> dict[str, Any]:
        """What the page is told; the same object as before, where nothing has changed."""
        rows, strips = self.rows(opened, find), self._strips(snapshot, opened, find, colormap)
        found = self.feeding(opened, find)
        image = self._memory.remember("image", (snapshot.modules,), lambda: next(self._images))

        def make() -> dict[str, Any]:
            lines = self._lines(rows, found)
            shown = [(row, None if row.layer is None else strips[row.layer.name], lines[row]) for row in rows]
            empty = f"no stage has {find.strip()!r} in its name, kind or shape"
            return sheet_of(shown, places(rows, found), scale=scale, colormap=colormap, empty=empty, image=image)

        return self._memory.remember("sheet", (snapshot.modules, rows, found, scale, colormap), make)

    def _edges(self, shown: list[Any]) -> list[Edge]:
        """What feeds what among the stages that are shown; nothing where that is not known."""
        if self._flow is None or self._flow[0] != tuple(self.stages.table.names):
            return self._memory.remember("edges", (), list[Edge])
        flow = self._flow[1]
        return self._memory.remember("edges", (flow, tuple(shown)), lambda: edges(shown, flow))

    def _lines(self, rows: list[Row], found: list[Edge]) -> dict[Row, str]:
        """What each stage did."""

        def make() -> dict[Row, str]:
            incoming: dict[int, list[Edge]] = {}
            for edge in found:
                incoming.setdefault(id(edge.target), []).append(edge)
            model = self._subject.module
            return {row: describe(row.stage, model, incoming.get(id(row.stage), ())) for row in rows}

        return self._memory.remember("lines", (rows, found), make)

    def _strips(self, snapshot: Snapshot, opened: Collection[str] | None, find: str, colormap: str) -> dict[str, Strip]:
        """The thumbnails of what is shown, by layer; what is not at hand is asked for in one pass."""
        made = self._memory.remember("strips", (snapshot.modules, colormap), dict[str, Strip])
        layers = {row.layer.name: row.layer for row in self.rows(opened, find) if row.layer is not None}
        wanted = [layer for name, layer in layers.items() if name not in made]
        outputs = self._lacking([layer for layer in wanted if not snapshot.cached(layer.name)], snapshot)
        for layer in wanted:
            found = outputs.get(layer.name)
            output = snapshot.output(layer.name) if found is None else one_image(found, layer)
            made[layer.name] = strip_of(output, layer, aspect=snapshot.item.aspect, colormap=colormap)
        return made

    def _lacking(self, layers: list[Layer], snapshot: Snapshot) -> dict[str, torch.Tensor]:
        """Outputs that the memory does not hold, from one pass: with batch axes, on the CPU."""
        if not layers:
            return {}
        self._subject.passes += 1
        images, names = self._subject.items.batch(snapshot.item), [layer.name for layer in layers]
        found = activations(self._subject.module, images, names, prepare=self._subject.prepare)
        return {name: output.cpu() for name, output in found.items()}
