"""Parameters of a shadow: objects of their own in the memory of the model's, which is never written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


def twin(weight: nn.Parameter) -> nn.Parameter:
    """A parameter in the memory of `weight`, with a gradient and hooks of its own; `weight` itself where it is special.

    Special are subclasses (quantised, distributed), whose parts cannot be shared from outside.
    """
    if type(weight) is not nn.Parameter or weight.is_inference():
        return weight
    made = nn.Parameter(weight.data, weight.requires_grad)
    if held := weight.__dict__:
        made.__dict__.update(held)
    return made


@contextmanager
def unwritten(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Give each parameter that the `with` block writes to in place memory of its own, and restore the shared one.

    Merging in `eval()` does that: `weight.data += update`, as low-rank adapters do.
    """
    mode = _Writes({weight.untyped_storage().data_ptr() for weight in weights if weight.layout is torch.strided})
    try:
        with mode:
            yield
    finally:
        for storage, before in mode.saved.values():
            written = storage.clone()
            storage.copy_(before)
            for weight in weights:
                if weight.untyped_storage().data_ptr() == storage.data_ptr():
                    own = weight.data.new_empty(0)
                    weight.data = own.set_(written, weight.storage_offset(), weight.shape, weight.stride())


class _Writes(TorchDispatchMode):
    """Saves the memory with one of the given addresses before an operation writes to it."""

    def __init__(self, addresses: set[int]) -> None:
        super().__init__()
        self.addresses = addresses
        self.saved: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run `func`."""
        keywords = kwargs or {}
        if func._schema.is_mutable:
            for place, argument in enumerate(func._schema.arguments):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    value = args[place] if place < len(args) else keywords.get(argument.name)
                    for tensor in value if isinstance(value, (list, tuple)) else [value]:
                        self._save(tensor)
        return func(*args, **keywords)

    def _save(self, tensor: Any) -> None:
        if isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            if (address := storage.data_ptr()) in self.addresses and address not in self.saved:
                self.saved[address] = (storage, storage.clone())
