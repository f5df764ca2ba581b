"""What the `forward` of a layer does to its input: the call of torch that takes it, found by running the layer once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import nn

from ..core import gathered, in_one_line
from ..shadow import looking
from .calls import Replay, Watch, as_module, first_of, memory_of, numbers_of, tensors_in


class UnknownArithmetic(ValueError):
    """What a layer does is none of `CORES`; the message says what it does instead, as the end of a sentence."""


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """What a layer does to its input: what a module of torch does, and what its `forward` makes of that.

    Attributes
    ----------
    module : torch.nn.Module
        The module of torch, with the weights that were used: the layer itself, where it has torch's own `forward`.
    input, output : torch.Tensor
        Of that module. Where the layer pads its input by itself, `input` is the padded one.
    before : tuple of int
        Rows, columns ... that the layer puts before its input.
    words : str
        What it does to `output` after that, by the names of torch's functions; empty for nothing.
    """

    module: nn.Module
    input: torch.Tensor
    output: torch.Tensor
    before: tuple[int, ...] = ()
    words: str = ""
    _then: Callable[[torch.Tensor], torch.Tensor] | None = None

    def then(self, number: float, index: tuple[int, ...]) -> float:
        """What the layer puts out at `index` if its module gave `number` there; in float64."""
        if self._then is None:
            return number
        output = self.output.to(torch.float64, copy=True)
        output[index] = number
        with torch.no_grad():
            return float(self._then(output)[index])


def is_plain(part: nn.Module) -> bool:
    """Whether the class is torch's own and nothing of it is replaced: the layer does what its attributes say."""
    kind = type(part)
    if nn.utils.parametrize.is_parametrized(part):
        kind = nn.utils.parametrize.type_before_parametrizations(part)
    replaced = {"forward", "_conv_forward"} & vars(part).keys()
    return kind.__module__.startswith("torch.nn.modules.") and not replaced and not _writers(part)


def arithmetic(part: nn.Module, given: torch.Tensor) -> Arithmetic:
    """What `part` does to `given`, by running its `forward` once; the caller sees to its mode (`looking`).

    Parameters
    ----------
    part : torch.nn.Module
        A layer.
    given : torch.Tensor
        An input of it.

    Returns
    -------
    Arithmetic

    Raises
    ------
    UnknownArithmetic
        Its `forward` needs more than one tensor, or does not give it, padded or as it is, to one of `CORES` alone.
    """
    for hook in _writers(part):
        hook(part, (given,))
    watch = Watch(given, memory_of(part))
    with _gathered(part):
        try:
            with torch.no_grad(), watch:
                returned = part.forward(given)
        except Exception as error:
            raise UnknownArithmetic(f"does not run on its input alone ({in_one_line(error, 160)})") from error
    return _found(watch, returned)


@contextmanager
def watching(part: nn.Module, wanted: Callable[[], bool]) -> Iterator[list[Arithmetic | UnknownArithmetic]]:
    """What a layer does while the body of the `with` block runs its network: with the numbers that it uses then.

    Parameters
    ----------
    part : torch.nn.Module
        A layer of a shadow, whose `forward` is replaced meanwhile.
    wanted : callable
        Asked before each call, whether it is the one.

    Yields
    ------
    list of Arithmetic or UnknownArithmetic
        Of the last wanted call; empty before.
    """
    seen: list[Arithmetic | UnknownArithmetic] = []
    held, forward, memory = vars(part), part.forward, memory_of(part)
    own = held.get("forward")

    def watched(*args: Any, **keywords: Any) -> Any:
        given = next(iter(tensors_in((args, keywords))), None)
        if given is None or not wanted():
            return forward(*args, **keywords)
        watch = Watch(given, memory)
        with watch:
            returned = forward(*args, **keywords)
        try:
            seen[:] = [_found(watch, returned)]
        except UnknownArithmetic as error:
            seen[:] = [error]
        return returned

    held["forward"] = watched
    try:
        yield seen
    finally:
        del held["forward"]
        if own is not None:
            held["forward"] = own


def _found(watch: Watch, returned: Any) -> Arithmetic:
    """What a watched call did to its input."""
    if len(watch.cores) != 1:
        called = ", ".join(dict.fromkeys(watch.names)) or "nothing that is seen from here"
        alone = "gives its input to more than one" if watch.cores else "gives its input, as it is or padded, to no"
        raise UnknownArithmetic(f"{alone} convolution, pooling, linear map or batch norm: it calls {called}")
    core, returned = watch.cores[0], first_of(returned)
    given = watch.given if core.input is watch.first else core.input.detach()
    if not isinstance(returned, torch.Tensor) or returned.shape != core.value.shape:
        raise UnknownArithmetic(f"changes the form of what {core.name} gives")
    module = as_module(core)
    then = Replay(core.output, watch.calls[core.number :], returned)
    if returned is core.output and not then.calls:
        return Arithmetic(module, given, core.value, core.before)
    try:
        again = then(core.value.clone())
        then(core.value.double())
    except Exception as error:
        raise UnknownArithmetic(f"goes on from {core.name} by what cannot be followed ({error})") from error
    if not torch.allclose(again, returned, equal_nan=True):
        raise UnknownArithmetic(f"goes on from {core.name} by what cannot be followed")
    return Arithmetic(module, given, core.value, core.before, ", ".join(then.names), then)


_tried: WeakKeyDictionary[nn.Module, tuple[type[nn.Module], str] | None] = WeakKeyDictionary()


def does(part: nn.Module) -> tuple[type[nn.Module], str] | None:
    """The class of torch that does what `part` does, and the `words` for what it does after that; None if unknown.

    A layer of a class that is not torch's own is run on a small input, once: it may do more than its base class.
    """
    if is_plain(part):
        return type(part), ""
    if part not in _tried:
        with looking(nn.Sequential(part)) as network:  # a layer without weights is no network by itself
            try:
                found = arithmetic(network.get_submodule("0"), sample(part))
                _tried[part] = type(found.module), found.words
            except UnknownArithmetic:
                _tried[part] = None
    return _tried[part]


def sample(part: Any) -> torch.Tensor:
    """A small input that a layer with the attributes of a convolution, a linear layer or a BatchNorm can take."""
    like: dict[str, Any] = {"device": None, "dtype": torch.float32}
    for weight in part.parameters():
        if weight.is_floating_point() and not weight.is_meta:  # those of offloaded layers are
            like = {"device": weight.device, "dtype": weight.dtype}
    if isinstance(part, nn.Linear):
        return torch.linspace(-1, 1, part.in_features, **like)[None]
    axes = next((n for n in (1, 2, 3) if f"{n}d" in _torch_base(part)), 2)
    channels = getattr(part, "in_channels", None) or getattr(part, "num_features", None) or 1
    kernel, dilation = (numbers_of(getattr(part, name, 1), axes) for name in ("kernel_size", "dilation"))
    size = [k * d + 4 for k, d in zip(kernel, dilation, strict=True)]
    values = torch.linspace(-1, 1, channels * torch.Size(size).numel(), **like)
    return values.reshape(1, channels, *size)


def _torch_base(part: nn.Module) -> str:
    """Name of the class of torch that a layer is derived from."""
    return next(kind.__name__ for kind in type(part).__mro__ if kind.__module__.startswith("torch."))


@contextmanager
def _gathered(part: nn.Module) -> Iterator[None]:
    """Weights that are sharded as whole tensors, inside a `with` block."""
    sharded = {name: weight for name, weight in part._parameters.items() if hasattr(weight, "full_tensor")}
    try:
        for name, weight in sharded.items():
            part._parameters[name] = nn.Parameter(gathered(cast(torch.Tensor, weight)), requires_grad=False)
        yield
    finally:
        for name, weight in sharded.items():
            part._parameters[name] = weight


def _writers(part: nn.Module) -> list[Any]:
    """Hooks of `torch.nn.utils` that write a weight anew at each call: weight and spectral norm, pruning."""
    hooks = part._forward_pre_hooks.values()
    return [hook for hook in hooks if hasattr(hook, "compute_weight") or hasattr(hook, "apply_mask")]
