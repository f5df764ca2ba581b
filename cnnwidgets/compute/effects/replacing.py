"""What replaces a channel that is switched off."""

from __future__ import annotations

from typing import Literal

import torch

Value = Literal["zero", "mean"] | float


def replacing_maps(output: torch.Tensor, value: Value | torch.Tensor) -> torch.Tensor:
    """What replaces each channel of a layer's output (N, C, ...): (C, ...), 1 in axes in which it is the same."""
    if not isinstance(value, torch.Tensor):
        value = replacing(output, value)
    elif value.shape not in (output.shape[1:2], output.shape[1:]):
        raise ValueError(
            f"what replaces the channels must be ({output.shape[1]},) or {tuple(output.shape[1:])}, "
            f"not {tuple(value.shape)}"
        )
    return value.reshape(-1, *[1] * (output.ndim - 2)) if value.ndim == 1 else value


def replacing(output: torch.Tensor, value: Value) -> torch.Tensor:
    """The number that replaces each channel of a layer's output (N, C, ...): (C,)."""
    if value == "mean":
        return output.transpose(0, 1).flatten(1).double().mean(1).to(output.dtype)
    return output.new_full((output.shape[1],), 0.0 if value == "zero" else float(value))
