"""A dictionary that keeps the most recently used tensors within a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import torch


class ByteCache:
    """LRU cache: the least recently used tensors are removed when more than `limit` bytes are held.

    Parameters
    ----------
    limit : int
        Maximum number of bytes. A single tensor larger than that is not stored.
    """

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"the cache limit is a number of bytes, 0 or more, not {limit}")
        self.limit = limit
        self.bytes = 0
        self._held: OrderedDict[Hashable, torch.Tensor] = OrderedDict()

    def get(self, key: Hashable) -> torch.Tensor | None:
        """The tensor of `key`, which becomes the most recently used, or None."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key]

    def put(self, key: Hashable, tensor: torch.Tensor) -> None:
        """Store `tensor` under `key`; remove the least recently used as needed."""
        if key in self._held:
            self.bytes -= self._held.pop(key).nbytes
        if tensor.nbytes > self.limit:
            return
        self._held[key] = tensor
        self.bytes += tensor.nbytes
        while self.bytes > self.limit:
            self.bytes -= self._held.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Remove all tensors."""
        self._held.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)
