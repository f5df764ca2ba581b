"""What the `forward` of a layer does to its input: the call of torch that takes it, found by running the layer once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from ..core import gathered, in_one_line
from ..shadow import looking

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TURNED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_MAX = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_AVG1 = _AVG[:-1]
_TO_SIZE = ("input", "output_size", "return_indices")
_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_NORM_BELOW = ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps")
_PAD = ("input", "pad", "mode", "value")
_NUMBERS = ("weight", "bias", "running_mean", "running_var")

CORES: dict[str, tuple[Any, tuple[str, ...]]] = {
    **{f"conv{n}d": (getattr(nn, f"Conv{n}d"), _CONV) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": (getattr(nn, f"ConvTranspose{n}d"), _TURNED) for n in (1, 2, 3)},
    **{f"max_pool{n}d": (getattr(nn, f"MaxPool{n}d"), _MAX) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": (getattr(nn, f"AvgPool{n}d"), _AVG1 if n == 1 else _AVG) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": (getattr(nn, f"AdaptiveMaxPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": (getattr(nn, f"AdaptiveAvgPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": (getattr(nn, f"MaxPool{n}d"), _MAX) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d_with_indices": (getattr(nn, f"AdaptiveMaxPool{n}d"), _TO_SIZE) for n in (1, 2, 3)},
    "linear": (nn.Linear, ("input", "weight", "bias")),
    "batch_norm": (nn.BatchNorm2d, _NORM),
}
"""Functions of torch -> the module that does the same, and the names of their arguments."""
_SAME = frozenset({"clone", "contiguous", "cpu", "cuda", "detach", "to"})
"""Functions of torch that give the numbers that they get, unless they change their type."""


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
    watch = _Watch(given, _memory(part))
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
    held, forward, memory = vars(part), part.forward, _memory(part)
    own = held.get("forward")

    def watched(*args: Any, **keywords: Any) -> Any:
        given = next(iter(_tensors((args, keywords))), None)
        if given is None or not wanted():
            return forward(*args, **keywords)
        watch = _Watch(given, memory)
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


def _found(watch: _Watch, returned: Any) -> Arithmetic:
    """What a watched call did to its input."""
    if len(watch.cores) != 1:
        called = ", ".join(dict.fromkeys(watch.names)) or "nothing that is seen from here"
        alone = "gives its input to more than one" if watch.cores else "gives its input, as it is or padded, to no"
        raise UnknownArithmetic(f"{alone} convolution, pooling, linear map or batch norm: it calls {called}")
    core, returned = watch.cores[0], _first(returned)
    given = watch.given if core.input is watch.first else core.input.detach()
    if not isinstance(returned, torch.Tensor) or returned.shape != core.value.shape:
        raise UnknownArithmetic(f"changes the form of what {core.name} gives")
    module = _as_module(core)
    then = _Replay(core.output, watch.calls[core.number :], returned)
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
    kernel, dilation = (_numbers(getattr(part, name, 1), axes) for name in ("kernel_size", "dilation"))
    size = [k * d + 4 for k, d in zip(kernel, dilation, strict=True)]
    values = torch.linspace(-1, 1, channels * torch.Size(size).numel(), **like)
    return values.reshape(1, channels, *size)


def _torch_base(part: nn.Module) -> str:
    """Name of the class of torch that a layer is derived from."""
    return next(kind.__name__ for kind in type(part).__mro__ if kind.__module__.startswith("torch."))


def _numbers(value: Any, axes: int) -> Any:
    """A setting as one number an axis, or as the word that it is."""
    if isinstance(value, str):
        return value
    values = tuple(value) if isinstance(value, (tuple, list, torch.Size)) else (value,)
    return values * axes if len(values) == 1 else values


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


@dataclass(eq=False)
class _Core:
    name: str
    arguments: dict[str, Any]
    input: torch.Tensor
    before: tuple[int, ...]
    output: torch.Tensor
    value: torch.Tensor  # a copy of `output`, which the layer may overwrite
    number: int  # of the calls up to this one


Call = tuple[Callable[..., Any], Any, Any, Any]


class _Watch(TorchFunctionMode):
    """Notes each function of torch that is called, and those among them that take the input of a layer."""

    def __init__(self, given: torch.Tensor, memory: frozenset[int]) -> None:
        super().__init__()
        self._memory = memory  # of weights that stay, and need no copy
        self.calls: list[Call] = []
        self.names: list[str] = []
        self.cores: list[_Core] = []
        self.first, self.given = given, given.detach().clone()
        self._inputs: list[tuple[torch.Tensor, tuple[int, ...]]] = [(given, (0,) * max(0, given.ndim - 2))]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, output))
        name = getattr(func, "__name__", "")
        if name != "__get__":  # an attribute, such as a shape
            self.names.append(name.strip("_"))
        given = kwargs.get("input", args[0] if args else None)
        before = next((before for known, before in self._inputs if known is given), None)
        if before is None or not torch.equal(self.first.nan_to_num(), self.given.nan_to_num()):
            return output  # it takes another tensor, or the layer wrote to its input
        if name == "pad":
            pad = {**dict(zip(_PAD, args, strict=False)), **kwargs}["pad"]
            added = tuple(reversed(pad[::2]))
            if len(added) <= len(before):
                added = (0,) * (len(before) - len(added)) + added
                self._inputs.append((output, tuple(map(sum, zip(before, added, strict=True)))))
        elif name in _SAME and output.dtype == given.dtype:
            self._inputs.append((output, before))
        elif name in CORES and isinstance(value := _first(output), torch.Tensor):
            names = _NORM_BELOW if name == "batch_norm" and func is not F.batch_norm else CORES[name][1]
            arguments = {**dict(zip(names, args, strict=False)), **kwargs}
            arguments |= {name: self._kept(arguments[name]) for name in _NUMBERS if name in arguments}
            self.cores.append(_Core(name, arguments, given, before, value, value.detach().clone(), len(self.calls)))
        return output

    def _kept(self, value: torch.Tensor | None) -> torch.Tensor | None:
        """A weight as it is now: what is made for a call may be written over, or freed, after it."""
        if value is None or (type(value) in (torch.Tensor, nn.Parameter) and value.data_ptr() in self._memory):
            return value
        return value.detach().clone()


def _memory(part: nn.Module) -> frozenset[int]:
    """The addresses of the parameters of a layer."""
    return frozenset(weight.data_ptr() for weight in part.parameters() if type(weight) is nn.Parameter)


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


def _as_module(core: _Core) -> nn.Module:
    """The module of torch that does what was called, with the same weights."""
    kind, names = CORES[core.name]
    given = core.arguments
    settings = {name: given[name] for name in names[1:] if name in given and name not in ("weight", "bias")}
    weight: Any = given.get("weight")
    bias = given.get("bias")
    if core.name == "batch_norm":
        module = kind(core.input.shape[1], given.get("eps", 1e-5), affine=False, track_running_stats=False)
        if not given.get("training"):
            module.running_mean, module.running_var = given["running_mean"], given["running_var"]
    elif core.name == "linear":
        module = kind(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    elif "conv" in core.name:
        groups = settings.pop("groups", 1)
        axes = weight.ndim - 2
        settings = {name: _numbers(value, axes) for name, value in settings.items()}
        ends = (weight.shape[0], weight.shape[1] * groups)
        ins, outs = ends if "transpose" in core.name else ends[::-1]
        module = kind(
            ins, outs, tuple(weight.shape[2:]), groups=groups, bias=bias is not None, device="meta", **settings
        )
    else:
        settings.pop("return_indices", None)
        return kind(**settings)
    for name, value in (("weight", weight), ("bias", bias)):
        setattr(module, name, None if value is None else nn.Parameter(gathered(value.detach()), requires_grad=False))
    return module.eval()


class _Replay:
    """The calls from one tensor on to another, for other numbers in the first."""

    def __init__(self, start: torch.Tensor, calls: list[Call], end: torch.Tensor) -> None:
        self.start, self.end = start, end
        self.calls: list[Call] = []
        self.names: list[str] = []
        reached = {id(start)}
        for call in calls:  # only those that the first tensor reaches
            func, args, kwargs, output = call
            if any(id(leaf) in reached for leaf in _tensors((args, kwargs))):
                self.calls.append(call)
                reached |= {id(leaf) for leaf in _tensors(output)}
                name = func.__name__.strip("_")
                if name not in (*self.names, "get", "contiguous"):
                    self.names.append(name)

    def __call__(self, value: torch.Tensor) -> torch.Tensor:
        known = {id(self.start): value}
        dtype = value.dtype

        def now(given: Any) -> Any:
            if not isinstance(given, torch.Tensor):
                return given
            return known.get(id(given), given.to(dtype) if given.is_floating_point() else given)

        for func, args, kwargs, output in self.calls:
            args, kwargs = tree_map(now, (args, kwargs))
            again = func(*args, **kwargs)
            for before, after in zip(_tensors(output), _tensors(again), strict=True):
                known[id(before)] = after
        return known[id(self.end)]


def _tensors(values: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_flatten(values)[0] if isinstance(leaf, torch.Tensor)]
