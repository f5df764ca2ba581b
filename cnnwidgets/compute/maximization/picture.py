"""Optimised pictures at one step."""

from __future__ import annotations

from dataclasses import dataclass

import torch

STATISTICS = ("maximum", "mean", "norm")
"""One number of a map, as a scan has it: the largest value, the mean, or the root of the sum of the squares."""


@dataclass(frozen=True, eq=False)
class MaximizedPicture:
    """N pictures at one step of `maximize`, and what they drive.

    Attributes
    ----------
    images : torch.Tensor
        (N, C, H, W) as the network takes them, on the CPU.
    pixels : torch.Tensor
        (N, C, H, W), 0 (black) to 1 (white).
    step, steps : int
        Steps that were made, and that there will be.
    activation : torch.Tensor
        (N,): what is driven, for each picture as it is, neither moved nor turned.
    maps : torch.Tensor
        (N, ...): what it is the mean or one place of, such as the map of the channel; (N,) for a unit or a class.
    note : str
        What else there is to say: that it began anew with smaller steps, what was done until there was a gradient, or
        that no step had one. Empty for nothing.
    """

    images: torch.Tensor
    pixels: torch.Tensor
    step: int
    steps: int
    activation: torch.Tensor
    maps: torch.Tensor
    note: str = ""

    def __repr__(self) -> str:
        count, channels, height, width = self.images.shape
        what = "picture" if count == 1 else "pictures"
        activation = ", ".join(f"{float(value):.4g}" for value in self.activation[:4])
        more = ", ..." if count > 4 else ""
        form = f"{channels} x {height} x {width}"
        return f"{count} {what} {form}, step {self.step} of {self.steps}, activation {activation}{more}"

    def statistic(self, name: str = "maximum") -> torch.Tensor:
        """(N,): one number of each map, to compare with those of a `Scan`: `maximum`, `mean` or `norm`.

        Raises
        ------
        ValueError
            Another name.
        """
        values = self.maps.reshape(len(self.maps), -1)
        if name not in STATISTICS:
            raise ValueError(f"statistic is {', '.join(STATISTICS[:-1])} or {STATISTICS[-1]}, not {name!r}")
        if name == "mean":
            return values.mean(1)
        return values.amax(1) if name == "maximum" else values.norm(dim=1)
