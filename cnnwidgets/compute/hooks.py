"""Hooks and modes. Everything here is a context manager: what it puts on a model comes off at its end."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from .memory import Copies
from .model import plain
from .names import OUTPUT, find_layer, first_names, named_parts
from .outputs import leaves, why_not
from .state import same_module_state, same_random_state


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Evaluation mode, without gradients, for the length of a `with`; then everything is as it was.

    Every module's own `training` flag is kept, whatever mixture they are in; buffers, exchanged parameters and the
    global random state are put back too, after success, an exception or an interrupt.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is looked at.

    Yields
    ------
    torch.nn.Module
        The plain module (`DataParallel` and compiled wrappers taken off).
    """
    module = plain(model)
    parts = list(module.modules())
    training = [part for part in parts if getattr(part, "training", False)]
    with same_random_state(), same_module_state(parts), _uncompiled(parts), torch.no_grad():
        try:
            for part in training:
                part.training = False
            yield module
        finally:
            for part in training:
                part.training = True


@contextmanager
def _uncompiled(parts: list[nn.Module]) -> Iterator[None]:
    """Run modules that were compiled, in place or within, as plain Python, so that hooks fire."""
    compiled = any(getattr(part, "_compiled_call_impl", None) or "_orig_mod" in part._modules for part in parts)
    stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    with stance("force_eager") if compiled and stance else nullcontext():
        yield


@dataclass(slots=True)
class Seen:
    """One value that one call of one module returned.

    `tensor` is a copy, taken before a later in-place operation could overwrite it; None where the value cannot be
    drawn (`reason` says why) or the byte budget was spent. `repeats` marks the very tensor that the entry before
    gave: a container that returns its last child's output.
    """

    module: str
    owner: nn.Module
    call: int
    path: str
    shape: tuple[int, ...]
    dtype: torch.dtype | None
    reason: str | None
    tensor: torch.Tensor | None
    repeats: bool


class Captured(Mapping[str, torch.Tensor]):
    """What the hooks of `capture` have seen so far: a read-only mapping of layer names to copies of outputs.

    A module that ran once is called by its dotted name. One that ran several times has an entry a call
    (`layer1.0.relu:1`, `layer1.0.relu:2`), one that returns several tensors an entry a tensor (`backbone.out`).
    `output` holds the tensors that the whole network returned, by their place in it (`""` for a plain one).
    `input(layer)` is what a call was given, where `capture` was asked to keep inputs.
    """

    def __init__(
        self, names: Mapping[str, str], budget: int | None, device: torch.device | None, attached: bool = False
    ) -> None:
        self.seen: list[Seen] = []
        self.calls: Counter[str] = Counter()
        self.kept_bytes = 0
        self.output: dict[str, torch.Tensor] = {}
        self._names = names
        self._budget = budget
        self._device = device
        self._attached = attached
        self._wanted: set[tuple[str, int]] = set()
        self._given: dict[tuple[str, int], torch.Tensor] = {}
        self._pending: dict[str, list[torch.Tensor | None]] = {}
        self._copies = Copies()
        self._last: tuple[weakref.ref[torch.Tensor], int, torch.Tensor | None] | None = None

    def name(self, seen: Seen) -> str:
        """Public name of an entry; final once the pass has ended, since only then the calls are counted."""
        base = seen.module or OUTPUT
        if self.calls[seen.module] > 1:
            base = f"{base}:{seen.call}"
        if not seen.path:
            return base
        dotted = f"{base}.{seen.path}"
        return f"{base}[{seen.path}]" if dotted in self._names else dotted

    def find(self, layer: str) -> Seen:
        """The entry called `layer`; raises LookupError, naming what there is instead."""
        for entry in self.seen:
            if self.name(entry) == layer:
                return entry
        module, call, path = find_layer(self._names, layer)
        if call is None and (module, 1) in self._wanted:
            call = 1  # with a stop, a plain name is the first call
        entries = [s for s in self.seen if s.module == module and s.path == path and call in (None, s.call)]
        if len(entries) == 1:
            return entries[0]
        if entries:
            names = ", ".join(self.name(entry) for entry in entries)
            raise LookupError(f"layer {layer!r} runs {len(entries)} times in one pass; choose one of {names}")
        inside = [self.name(s) for s in self.seen if s.module == module and call in (None, s.call)]
        if inside:
            raise LookupError(f"layer {layer!r} gives several values; choose one of {', '.join(inside)}")
        raise LookupError(f"layer {layer!r} did not run in this pass")

    def input(self, layer: str) -> torch.Tensor:
        """The first tensor that the call `layer` was given: a copy, taken before the layer could write to it."""
        entry = self.find(layer)
        given = self._given.get((entry.module, entry.call))
        if given is None:
            raise LookupError(f"the input of layer {layer!r} was not kept: it was given no tensor, or not asked for")
        return given

    def __getitem__(self, layer: str) -> torch.Tensor:
        if layer == OUTPUT and "" in self.output:
            return self.output[""]  # also where it has no entry of its own
        entry = self.find(layer)
        if entry.reason is not None:
            raise LookupError(f"layer {layer!r} {entry.reason}")
        if entry.tensor is None:
            raise LookupError(f"layer {layer!r} was not kept: the byte budget of {self._budget:,} was spent")
        return entry.tensor

    def __iter__(self) -> Iterator[str]:
        return (self.name(entry) for entry in self.seen if entry.tensor is not None)

    def __len__(self) -> int:
        return sum(entry.tensor is not None for entry in self.seen)

    def receive(self, name: str, arguments: Any) -> None:
        """Take note of what the module called `name` is given, until it returns."""
        tensors = (value for _, value in leaves(arguments) if why_not(value) is None)
        given = next(tensors, None)
        self._pending.setdefault(name, []).append(None if given is None else self._copy(given))

    def see(self, name: str, owner: nn.Module, output: Any) -> None:
        """Take note of what module `owner`, called `name`, has returned."""
        self.calls[name] += 1
        call = self.calls[name]
        if self._pending.get(name) and (given := self._pending[name].pop()) is not None:
            self._given[name, call] = given
        if self._wanted and (name, call) not in self._wanted and (name, 0) not in self._wanted:
            return
        for path, value in leaves(output):
            reason = why_not(value)
            shape = tuple(value.shape) if isinstance(value, torch.Tensor) else ()
            dtype = value.dtype if isinstance(value, torch.Tensor) else None
            tensor, repeats = (None, False) if reason else self._keep(value, wanted=bool(self._wanted) or not name)
            if not name and tensor is not None:
                self.output[path] = tensor
            if repeats and not name and not self._wanted:
                continue  # the network returns its last layer's output, which is listed already
            self.seen.append(Seen(name, owner, call, path, shape, dtype, reason, tensor, repeats))

    def _keep(self, value: torch.Tensor, *, wanted: bool) -> tuple[torch.Tensor | None, bool]:
        """A copy of `value`, or the copy already held when the last hook saw the same, unchanged tensor."""
        version = -1 if value.is_inference() else value._version
        last = self._last
        repeats = last is not None and version >= 0 and last[0]() is value and last[1] == version
        if last is not None and repeats and (last[2] is not None or not wanted):
            return last[2], True
        copy = None
        if wanted or self._budget is None or self.kept_bytes + value.nbytes <= self._budget:
            copy = self._copy(value)
            self.kept_bytes += copy.nbytes
        self._last = (weakref.ref(value), version, copy)
        return copy, repeats

    def _copy(self, value: torch.Tensor) -> torch.Tensor:
        value = value if self._attached else value.detach()
        if value.is_quantized:
            value = value.dequantize()
        if type(value) is not torch.Tensor:
            value = value.as_subclass(torch.Tensor)
        if self._device not in (None, value.device):
            return value.to(self._device, copy=True)
        if self._attached or self._wanted:
            return value.clone(memory_format=torch.contiguous_format)
        return self._copies.copy(value)


class _Enough(BaseException):
    """Ends a forward pass whose remaining layers nobody asked for; not an Exception, so that no model catches it."""

    def __init__(self, captured: Captured) -> None:
        self.captured = captured


@contextmanager
def capture(
    model: nn.Module,
    layers: str | Iterable[str] | None = None,
    *,
    stop: bool = False,
    inputs: bool = False,
    attached: bool = False,
    budget: int | None = None,
    device: torch.device | str | None = None,
) -> Iterator[Captured]:
    """Keep what layers put out while the body of the `with` runs the model.

    Parameters
    ----------
    model : torch.nn.Module
        Any module; the user's own hooks stay and run before ours.
    layers : str, iterable of str or None
        Dotted names, `name:k` for the k-th call of a module that runs several times; None for every module.
    stop : bool
        End the pass, and with it the body of the `with`, as soon as the first call (or the k-th that was asked for)
        of each layer in `layers` has been seen.
    inputs : bool
        Keep what each call of `layers` was given too: `captured.input(layer)`.
    attached : bool
        Leave the copies in the graph of autograd, to take gradients of them; gradients must be on (`torch.enable_grad`
        inside of `evaluating`).
    budget : int or None
        Bytes to keep at most when `layers` is None; later outputs are listed but not kept. None for no limit.
    device : torch.device, str or None
        Where copies are kept; None leaves them where they are.

    Yields
    ------
    Captured
        Fills as the model runs. Every tensor is a copy of the output as the layer gave it, which a later in-place
        operation cannot change. Those of a whole pass that have less than a megabyte lie together in blocks of 4 MB,
        which are free when the last tensor in them goes: to keep single ones of many passes, name their `layers`.

    Raises
    ------
    LookupError
        A name in `layers` is not a layer; the message suggests the nearest.
    ValueError
        `stop` or `inputs` without `layers`.
    """
    module = plain(model)
    parts = named_parts(module)
    names = first_names(parts)
    captured = Captured(names, budget, None if device is None else torch.device(device), attached)
    hooked = set(names.values())
    if layers is not None:
        places = [find_layer(names, layer) for layer in ([layers] if isinstance(layers, str) else layers)]
        captured._wanted = {(name, call or (1 if stop else 0)) for name, call, _ in places}
        hooked = {name for name, _, _ in places}
    elif stop:
        raise ValueError("stop=True needs layers: without them the whole network is wanted")
    elif inputs:
        raise ValueError("inputs=True needs layers: the inputs of all would double the memory")
    waiting = set(captured._wanted)

    def hook(name: str, owner: nn.Module, args: Any, output: Any) -> None:
        captured.see(name, owner, output)
        waiting.discard((name, captured.calls[name]))
        if stop and not waiting:
            raise _Enough(captured)

    def before(name: str, owner: nn.Module, args: Any, keywords: Any) -> None:
        captured.receive(name, (args, keywords))

    handles = []
    try:
        for name in hooked:
            if not isinstance(parts[name], torch.jit.ScriptModule):  # runs outside Python: see script.py
                handles.append(parts[name].register_forward_hook(partial(hook, name)))
                if inputs:
                    handles.append(parts[name].register_forward_pre_hook(partial(before, name), with_kwargs=True))
        yield captured
    except _Enough as enough:
        if enough.captured is not captured:
            raise
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def rerouted(
    model: nn.Module, module: str, call: int, through: Callable[[torch.Tensor], torch.Tensor]
) -> Iterator[None]:
    """Have one call of a layer put out `through(output)` instead, while the body of the `with` runs the model once.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    module : str
        Dotted name of the layer.
    call : int
        Which of its calls, from 1.
    through : callable
        Takes the tensor that the layer puts out and gives the one that the network goes on with.

    Raises
    ------
    ValueError
        While the model runs: the layer gives no single tensor.
    """
    calls = 0

    def hook(owner: nn.Module, args: Any, output: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != call:
            return None
        if not isinstance(output, torch.Tensor):
            raise ValueError(f"layer {module!r} gives a {type(output).__name__}, not one tensor")
        return through(output)

    handle = model.get_submodule(module).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
