"""Hooks in the graph of a pass, gone with it: gradients past closed ReLUs, and past NaN that has no part in a value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

CLOSING = {
    f"{name}Backward0" for name in ("Relu", "Hardtanh", "Threshold", "ClampMin", "Clamp", "Hardswish", "Hardsigmoid")
}
"""Operations whose gradient is 0 over a whole range of inputs, as PyTorch names their backward."""


def past_relus(value: torch.Tensor, leaf: torch.Tensor) -> torch.Tensor:
    """The gradient of `value` with respect to `leaf` as if each ReLU on the way let all through; frees the graph.

    It points to where closed ReLUs open (Olah et al. 2017 begin their pictures so); 0 where the weights are.
    """
    for node in _nodes(value):
        if node.name() in CLOSING:
            node.register_hook(_let_through)
    (gradient,) = torch.autograd.grad(value, leaf)
    return gradient.nan_to_num(0.0, 0.0, 0.0)


def _let_through(inwards: tuple[Any, ...], outwards: tuple[Any, ...]) -> tuple[Any, ...]:
    return (outwards[0], *inwards[1:])


def _nodes(value: torch.Tensor) -> Iterator[Any]:
    """The operations behind `value`, each once."""
    seen, left = set(), [value.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left += [before for before, _ in node.next_functions]
            yield node


@contextmanager
def without_nan() -> Iterator[None]:
    """What passes in here keep for their gradients has 0 in place of NaN and infinity.

    A channel whose weights are NaN makes the gradient of all others NaN, as 0 * NaN, though it has no part in them.
    """
    with torch.autograd.graph.saved_tensors_hooks(_finite, lambda kept: kept):
        yield


def _finite(kept: torch.Tensor) -> torch.Tensor:
    return kept.nan_to_num(0.0, 0.0, 0.0) if kept.is_floating_point() else kept
