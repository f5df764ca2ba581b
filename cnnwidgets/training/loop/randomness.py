"""Random state of a training, and how to continue within an epoch with identical results."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ...compute.core import whole
from .loop import length


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and torch (every device); raises ValueError for a number that one of them does not accept."""
    number = whole(seed)
    if number is None or not 0 <= number < 2**32:
        raise ValueError(f"a seed must be a whole number from 0 to 2 ** 32 - 1, not {seed!r}")
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def random_state(loader: Any = None) -> dict[str, Any]:
    """State of the global generators, and of the generators of a loader; called after every step, so fast."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "mps": [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else [],
        "loader": [generator.get_state() for generator in _generators(loader)],
    }


def storable(state: dict[str, Any] | None) -> dict[str, Any] | None:
    """The result of `random_state` as plain values and tensors, for a checkpoint."""
    if state is None:
        return None
    name, keys, *rest = state["numpy"]
    return {**state, "numpy": [name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest]}


def set_random_state(state: dict[str, Any], loader: Any = None) -> None:
    """Restore a result of `random_state` or `storable`."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.asarray(keys).astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
    if state["mps"] and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"][0])
    for generator, known in zip(_generators(loader), state["loader"], strict=False):
        generator.set_state(known)


def _generators(loader: Any) -> list[torch.Generator]:
    batches = getattr(loader, "batch_sampler", None)
    owners = (loader, getattr(loader, "sampler", None), batches, getattr(batches, "sampler", None))
    found = [getattr(owner, "generator", None) for owner in owners]
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())


class Rest:
    """The remaining batches of an interrupted epoch: the same as without the interruption.

    Parameters
    ----------
    loader : iterable
        The loader.
    skip : int
        Number of batches already used; they are fetched again and discarded, to restore the state of samplers, worker
        processes and iterable data sets.
    began : dict
        `random_state` at the start of the epoch.
    now : dict
        `random_state` after the last batch used.
    """

    def __init__(self, loader: Any, skip: int, began: dict[str, Any], now: dict[str, Any]) -> None:
        self.loader, self.skip, self.began, self.now = loader, skip, began, now

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        batches: Iterator[Any] = iter(())
        if self.skip != length(self.loader):
            set_random_state(self.began, self.loader)
            batches = iter(self.loader)
            for _ in range(self.skip):
                next(batches, None)
        set_random_state(self.now, self.loader)
        yield from batches
