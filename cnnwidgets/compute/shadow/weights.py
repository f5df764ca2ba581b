"""The memory of weights, which a look never changes: the first look at a model has copies of it, which are compared.

Which way something is written to it does not matter: by an operation, through a view, in NumPy, by other code. What an
operation writes counts also where it changes nothing, as a clamp does until a training has moved the weight far enough;
but through `.data` and in NumPy, where torch does not count, only what changes the weight is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_traceable_wrapper_subclass
from torch.utils.weak import WeakTensorKeyDictionary

_rewritten: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # weights that a look has written to


def is_rewritten(weight: Tensor) -> bool:
    """Whether a look at the model has written to this weight in place, so that every shadow gets a copy of it."""
    return len(_rewritten) > 0 and weight in _rewritten  # to ask for one takes 0.1 ms, and few models have any


class Writes:
    """Which of some tensors are written to in place, by torch's own count, which a tensor shares with its views.

    Parameters
    ----------
    tensors : iterable of torch.Tensor
        As they are before the writes.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._counted = [(tensor, tensor._version) for tensor in tensors if not tensor.is_inference()]

    @property
    def addresses(self) -> set[int]:
        """Where the memory begins that was written to, as `address_of` gives it."""
        return {address_of(tensor) for tensor, before in self._counted if tensor._version != before}


def address_of(value: Tensor) -> int:
    """Where the memory of a tensor begins; 0 for one without plain memory."""
    try:
        plain = value.layout is torch.strided and not value.is_meta
        return value.untyped_storage().data_ptr() if plain else 0
    except (RuntimeError, NotImplementedError):
        return 0


def within(storage: torch.UntypedStorage, value: Tensor) -> Tensor:
    """The tensor that has the place in `storage` that `value` has in its own."""
    own = value.detach().new_empty(0)
    return own.set_(storage, value.storage_offset(), value.shape, value.stride())


def tell_rewritten(weights: Iterable[Tensor], memory: dict[int, torch.UntypedStorage], writes: Writes) -> None:
    """Remember those weights whose copied memory was written to, or is no longer as theirs.

    Parameters
    ----------
    weights : iterable of torch.Tensor
        Of the model.
    memory : dict of int to torch.UntypedStorage
        Address -> the copy that a look may have written to.
    writes : Writes
        To the tensors in these copies.
    """
    changed: dict[int, bool] = {}
    written = writes.addresses
    for weight in weights:
        address = address_of(weight)
        if address in memory:
            if address not in changed:
                counted = memory[address].data_ptr() in written
                changed[address] = counted or not _same(weight.untyped_storage(), memory[address])
            if changed[address]:
                _rewritten[weight] = True


@contextmanager
def restored(weights: Iterable[Tensor]) -> Iterator[None]:
    """Restore what the `with` block writes to the memory of weights that cannot be copied, and remember to which."""
    saved: dict[int, tuple[Tensor, torch.UntypedStorage, torch.UntypedStorage]] = {}
    writes = Writes(weights := list(weights))
    for weight in weights:
        for part in _plain_parts(weight):
            if (address := address_of(part)) and address not in saved:
                saved[address] = weight, part.untyped_storage(), part.untyped_storage().clone()
    try:
        yield
    finally:
        written = writes.addresses
        with ExitStack() as every:  # goes on after an interrupt
            for address, (weight, storage, before) in saved.items():
                changed = not _same(storage, before)
                if changed or address in written:
                    _rewritten[weight] = True
                if changed:
                    every.callback(storage.copy_, before)


def _same(one: torch.UntypedStorage, other: torch.UntypedStorage) -> bool:
    """Whether two memories hold the same bytes."""
    if one.nbytes() != other.nbytes():
        return False
    kind = torch.int64 if one.nbytes() % 8 == 0 else torch.uint8
    first, second = (torch.empty(0, dtype=kind, device=each.device).set_(each) for each in (one, other))
    return torch.equal(first, second)


def _plain_parts(value: Tensor) -> Iterator[Tensor]:
    """The tensors that a tensor of a subclass, such as a quantised one, is made of; an ordinary one itself."""
    whole: Any = value
    if is_traceable_wrapper_subclass(whole):
        for name in whole.__tensor_flatten__()[0]:
            yield from _plain_parts(getattr(whole, name))
    elif isinstance(value, Tensor):  # a distributed one lists its mesh of devices too
        yield value


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
