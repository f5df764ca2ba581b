"""The tree of a network: modules that hold modules, in the order they run, built from its layer table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from ..layers import Layer, LayerTable
from .choosing import worth_choosing

RUN = 25
"""Neighbours that are folded into one stage, where a module holds more than `LONG`."""
LONG = 36
"""Children that a module may have before they are folded in runs."""


@dataclass(eq=False)
class Stage:
    """A part of a network: a call of a module, an operation, or neighbours that are folded into one.

    Attributes
    ----------
    name : str
        Unique in the tree: the module path, with `:k` for a call as in the layer table; the name of an operation;
        `first … last` for a run of neighbours.
    label : str
        The name within its parent.
    kind : str
        Class of the module, type of the operation; empty where neither is known.
    layer : Layer or None
        The row of the layer table whose output stands for it: its own, or the last that is worth choosing in it.
    module, call : str, int
        As in the layer table; for what is no call of a module the module around it, and 0.
    operation : bool
        Whether it is an operation of the traced network.
    result : bool
        Whether it is what its module makes of what the modules inside give, and not all of the module.
    names : tuple of str
        The rows of the layer table for what it returns.
    left_out : bool
        Whether it is not shown unless everything is: there is nothing of its own to see.
    """

    name: str
    label: str
    kind: str
    layer: Layer | None
    module: str
    call: int
    operation: bool = False
    result: bool = False
    names: tuple[str, ...] = ()
    left_out: bool = False
    parent: Stage | None = field(default=None, repr=False)
    children: list[Stage] = field(default_factory=list, repr=False)

    @property
    def row(self) -> str | None:
        """Name of the row of the layer table whose output stands for it."""
        return None if self.layer is None else self.layer.name

    @property
    def depth(self) -> int:
        """Modules around it, without the network itself."""
        return len(list(self.around))

    @property
    def around(self) -> Iterator[Stage]:
        """The stages that hold it, from the inside outwards, without the network itself."""
        parent = self.parent
        while parent is not None and parent.parent is not None:
            yield parent
            parent = parent.parent

    @property
    def inside(self) -> Iterator[Stage]:
        """It, and all that it holds."""
        yield self
        for child in self.children:
            yield from child.inside

    @property
    def foldable(self) -> bool:
        """Whether it holds something to be shown."""
        return any(not child.left_out for child in self.children)

    def matches(self, text: str) -> bool:
        """Whether its name, kind or shape holds `text`, in upper or lower case, with `x` or `×` between sizes."""
        form = "" if self.layer is None else self.layer.form
        return _folded(text) in _folded(f"{self.name} · {self.kind} · {form}")


def _folded(text: str) -> str:
    return text.strip().lower().replace("×", "x").replace(" x ", "x")


def tree_of(table: LayerTable) -> Stage:
    """The network as the root of a tree of stages, from its layer table."""
    root = Stage("", "", "", None, "", 0)
    same, worth = _first_of_same(table), worth_choosing(table)
    waiting: list[Stage] = []
    rows = (row for row in table if row.ran)
    for _, group in groupby(rows, key=lambda row: row.name if row.operation else (row.module, row.call)):
        entries = list(group)
        stage = _stage(entries, same, worth)
        if entries[0].module and not stage.operation:
            _adopt(stage, waiting)
        else:
            waiting.append(stage)
    if any(row.operation for row in table):  # the last operation is what the network returns
        for stage in waiting:
            stage.left_out |= stage.result and len(waiting) > 1
    root.children = waiting
    _finish(root, worth)
    return root


def _first_of_same(table: LayerTable) -> dict[str, Layer]:
    """A row that repeats the one before -> the row whose output it hands on."""
    found: dict[str, Layer] = {}
    first = None
    for row in table:
        if row.operation or row.reason is not None:
            continue  # a row repeats the last module before it that gives a tensor
        if not row.repeats or first is None:
            first = row
        found[row.name] = first
    return found


def _stage(entries: list[Layer], same: dict[str, Layer], chosen: frozenset[str]) -> Stage:
    """A stage for the outputs of one call."""
    first = entries[0]
    name = first.name if first.operation else _base(first)
    worth = [row for row in entries if row.name in chosen]
    shown = worth or [row for row in entries if row.reason is None] or entries
    layer = same.get(shown[0].name, shown[0])
    stage = Stage(name, name, first.type, layer, first.module, 0 if first.operation else first.call)
    stage.operation, stage.result, stage.left_out = first.operation, not first.operation and not first.module, not worth
    stage.names = tuple(row.name for row in entries)
    return stage


def _base(row: Layer) -> str:
    """The name of a call, without the part of its output."""
    numbered = f"{row.module}:{row.call}"
    return (
        numbered
        if row.name == numbered or row.name.startswith((f"{numbered}.", f"{numbered}["))
        else (row.module or row.name)
    )


def _within(stage: Stage, module: str) -> bool:
    path = stage.module
    return path.startswith(f"{module}.") or (stage.operation and path == module)


def _adopt(stage: Stage, waiting: list[Stage]) -> None:
    """Put a module behind what ran before it, and into it what has run in it: the last stages that wait.

    The operations after its last module are listed before the module itself, also those that run after it.
    """
    later: list[Stage] = []
    while waiting and waiting[-1].operation and not _within(waiting[-1], stage.module):
        later.append(waiting.pop())
    inside: list[Stage] = []
    while waiting and _within(waiting[-1], stage.module):
        inside.append(waiting.pop())
    stage.children = inside[::-1]
    own = stage.layer
    if inside and own is not None and own.name == stage.name and not stage.left_out and not inside[0].operation:
        # what it makes of what its last module gives has no row of its own: keep it in sight when it is opened
        result = Stage(f"{stage.name} (output)", "(output)", stage.kind, own, stage.module, stage.call, result=True)
        stage.children.append(result)
    waiting += [stage, *later[::-1]] if inside else [*later[::-1], stage]


def _finish(stage: Stage, worth: frozenset[str]) -> None:
    """Group children, set parents and labels, and find what stands for stages that have no row of their own."""
    _group(stage)
    while len(stage.children) > LONG:
        stage.children = _in_runs(stage.children)
    before = f"{stage.module}." if stage.call or not stage.operation else ""
    for child in stage.children:
        child.parent = stage
        if child.label == child.name and before != ".":
            child.label = child.name.removeprefix(before)
        _finish(child, worth)
    if stage.children:
        shown = [child for child in stage.children if not child.left_out]
        stage.left_out = not shown and stage.left_out
        if shown and (stage.layer is None or stage.layer.name not in worth):
            stage.layer = shown[-1].layer


def _group(stage: Stage) -> None:
    """Fold neighbours that lie in the same module, which was not called itself (a list of modules)."""
    before = f"{stage.module}." if stage.module else ""
    runs: list[tuple[str, list[Stage]]] = []
    for child in stage.children:
        path = child.module if not child.operation else f"{child.module}."
        rest = path.removeprefix(before) if path.startswith(before) else ""
        head = f"{before}{rest.partition('.')[0]}" if "." in rest and rest.partition(".")[0] else ""
        if head and runs and runs[-1][0] == head:
            runs[-1][1].append(child)
        else:
            runs.append((head, [child]))
    heads = [head for head, _ in runs if head]
    if len(runs) < 2:
        return
    children: list[Stage] = []
    for head, members in runs:
        if head and heads.count(head) == 1 and len(members) > 1:
            children.append(Stage(head, head, "", None, head, 0, left_out=True, children=members))
        else:
            children += members
    stage.children = children


def _in_runs(children: list[Stage]) -> list[Stage]:
    runs = [children[at : at + RUN] for at in range(0, len(children), RUN)]
    return [_run(run) for run in runs] if len(runs) > 1 else children


def _run(members: list[Stage]) -> Stage:
    first, last = members[0], members[-1]
    start, end = (each.name for each in (first, last))
    start, end = start.split(" … ")[0], end.split(" … ")[-1]
    name = f"{start} … {end}"
    label = f"{start.rpartition('.')[2]} … {end.rpartition('.')[2]}"
    around = first.module.rpartition(".")[0]
    return Stage(name, label, "", None, around, 0, left_out=True, children=members)
