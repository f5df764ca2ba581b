"""Frame: one moment of a training, as a recording keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

What = Literal["maps", "batch", "gradients", "filters"]
WHAT: tuple[What, ...] = ("maps", "batch", "gradients", "filters")


@dataclass(frozen=True)
class Frame:
    """One moment of a training.

    Attributes
    ----------
    epoch, batch : int
        Number of the last batch before it, from 0; both -1 for the network before the first step.
    step : int
        Number of steps before it; 0 for the network before the first.
    loss : float or None
        Loss of that batch, if the loop reported it.
    end : bool
        Whether the epoch ended with that batch.
    file : Path
        File of its tensors.
    size : int
        Bytes of the file.
    ranges : dict
        Tensor of the file -> its smallest and largest finite number, or None if it has none.
    shapes : dict
        Tensor of the file -> its shape.
    checks : dict
        Tensor of the file -> its checksums; empty in a recording of version 1.
    """

    epoch: int
    batch: int
    step: int
    loss: float | None
    end: bool
    file: Path = field(repr=False)
    size: int = field(repr=False)
    ranges: dict[str, list[float] | None] = field(repr=False)
    shapes: dict[str, tuple[int, ...]] = field(repr=False)
    checks: dict[str, list[int]] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> tuple[int, int]:
        """(epoch, batch)."""
        return self.epoch, self.batch

    @property
    def name(self) -> str:
        """`before training`, `end of epoch 3`, or `epoch 3 · batch 120`."""
        if not self.step:
            return "before training"
        return f"end of epoch {self.epoch}" if self.end else f"epoch {self.epoch} · batch {self.batch}"
