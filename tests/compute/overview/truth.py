"""Whether edges are true: a pass in which what one stage puts out is changed; what it feeds moves, all else stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from cnnwidgets.compute.core import call, capture, named_parts, plain, rebuilt, why_not
from cnnwidgets.compute.layers import arguments_of
from cnnwidgets.compute.overview import Edge, Stage
from cnnwidgets.compute.shadow import looking

Outputs = dict[tuple[str, int], list[torch.Tensor]]


def stirred(model: nn.Module) -> nn.Module:
    """The model without weights that are all zero, with which no change would reach the end."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1 and not weight.any():  # the heads of vision transformers
                weight += 0.05 * torch.randn(weight.shape, generator=generator).to(weight)
    return model.double()  # what arrives may be small


def outputs(
    model: nn.Module, images: Any, prepare: Any = None, changed: tuple[str, int] | None = None, sign: float = 1
) -> Outputs:
    """(module, call) -> what it puts out, in a pass in which the output of one call is another one."""
    given, as_it_is = arguments_of(model, images, prepare)
    with looking(plain(model)) as shadow:
        handle = None
        if changed is not None:
            count = 0

            def change(part: nn.Module, args: Any, output: Any) -> Any:
                nonlocal count
                count += 1
                return rebuilt(output, lambda value: _other(value, sign)) if count == changed[1] else None

            handle = named_parts(shadow)[changed[0]].register_forward_hook(change)
        try:
            with capture(shadow) as captured:
                torch.manual_seed(0)
                call(shadow, given, as_it_is)
        finally:
            if handle is not None:
                handle.remove()
    found: Outputs = {}
    for seen in captured.seen:
        if seen.tensor is not None:
            found.setdefault((seen.module, seen.call), []).append(seen.tensor)
    return found


def _other(value: Any, sign: float) -> Any:
    if why_not(value) is not None or not value.is_floating_point():
        return value
    noise = torch.rand(value.shape, generator=torch.Generator().manual_seed(1)).to(value)
    return value + sign * (0.5 + noise) * (value.float().std().nan_to_num(1) + 1).to(value)


def wrong_edges(
    model: nn.Module, images: Any, rows: Sequence[Stage], found: Sequence[Edge], prepare: Any = None, most: int = 1000
) -> tuple[list[str], int]:
    """What is wrong with edges between calls of modules, and how many pairs of stages were looked at.

    Each stage that is a call is changed in turn. What an edge leads to from there moves, and what no path of edges
    leads to stays as it was.
    """
    before = outputs(model, images, prepare)
    calls = [stage for stage in rows if stage.call and (stage.module, stage.call) in before]
    after: dict[Stage, set[Stage]] = {}
    for edge in found:
        after.setdefault(edge.source, set()).add(edge.target)
    wrong: list[str] = []
    looked = 0
    step = max(1, len(calls) // most)
    for source in calls[::step]:
        passes = [outputs(model, images, prepare, (source.module, source.call), sign) for sign in (1, -1)]
        fed, waiting = set(), [source]
        while waiting:
            for target in after.get(waiting.pop(), ()):
                if target not in fed:
                    fed.add(target)
                    waiting.append(target)
        for target in calls:
            if target is source:
                continue
            key = (target.module, target.call)
            moved = not all(_same(before[key], now.get(key, [])) for now in passes)
            looked += 1
            if moved and target not in fed:
                wrong.append(f"{source.name} -> {target.name}: moves without an edge")
            if not moved and target in after.get(source, ()):
                wrong.append(f"{source.name} -> {target.name}: does not move")
    return wrong, looked


def _same(before: Sequence[torch.Tensor], now: Sequence[torch.Tensor]) -> bool:
    return len(before) == len(now) and all(map(_equal, before, now))


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one.nan_to_num(), other.nan_to_num())
