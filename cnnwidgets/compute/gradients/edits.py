"""What an edit makes of a gradient, and a record of the edits."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

Edit = Callable[[torch.Tensor], torch.Tensor]
_active: weakref.WeakKeyDictionary[nn.Module, list[GradientEdits]] = weakref.WeakKeyDictionary()


class GradientEdits:
    """Record of the edits of `edit_gradients` so far.

    Attributes
    ----------
    layer : str
        The layer whose gradient is edited.
    words : str
        Description of the edit: "scaled by 0.5".
    before, after : list of float
        L2 norm of the gradient over the batch, before and after each edit.
    """

    def __init__(self, layer: str, edit: Edit, words: str) -> None:
        self.layer, self.words = layer, words
        self.before: list[float] = []
        self.after: list[float] = []
        self._edit = edit

    def __repr__(self) -> str:
        norms = f", last norm {self.before[-1]:.3g} -> {self.after[-1]:.3g}" if self.before else ""
        return f"GradientEdits({self.layer!r} {self.words}, {self.count:,} times{norms})"

    @property
    def count(self) -> int:
        """Number of edited gradients."""
        return len(self.after)

    def edit(self, gradient: torch.Tensor) -> torch.Tensor:
        """Edit a gradient and record its norms."""
        before = float(torch.linalg.vector_norm(gradient.detach()))  # before the edit, which may be in place
        edited = self._edit(gradient)
        if not isinstance(edited, torch.Tensor) or edited.shape != gradient.shape:
            given = tuple(edited.shape) if isinstance(edited, torch.Tensor) else type(edited).__name__
            raise ValueError(f"fn must return a gradient of the shape {tuple(gradient.shape)}, not {given}")
        self.before.append(before)
        self.after.append(float(torch.linalg.vector_norm(edited.detach())))
        return edited


def gradient_edit(
    *,
    scale: float | None = None,
    clip: float | None = None,
    zero: bool | int | Iterable[int] | None = None,
    fn: Edit | None = None,
) -> tuple[Edit, str]:
    """The requested edit, arguments as for `edit_gradients`, and its description."""
    given: dict[str, Any] = {"scale": scale, "clip": clip, "zero": zero, "fn": fn}
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise ValueError(f"give one of scale, clip, zero and fn, not {' and '.join(names) or 'none'}")
    for name in {"scale", "clip"} & set(names):
        if not hasattr(given[name], "__float__") or not math.isfinite(given[name]):
            raise ValueError(f"{name} must be a finite number, not {given[name]!r}")
    if scale is not None:
        return lambda gradient: gradient * scale, f"scaled by {scale:g}"
    if clip is not None:
        if not clip > 0:
            raise ValueError(f"clip must be a norm above 0, not {clip}")
        return lambda gradient: _clipped(gradient, clip), f"clipped to norm {clip:g}"
    if zero is not None:
        if zero is False:
            raise ValueError("zero must be True, or the numbers of channels")
        if zero is True:
            return torch.zeros_like, "set to 0"
        channels = list(zero) if isinstance(zero, Iterable) else [zero]
        if not channels or any(not hasattr(one, "__index__") or isinstance(one, bool) for one in channels):
            raise ValueError(f"zero must be True, or the numbers of channels, not {zero!r}")
        return lambda gradient: _without(gradient, channels), f"set to 0 in {', '.join(map(str, channels))}"
    assert fn is not None
    if not callable(fn):
        raise ValueError(f"fn must be a function of the gradient, not {fn!r}")
    change = fn
    # a clone: autograd may pass the same gradient to other branches
    return lambda gradient: change(gradient.clone()), f"through {getattr(fn, '__name__', type(fn).__name__)}"


def _clipped(gradient: torch.Tensor, clip: float) -> torch.Tensor:
    norm = torch.linalg.vector_norm(gradient)
    return torch.where(norm > clip, gradient * (clip / norm), gradient)


def _without(gradient: torch.Tensor, channels: list[int]) -> torch.Tensor:
    count = gradient.shape[1] if gradient.ndim > 1 else 0
    if wrong := [channel for channel in channels if not 0 <= channel < count]:
        raise ValueError(f"no channel {wrong[0]} to set to 0: the layer has {count}, 0 to {count - 1}")
    edited = gradient.clone()
    edited[:, channels] = 0
    return edited


def edits_of(model: nn.Module) -> list[GradientEdits]:
    """The edits that are active on a module."""
    return list(_active.get(model, []))


@contextmanager
def listed(model: nn.Module, edits: GradientEdits) -> Iterator[None]:
    """Register these edits for `edits_of` inside a `with` block."""
    active = _active.setdefault(model, [])
    active.append(edits)
    try:
        yield
    finally:
        active.remove(edits)
