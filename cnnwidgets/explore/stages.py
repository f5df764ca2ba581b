"""The rows of the overview: which stages are seen, with the open ones around them as headings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..compute.layers import Layer
from ..compute.overview import Edge, Stage, Stages


@dataclass(frozen=True, eq=False)
class Row:
    """One row of the overview.

    Attributes
    ----------
    stage : Stage
        What it shows.
    depth : int
        How many headings it stands under.
    opened : bool or None
        True for the heading of an open stage, False for a stage that can be opened, None for all others.
    """

    stage: Stage
    depth: int = 0
    opened: bool | None = None

    @property
    def layer(self) -> Layer | None:
        """The layer whose output is shown; None for a heading, and where nothing can be shown."""
        layer = self.stage.layer
        return None if self.opened or layer is None or layer.reason is not None else layer

    @property
    def shape(self) -> str:
        """`64×56×56`."""
        return "" if self.layer is None else "×".join(map(str, self.layer.shape)) or "one number"


def rows_of(stages: Stages, opened: Collection[str] | None, find: str) -> list[Row]:
    """The rows from top to bottom: stages that match `find`, or else those of the tree with these open."""
    if find.strip():
        return [Row(stage) for stage in stages.found(find)]
    rows: list[Row] = []
    above: list[Stage] = []
    for stage in stages.rows(opened):
        around = list(stage.around)[::-1]
        for depth, each in enumerate(around):
            if depth >= len(above) or above[depth] is not each:
                rows.append(Row(each, depth, True))
                above = around[: depth + 1]
        above = around
        rows.append(Row(stage, len(around), False if stage.foldable else None))
    return rows


def places(rows: Sequence[Row], edges: Sequence[Edge]) -> list[tuple[int, int, str]]:
    """The edges that skip stages, by the places of their ends among the rows."""
    at = {id(row.stage): place for place, row in enumerate(rows) if not row.opened}
    ends = ((at.get(id(edge.source)), at.get(id(edge.target)), edge) for edge in edges if edge.skip)
    return [
        (start, end, f"{edge.source.name} → {edge.target.name}")
        for start, end, edge in ends
        if start is not None and end is not None and start < end
    ]
