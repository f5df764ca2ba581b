"""The computation of one output value of a layer: input, operations and result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

Arithmetic = Literal[
    "convolution", "linear", "maximum", "mean", "normalization", "pointwise", "softmax", "addition", "concatenation"
]

SLACK = 64
"""Tolerance in float32 rounding errors, relative to the sum of magnitudes."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """One output value of a layer, recomputed in float64 from the layer's input.

    Attributes
    ----------
    layer, type : str
        Name of the layer and its class; the name is empty where there is no network.
    kind : str
        `convolution` and `linear`: sum of patch x kernel, plus bias. `maximum` and `mean`: of the patch.
        `normalization`, `pointwise`, `softmax`, `addition` and `concatenation`: what `steps` say.
    channel : int
        Channel or unit of the output.
    unit : tuple of int
        Its position: (row, column) in a map, () in a vector.
    value : float
        What the network computed.
    result : float
        Result of the steps.
    tolerance : float
        Up to this difference the two count as equal: 64 float32 rounding errors of the sum of the magnitudes of all
        terms, plus two of the network's number type.
    steps : tuple of (str, float)
        From the input to the result: description and intermediate value.
    patch : torch.Tensor
        (C', kH, kW) float64: input values in the window, padding included; (C',) for `linear`.
    inputs : range
        Indices of the C' input channels or features.
    positions : tuple of tuple of int
        Rows and columns of the patch in the layer's input; negative, or past the end, in the padding.
    kernel : torch.Tensor or None
        The weights, shaped like `patch`; None for layers without weights.
    bias : float
        Added to the sum; 0 without a bias.
    winner : tuple of int or None
        Of a maximum: (row, column) in the input of the maximum, the first of equals.
    index : tuple of int
        Of the number in the output of the layer, batch and channel included.
    """

    layer: str
    type: str
    kind: Arithmetic
    channel: int
    unit: tuple[int, ...]
    value: float
    result: float
    tolerance: float
    steps: tuple[tuple[str, float], ...]
    patch: torch.Tensor
    inputs: range
    positions: tuple[tuple[int, ...], ...] = ()
    kernel: torch.Tensor | None = None
    bias: float = 0.0
    winner: tuple[int, ...] | None = None
    index: tuple[int, ...] = ()

    @cached_property
    def product(self) -> torch.Tensor | None:
        """Patch x kernel, element by element; None without a kernel."""
        return None if self.kernel is None else self.patch * self.kernel

    @cached_property
    def sums(self) -> torch.Tensor:
        """(C',) float64: contribution of each input channel or feature to the sum; empty without a kernel."""
        if self.product is None:
            return self.patch.new_empty(0)
        return self.product.reshape(len(self.inputs), -1).sum(1)

    @property
    def contributions(self) -> list[tuple[int, float]]:
        """`(input channel, contribution)`, the largest magnitude first."""
        order = self.sums.abs().argsort(descending=True, stable=True).tolist()
        return [(self.inputs[k], float(self.sums[k])) for k in order]

    @cached_property
    def cosine(self) -> float | None:
        """Cosine of the angle between patch and kernel, over all input channels: -1 to 1; None if one is all 0."""
        if self.kernel is None or self.product is None:
            return None
        lengths, total = float(self.patch.norm() * self.kernel.norm()), float(self.product.sum())
        if not lengths:
            return None
        return min(max(total / lengths, -1.0), 1.0)  # in this order, NaN stays NaN

    @property
    def difference(self) -> float:
        """Absolute difference of value and result; 0 if both are the same infinity or both NaN."""
        if self.value == self.result or (self.value != self.value and self.result != self.result):
            return 0.0
        return abs(self.value - self.result)

    @property
    def agrees(self) -> bool:
        """Whether the network computed the same, within the tolerance."""
        return self.difference <= self.tolerance

    def __repr__(self) -> str:
        place = f" at {self.unit}" if self.unit else ""
        name = f"{self.layer} ({self.type}), channel {self.channel}" if self.layer else "output"
        lines = [name + place, *(f"  {words:<44}{number:>14.7g}" for words, number in self.steps)]
        if self.layer:
            verdict = "the same" if self.agrees else "NOT the same"
            lines.append(f"  {'the network computed':<44}{self.value:>14.7g}")
            lines.append(f"  {verdict}: difference {self.difference:.1e}, tolerance {self.tolerance:.1e}")
        return "\n".join(lines)


def tolerance(dtype: torch.dtype, magnitude: float, device: torch.device | None = None) -> float:
    """Allowed deviation of a sum from the exact one.

    Parameters
    ----------
    dtype : torch.dtype
        Number type of the network.
    magnitude : float
        Sum of the magnitudes of all terms.
    device : torch.device, optional
        Device of the network: GPUs may round float32 to TF32 before multiplying.
    """
    rounding = own = torch.finfo(dtype).eps
    if device is not None and device.type == "cuda" and dtype == torch.float32:
        rounding = 2.0**-10 if torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32 else own
    return (SLACK * min(own, torch.finfo(torch.float32).eps) + 2 * rounding) * magnitude


def checked_unit(
    unit: int | Sequence[int], shape: Sequence[int], layer: str, names: str = "(row, column)"
) -> tuple[int, ...]:
    """`unit` as a full index into `shape`, whose first axis is the batch.

    Parameters
    ----------
    unit : int or sequence of int
        With or without the batch index, which is optional for a batch of one.
    shape : sequence of int
        Batch size, then the size of a map.
    layer : str
        Name of the layer, for error messages.
    names : str
        Names of the coordinates, for error messages.

    Raises
    ------
    ValueError
        Too few or too many numbers.
    IndexError
        A number is out of range.
    """
    given = (unit,) if isinstance(unit, int) else tuple(int(number) for number in unit)
    full = (0, *given) if len(given) == len(shape) - 1 and shape[0] == 1 else given
    if len(full) != len(shape):
        batch = "" if shape[0] == 1 else f", after its number in the batch of {shape[0]}"
        raise ValueError(f"unit {given} of {_whose(layer)} must have {len(shape) - 1} numbers, {names}{batch}")
    for number, extent in zip(full, shape, strict=True):
        if not 0 <= number < extent:
            extents = " x ".join(map(str, shape[1:])) or "one number"
            raise IndexError(f"unit {given} is out of range: a map of {_whose(layer)} is {extents}")
    return full


def checked_channel(channel: int, count: int, layer: str) -> int:
    """`channel` if it is in range; raises IndexError otherwise."""
    if not 0 <= channel < count:
        raise IndexError(f"channel {channel} is out of range: {_whose(layer)} has {count}, 0 to {count - 1}")
    return int(channel)


def _whose(layer: str) -> str:
    return f"layer {layer!r}" if layer else "the output"
