"""An operation that is edited: a call of a function of torch in the code of a `forward`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import fx, nn

from ..core import Prepare, call, describe, why_not
from ..layers import LayerTable, batched, layer_table, run_operations, trace
from ..recall import Known, recalled
from ..scoring import agrees
from ..shadow import looking
from .edited import Edited, known_arrangements
from .hooks import Calls, hook_after, hook_before
from .place import EditedPlace, editable_operations
from .reach import Reach, Run
from .selection import Arrangement, by_row


class EditedOperation(Edited):
    """As `Edited`, for an operation; `module` is that in whose `forward` it is.

    The first pass is compared with what the graph of `torch.fx`, from which it has its name, gives for it.
    """

    def reached(self, calls: Calls, part: nn.Module, number: int, run: Run) -> Any:
        """What is called in place of it, in a call of `part` of this number."""
        if calls.asking:
            return self.noted(calls, "", run(None))
        self.most = max(self.most, number)
        return run(lambda value: self.made(calls, number, value))

    def noted(self, calls: Calls, where: str, value: Any) -> Any:
        """What it gives in a pass, or in the `graph`, kept as it is now."""
        if isinstance(value, torch.Tensor):
            calls.noted[self.layer, where] = value.detach().clone()
        return value

    def axes(self, calls: Calls, number: int, output: torch.Tensor) -> Arrangement:
        """Which axes of `output` are what: from an earlier pass, or by a pass for the layer table."""
        kept, key = known_arrangements(self._model), (self.layer, output.ndim)
        if key not in kept:
            kept[key] = self._ask(calls, number, output)
        return kept[key]

    def _ask(self, calls: Calls, number: int, output: torch.Tensor) -> Arrangement:
        if calls.given is None:
            raise ValueError(
                f"whether operation {self.layer!r} is what the layer table has by this name is told by a pass of the "
                "whole model: run it once before its parts"
            )
        table = self.known_table(calls)
        if table is None:
            return by_row(None, output.ndim)
        row, called, traced = (
            self.place.row(table),
            *(calls.noted.get((self.layer, where)) for where in ("", "graph")),
        )
        if row is None or called is None or traced is None:
            why = table.note or f"the model never comes to it{'' if called is None else ' in the graph'}"
            raise ValueError(f"operation {self.layer!r} cannot be edited: {why}")
        if not _alike(called.cpu(), traced):
            raise ValueError(
                f"operation {self.layer!r} cannot be edited: the graph that torch.fx traced gives {describe(traced)}, "
                f"and the model {describe(called)}, or other numbers"
            )
        return by_row(row, output.ndim)

    def table(self, network: nn.Module, images: Any, prepare: Prepare | None) -> LayerTable:
        """The table in which it is."""
        return layer_table(network, images, prepare=prepare)

    @property
    def why_not(self) -> str:
        """Why it was never edited, for a network that ran."""
        where = f"the forward() of {self.module!r}" if self.module else "the forward() of the model"
        return f"no pass came to it in {where}: what runs there is not what torch.fx traced"


class Operations:
    """The operations among the edited layers, for hooks and for passes through a graph."""

    def __init__(self, edited: Iterable[EditedOperation], calls: Calls) -> None:
        self._edited, self._calls = {each.layer: each for each in edited}, calls

    def hook(self, stack: ExitStack, model: nn.Module) -> None:
        """Put the hooks on a plain module, until the stack ends."""
        if self._edited:
            reached = {each.place.site: partial(each.reached, self._calls) for each in self._edited.values()}
            Reach(trace(model), {site: call for site, call in reached.items() if site is not None}, self._calls).hook(
                stack, model
            )

    @contextmanager
    def passing(self, network: nn.Module, args: Any, keywords: Any) -> Iterator[None]:
        """A pass of a graph, as `OperationEdits` says."""
        self._calls.begin(network, args, keywords)
        try:
            yield
        finally:
            self._calls.end(network)

    def change(self, name: str) -> Callable[[Any], Any] | None:
        """What makes another value of that of an operation in a graph; None for no edit."""
        found = self._edited.get(name)
        if found is None:
            return None
        if self._calls.asking:
            return partial(found.noted, self._calls, "graph")
        return partial(found.made, self._calls, found.call or 1)


@contextmanager
def rerouted_operation(
    model: nn.Module, place: EditedPlace, through: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Replace what an operation gives by `through(value)`, while the `with` block runs the model once.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    place : EditedPlace
        The operation.
    through : callable
        As for `rerouted`.

    Raises
    ------
    ValueError
        At the end: the model never came to the operation.
    """
    assert place.site is not None and place.traced is not None
    found = 0

    def reached(part: nn.Module, number: int, run: Run) -> Any:
        nonlocal found
        found += 1
        return run(through)

    calls = Calls([place.module])
    with ExitStack() as stack:
        hook_before(stack, model, calls.begin)
        Reach(place.traced, {place.site: reached}, calls).hook(stack, model)  # not of `model`, which may be a shadow
        yield
    if not found:
        raise ValueError(f"no pass of the model comes to operation {place.layer!r}, which torch.fx traced")


def operation_outputs(
    model: nn.Module,
    images: Any,
    places: Iterable[EditedPlace],
    *,
    prepare: Prepare | None = None,
    known: Mapping[str, Known] | None = None,
) -> dict[str, torch.Tensor]:
    """What operations give in one pass of the model itself, also where it is edited.

    A pass through the graph would be without the edits of modules that the graph has taken apart.

    Parameters
    ----------
    model : torch.nn.Module
        The network in which the operations were found, or a twin of it; left unchanged.
    images : torch.Tensor or object
        As for `activations`.
    places : iterable of EditedPlace
        From `editable_operations`.
    prepare : callable, optional
        As for `activations`.
    known : mapping of str to Known, optional
        Modules that need not run again, as for `recalled`.

    Returns
    -------
    dict of str to torch.Tensor
        Operation -> copy of its output, with the batch axis, on the CPU; without those that the pass never came to.
    """
    found: dict[str, torch.Tensor] = {}
    sites = {place.site: place for place in places if place.site is not None}
    traced = next((place.traced for place in sites.values()), None)
    if traced is None:
        return found

    depth = 0  # a pass in which something is edited may take others, of which nothing counts

    def begin(network: nn.Module, args: Any, keywords: Any) -> None:
        nonlocal depth
        depth += 1
        calls.begin(network, args, keywords)

    def end(network: nn.Module, args: Any, output: Any) -> None:
        nonlocal depth
        depth -= 1

    def reached(name: str, part: nn.Module, number: int, run: Run) -> Any:
        def kept(value: Any) -> Any:
            if depth == 1 and why_not(value) is None:
                found[name] = (value.dequantize() if value.is_quantized else value).detach().cpu().clone()
            return value

        return run(kept)

    calls = Calls({place.module for place in sites.values()})
    with looking(model) as network, recalled(network, known or {}), ExitStack() as stack:
        hook_before(stack, network, begin)
        hook_after(stack, network, end, always=True)
        each = {site: partial(reached, place.layer) for site, place in sites.items()}
        Reach(traced, each, calls).hook(stack, network)
        call(network, batched(model, images, prepare), prepare)
    return found


def proved_operations(model: nn.Module, images: Any, *, prepare: Prepare | None = None) -> dict[str, EditedPlace]:
    """The operations that can be edited and give in a pass what they give in the graph, by name.

    Arguments are those of `operation_outputs`. What two passes prove is kept as long as the graph.
    """
    places = editable_operations(model)
    traced = next((place.traced for place in places.values()), None)
    if traced is None or traced.graph is None:
        return {}
    if traced.graph not in _proved:
        in_graph, _ = run_operations(model, traced, images, places, prepare=prepare)
        called = operation_outputs(model, images, places.values(), prepare=prepare)
        _proved[traced.graph] = {name for name, value in in_graph.items() if _alike(called.get(name), value)}
    return {name: place for name, place in places.items() if name in _proved[traced.graph]}


def _alike(called: torch.Tensor | None, wanted: torch.Tensor) -> bool:
    if called is None:
        return False
    wanted = wanted.cpu()
    return torch.equal(called, wanted) or (wanted.is_floating_point() and agrees(called, wanted))


_proved: weakref.WeakKeyDictionary[fx.Graph, set[str]] = weakref.WeakKeyDictionary()
