"""The stages of a network that are seen at first, and those seen for a choice of opened modules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from ..core import unknown_layer
from ..layers import LayerTable
from .tree import Stage, tree_of

MOST = 40
"""Rows that are seen at first, at most."""
FEW = 8
"""With fewer rows than this, modules are opened one by one where not all of a depth can be."""


class Stages(Sequence[Stage]):
    """The tree of a network in the order it runs: a sequence of all its stages, parents before their children.

    Attributes
    ----------
    root : Stage
        The network itself, which is no row.
    opened : frozenset of str
        Names of the stages that are open at first: as many as leave `MOST` rows.
    """

    def __init__(self, table: LayerTable, most: int = MOST) -> None:
        self.root = tree_of(table)
        self.table = table
        self._stages = [stage for stage in self.root.inside if stage is not self.root]
        self._by_name = {stage.name: stage for stage in self._stages}
        self.opened = _opened_first(self, most)

    def __getitem__(self, key: int | str) -> Stage:  # type: ignore[override]
        if isinstance(key, int):
            return self._stages[key]
        if key not in self._by_name:
            raise unknown_layer(key, list(self._by_name))
        return self._by_name[key]

    def __len__(self) -> int:
        return len(self._stages)

    def __contains__(self, key: object) -> bool:
        return key in self._by_name if isinstance(key, str) else key in self._stages

    def rows(self, opened: Collection[str] | None = None, *, everything: bool = False) -> list[Stage]:
        """The stages to show, in the order they run.

        Parameters
        ----------
        opened : collection of str, optional
            Names of the stages in place of which their children are shown; `opened` of these if None. Names that are
            not known, and of stages without children, count for nothing.
        everything : bool
            Show also what is left out by default.
        """
        return _rows(self.root, self.opened if opened is None else frozenset(opened), everything)

    def found(self, text: str, *, everything: bool = False) -> list[Stage]:
        """The stages whose name, kind or shape holds `text`: the innermost, which have nothing to open."""
        everywhere = _rows(self.root, self._by_name.keys(), everything)
        return [stage for stage in everywhere if stage.matches(text)]

    def holding(self, row: str) -> Stage:
        """The innermost stage that the row of the layer table called `row` stands for.

        Raises
        ------
        LookupError
            No row is called so.
        """
        found = self._of_rows.get(row)
        if found is None:
            raise unknown_layer(row, self.table.names)
        return found

    def opened_to(self, row: str, opened: Collection[str] | None = None) -> frozenset[str]:
        """`opened`, and what must be open besides for the row of the layer table called `row` to be seen."""
        before = self.opened if opened is None else frozenset(opened)
        return before | {stage.name for stage in self.holding(row).around}

    @cached_property
    def _of_rows(self) -> dict[str, Stage]:
        found: dict[str, Stage] = {}
        for stage in self._stages:  # a child comes after its parent, and takes its place
            if stage.row is not None:
                found[stage.row] = stage
        for stage in self._stages:
            for name in (stage.name, *stage.names):
                found.setdefault(name, stage)
        return found


def stages(table: LayerTable, *, most: int = MOST) -> Stages:
    """The tree of a network, from its layer table.

    Parameters
    ----------
    table : LayerTable
        From `layer_table`, with operations or without.
    most : int
        Rows that are seen at first, at most.

    Returns
    -------
    Stages
        Modules hold modules; more than 36 neighbours are folded in runs of 25.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from cnnwidgets.compute.layers import layer_table
    >>> model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Flatten(), nn.Linear(8, 3))
    >>> found = stages(layer_table(model, torch.zeros(1, 4, 4)))
    >>> [stage.name for stage in found.rows()]
    ['0.0', '0.1', '2']
    >>> [stage.name for stage in found.rows(opened=[])]
    ['0', '2']
    """
    return Stages(table, most)


def _rows(stage: Stage, opened: Collection[str], everything: bool) -> list[Stage]:
    rows: list[Stage] = []
    for child in stage.children:
        if child.left_out and not everything:
            if child.foldable:
                rows += _rows(child, opened, everything) if child.name in opened else [child]
            continue
        can_open = bool(child.children) if everything else child.foldable
        rows += _rows(child, opened, everything) if can_open and child.name in opened else [child]
    return rows


def _opened_first(tree: Stages, most: int) -> frozenset[str]:
    """Open one depth after the other as long as there is room; then, while there is little to see, one by one."""
    opened: frozenset[str] = frozenset()

    def room(more: Collection[str]) -> bool:
        return len(tree.rows(opened | set(more))) <= most

    while True:
        closed = [stage for stage in tree.rows(opened) if stage.foldable]
        if not closed:
            return opened
        least = min(stage.depth for stage in closed)
        level = [stage.name for stage in closed if stage.depth == least]
        if room(level):
            opened |= set(level)
            continue
        if len(tree.rows(opened)) >= FEW:
            return opened
        fitting = [stage for stage in closed if room([stage.name])]
        if not fitting:
            return opened
        opened |= {max(fitting, key=lambda stage: (-stage.depth, len(stage.children))).name}
