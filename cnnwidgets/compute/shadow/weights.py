"""Watches the memory of weights, which a look never changes: what an operation is about to write to is saved before."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass
from torch.utils.weak import WeakTensorKeyDictionary

_rewritten: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # weights that a look has written to, or could have
_RAW = frozenset(
    {Tensor.numpy, Tensor.__array__, Tensor.__dlpack__, Tensor.untyped_storage, Tensor.apply_, Tensor.map_}
)
"""Methods that hand out or write to memory without an operation of torch."""
_STATISTICS = frozenset({"running_mean", "running_var"})
"""Arguments that batch norm writes to; not all of its schemas say so."""


def is_rewritten(weight: Tensor) -> bool:
    """Whether a look at the model has written to this weight in place, so that shadows get a copy of it."""
    return weight in _rewritten


def address_of(value: Tensor) -> int:
    """Where the memory of a tensor begins; 0 for one without plain memory."""
    try:
        plain = value.layout is torch.strided and not value.is_meta
        return value.untyped_storage().data_ptr() if plain else 0
    except (RuntimeError, NotImplementedError):
        return 0


@contextmanager
def unwritten(weights: Iterable[tuple[Tensor, Tensor]], *, every: bool = False) -> Iterator[None]:
    """Restore what the `with` block writes in place to weights, and let their shadows keep what was written.

    Merging in `eval()` does that (`weight.data += update`, as low-rank adapters do), and a `forward` that clamps or
    normalises its weights. Later shadows get copies of these weights: see `is_rewritten`.

    Parameters
    ----------
    weights : iterable of (torch.Tensor, torch.Tensor)
        A weight of the model and the one of the shadow in the same memory, or twice the same one.
    every : bool
        Watch every operation, wherever it is called, instead of the functions that are called in Python: attention has
        other kernels where these are watched. Writes to an array of NumPy are no operations.
    """
    weights = list(weights)
    places: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for pair in weights:
        for part in _plain_parts(pair[0]):
            places.setdefault(address_of(part), []).append(pair)
    places.pop(0, None)
    saved = _Saved(places)
    try:
        with _eager(), _Operations(saved) if every else _Calls(saved):
            yield
    finally:
        with ExitStack() as stack:  # goes on after an interrupt
            for address, (storage, before) in saved.items():
                stack.callback(_put_back, storage, before, places[address])


def _put_back(
    storage: torch.UntypedStorage, before: torch.UntypedStorage, weights: list[tuple[Tensor, Tensor]]
) -> None:
    written = storage.clone()
    storage.copy_(before)
    for weight, twin in weights:
        _rewritten[weight] = True
        if twin is not weight:
            twin.data = within(written, twin)


def within(storage: torch.UntypedStorage, value: Tensor) -> Tensor:
    """The tensor that has the place in `storage` that `value` has in its own."""
    own = value.detach().new_empty(0)
    return own.set_(storage, value.storage_offset(), value.shape, value.stride())


def _plain_parts(value: Tensor) -> Iterator[Tensor]:
    """The tensors that a tensor of a subclass, such as a quantised one, is made of; an ordinary one itself."""
    whole: Any = value
    if is_traceable_wrapper_subclass(whole):
        for name in whole.__tensor_flatten__()[0]:
            yield from _plain_parts(getattr(whole, name))
    elif isinstance(value, Tensor):  # a distributed one lists its mesh of devices too
        yield value


class _Saved(dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]]):
    """Address -> memory, and a copy from before it was written to; of some addresses only."""

    def __init__(self, addresses: Iterable[int]) -> None:
        super().__init__()
        self.addresses = frozenset(addresses)

    def save(self, value: Any) -> None:
        """Save the memory of a tensor, or of those in a list, unless it was saved before."""
        if isinstance(value, (list, tuple)):
            for item in value:
                self.save(item)
        elif isinstance(value, Tensor):
            for part in _plain_parts(value):
                if (address := address_of(part)) in self.addresses and address not in self:
                    storage = part.untyped_storage()
                    self[address] = storage, storage.clone()

    def concerns(self, value: Any) -> bool:
        """Whether a tensor, or one in a list, lies at one of the addresses."""
        if isinstance(value, Tensor):
            return any(address_of(part) in self.addresses for part in _plain_parts(value))
        return isinstance(value, (list, tuple)) and any(map(self.concerns, value))


class _Calls(TorchFunctionMode):
    """Saves what a function of torch is about to write to.

    To watch all operations, below the functions, would take as long as a small network does: only those of functions
    that are given weights, and of which it is not known what they write to.
    """

    def __init__(self, saved: _Saved) -> None:
        super().__init__()
        self.saved = saved

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run `func`."""
        keywords = kwargs or {}
        places = _places(func)
        if places is None and self.saved.concerns([*args, *keywords.values()]):
            with _Operations(self.saved):
                return func(*args, **keywords)
        for place, name in places or ():
            self.saved.save(args[place] if place < len(args) else keywords.get(name))
        if keywords:
            self.saved.save(keywords.get("out"))
        return func(*args, **keywords)


class _Operations(TorchDispatchMode):
    """Saves what an operation is about to write to."""

    def __init__(self, saved: _Saved) -> None:
        super().__init__()
        self.saved = saved

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run `func`."""
        keywords = kwargs or {}
        for place, name in _written_by(func):
            self.saved.save(args[place] if place < len(args) else keywords.get(name))
        return func(*args, **keywords)


@functools.cache
def _places(function: Any) -> tuple[tuple[int, str], ...] | None:
    """Place and name of the arguments that a function of torch may write to, besides `out`; None if unknown."""
    name = getattr(function, "__name__", "")
    if function in _RAW or name == "__get__":
        return ((0, "self"),) if function in _RAW else ()
    if isinstance(function, types.FunctionType):
        if function.__module__ != nn.functional.__name__:
            return None
        names = list(inspect.signature(function).parameters)
        written = {*_STATISTICS, *names[: "inplace" in names], "weight" if "max_norm" in names else ""}
        return tuple((place, name) for place, name in enumerate(names) if name in written)
    spelled = name, name.removeprefix("__").removesuffix("__")
    found = (getattr(torch.ops.aten, each, None) for each in spelled)
    operation = next((each for each in found if hasattr(each, "overloads")), None)
    if operation is None:
        return None
    overloads = [getattr(operation, which) for which in operation.overloads() if "out" not in which]
    return tuple({place for overload in overloads for place in _written_by(overload)})


@functools.cache
def _written_by(operation: Any) -> tuple[tuple[int, str], ...]:
    """Place and name of the arguments that an operation of torch writes to."""
    return tuple(
        (place, argument.name)
        for place, argument in enumerate(getattr(getattr(operation, "_schema", None), "arguments", ()))
        if argument.name in _STATISTICS or (argument.alias_info is not None and argument.alias_info.is_write)
    )


def _eager() -> AbstractContextManager[Any]:
    """Run compiled functions as plain Python, whose operations can be watched."""
    stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    return stance("force_eager") if stance and "torch._dynamo" in sys.modules else nullcontext()


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
