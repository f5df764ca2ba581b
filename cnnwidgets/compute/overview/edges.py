"""Which of the stages that are shown feed which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .flow import Flow
from .tree import Stage


@dataclass(frozen=True)
class Edge:
    """What stage `source` gives is used by stage `target`, without another of the shown stages between them.

    `skip` is whether other stages are shown between the two.
    """

    source: Stage
    target: Stage
    skip: bool


def edges(rows: Sequence[Stage], flow: Flow) -> list[Edge]:
    """The edges between the shown stages, in the order of their targets.

    An edge means that a tensor that its source returned was used by its target, or by what is not shown between them.
    Where this is not known there is none.

    Parameters
    ----------
    rows : sequence of Stage
        From `Stages.rows`.
    flow : Flow
        From `follow`, of the same network.
    """
    shown = _Shown(rows, flow)
    sources: list[frozenset[int]] = []
    found: set[tuple[int, int]] = set()
    for node, parents in enumerate(flow.parents):
        at = shown.at[node]
        given = frozenset[int]().union(*(sources[parent] for parent in parents if at is None or shown.at[parent] != at))
        if at is None:
            sources.append(given)
        else:
            found |= {(at, source) for source in given if source != at}
            sources.append(frozenset({at}) if node in shown.returned[at] else frozenset())
    return [Edge(rows[source], rows[target], abs(target - source) > 1) for target, source in sorted(found)]


class _Shown:
    """Which nodes lie in which of the shown stages.

    Attributes
    ----------
    at : list of int or None
        Number of the stage that each node lies in; None for what is not shown.
    returned : list of set of int
        The nodes that each stage gives to others.
    """

    def __init__(self, rows: Sequence[Stage], flow: Flow) -> None:
        self.returned: list[set[int]] = [set() for _ in rows]
        calls = {(each.module, each.number): at for at, each in enumerate(flow.calls)}
        owners: dict[int, int] = {}
        nodes: dict[int, int] = {}
        for number, stage in enumerate(rows):
            called = None
            for part in stage.inside:
                own = set[int](flow.operations.get(part.name, ()) if part.operation else ())
                at = calls.get((part.module, part.call)) if part.call else None
                if at is not None and part.result:
                    own = {node for node in flow.calls[at].outputs if flow.places[node] == at}
                elif at is not None:
                    owners[at] = number
                    called = at if part is stage else called
                    if called is None or part is stage:  # of neighbours, what any of them returns
                        self.returned[number] |= flow.calls[at].outputs
                nodes |= dict.fromkeys(own, number)
                if called is None:
                    self.returned[number] |= own
        around: list[int | None] = []
        for at, each in enumerate(flow.calls):
            around.append(owners[at] if at in owners else around[each.parent] if each.parent >= 0 else None)
        self.at: list[int | None] = []
        for node, place in enumerate(flow.places):
            outside = around[place] if place >= 0 else None
            self.at.append(nodes.get(node, outside) if outside is None else outside)
