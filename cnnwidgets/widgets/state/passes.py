"""What is known of a model from its passes; all that look at the same model share it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from cachetools import LRUCache
from torch import nn

from ...compute.core import fingerprint
from ...compute.dataset import Prediction
from ...compute.layers import LayerTable, Trace, trace
from .cache import ByteCache

RECENT = 64
"""Images whose label, table and prediction are remembered; their outputs are bounded in bytes."""


@dataclass(frozen=True)
class Pass:
    """What one forward pass told about one image, save the outputs themselves."""

    table: LayerTable
    prediction: Prediction | None
    same: dict[str, str]
    """A layer that hands on another's output -> that other layer."""
    single: bool
    """Whether the network returns one tensor, not a dict or a tuple of them."""
    returned: torch.Tensor | None = None
    """That tensor, with its batch axis, on the CPU, if it is small enough to be kept."""


class Passes:
    """The passes of a model that are remembered, bounded in number, and their outputs, bounded in bytes.

    Parameters
    ----------
    module : torch.nn.Module
        Looked at, never changed.
    cache_bytes : int
        Bytes of layer outputs to keep at most, of those that all views of the process share.
    """

    def __init__(self, module: nn.Module, cache_bytes: int) -> None:
        self.module = module  # held: as long as these live, no other model can have its id
        self.outputs = ByteCache(cache_bytes)
        self.known: LRUCache[Hashable, Pass] = LRUCache(RECENT)
        self.forgotten = -1
        """How often everything was forgotten."""
        self.forget()

    @classmethod
    def of(cls, module: nn.Module, cache_bytes: int) -> Passes:
        """Those that others know of this very model, unless it was changed meanwhile; or new ones."""
        with _lock:
            passes = _shared.get((id(module), cache_bytes))
            if passes is None or passes.state != fingerprint(module):
                passes = _shared[id(module), cache_bytes] = cls(module, cache_bytes)
            return passes

    def forget(self) -> None:
        """Forget everything: the weights, or the data, are no longer what they were."""
        self.forgotten += 1
        self.outputs.clear()
        self.known.clear()
        self.traced: tuple[list[nn.Module], Trace] | None = None
        self.operations: dict[Hashable, dict[str, torch.Tensor]] = {}
        """Shapes of what the modules put out -> that of each operation, without its numbers."""
        self.state = fingerprint(self.module)

    def trace(self) -> Trace:
        """The network as a graph; a new one where a module was put in the place of another, which a graph holds."""
        modules = list(self.module.modules())
        if self.traced is None or self.traced[0] != modules:
            self.traced, self.operations = (modules, trace(self.module)), {}
        return self.traced[1]


_shared: weakref.WeakValueDictionary[tuple[int, int], Passes] = weakref.WeakValueDictionary()
_lock = threading.RLock()
