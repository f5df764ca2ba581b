"""The plain module inside wrappers, and the device and type of its parameters."""

from __future__ import annotations

import itertools
import weakref
from typing import Any, NamedTuple

import torch
from torch import nn

from .outputs import rebuilt

_whole: weakref.WeakSet[nn.Module] = weakref.WeakSet()  # modules that passed the checks, which take time


def plain(model: nn.Module) -> nn.Module:
    """Unwrap `DataParallel`, `DistributedDataParallel` and `torch.compile`: the module that hooks work on.

    Parameters
    ----------
    model : torch.nn.Module
        The user's model; never changed.

    Returns
    -------
    torch.nn.Module
        `model` itself, or the module inside the wrapper.

    Raises
    ------
    TypeError
        `model` is not a module, is a class instead of an instance, or the module of an exported program.
    ValueError
        `model` has no layers, no `forward`, or uninitialised lazy layers.
    """
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise TypeError(f"model is the class {model.__name__}, not a model; call it: {model.__name__}(...)")
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    while (inner := _wrapped(model)) is not None:
        model = inner
    if model in _whole:
        return model
    if _is_exported(model):
        raise TypeError(
            "model is the module of an exported program (torch.export), which has no modes and few of its layers: give "
            "the model that was exported"
        )
    if not has_forward(model):
        raise ValueError(f"{type(model).__name__} has no forward(): it is a container, not a network")
    scripted = isinstance(model, torch.jit.ScriptModule)  # its weights may be constants of its graph
    if next(iter(model.children()), None) is None and next(model.parameters(), None) is None and not scripted:
        raise ValueError(f"model {type(model).__name__} has no layers: it holds no modules and no parameters")
    weights = (weight for part in model.modules() for weight in part._parameters.values())
    if any(isinstance(weight, nn.parameter.UninitializedParameter) for weight in weights):
        raise ValueError(f"{type(model).__name__} has lazy layers without weights yet: run it once on an image first")
    _whole.add(model)
    return model


def known_whole(model: nn.Module) -> nn.Module:
    """`model`, which `plain` takes from now on without looking at its parts: a copy of one that passed the checks."""
    _whole.add(model)
    return model


def has_forward(part: nn.Module) -> bool:
    """Whether a module can be called; lists and dicts of modules cannot."""
    return getattr(part.forward, "__name__", "") != "_forward_unimplemented"


def _is_exported(model: nn.Module) -> bool:
    """Whether `eval()` and `train()` of a module were replaced by functions that refuse, as `torch.export` does."""
    return isinstance(model, torch.fx.GraphModule) and {"eval", "train"} <= vars(model).keys()


def _wrapped(model: nn.Module) -> nn.Module | None:
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return model.module
    compiled = getattr(model, "_orig_mod", None)
    return compiled if isinstance(compiled, nn.Module) else None


def gathered(value: torch.Tensor) -> torch.Tensor:
    """A weight as an ordinary tensor; raises ValueError where other processes hold parts of it."""
    gather = getattr(value, "full_tensor", None)  # of a DTensor, as FSDP and tensor parallelism keep weights
    if gather is None:
        return value
    processes = value.device_mesh.size()  # type: ignore[attr-defined]
    if processes > 1:  # to gather them all of these would have to take part
        raise ValueError(
            f"the weights are sharded over {processes} processes, which all would have to take part in a look: gather "
            "them into a model of its own first (torch.distributed.checkpoint.state_dict.get_model_state_dict with "
            "full_state_dict=True)"
        )
    full: torch.Tensor = gather()
    return full.detach()


def tensors_of(model: nn.Module) -> itertools.chain[torch.Tensor]:
    """Parameters, then buffers."""
    return itertools.chain(model.parameters(), model.buffers())


class Entrance(NamedTuple):
    """The first convolution of a network: what it is called, its channels, and the axes that it slides over."""

    name: str
    module: nn.Module
    channels: int
    axes: int

    @property
    def form(self) -> str:
        """What it takes: `(N, 3, H, W)`."""
        return f"(N, {self.channels}, {FORMS[self.axes]})"


FORMS = {1: "L", 2: "H, W", 3: "D, H, W"}
"""The axes of positions: of a signal, an image, a volume."""


def entrance(model: nn.Module) -> Entrance | None:
    """The first convolution, in the order of registration; None if there is none, or an embedding comes before it."""
    for name, part in model.named_modules():
        if isinstance(part, nn.Embedding):
            return None
        channels, kernel = getattr(part, "in_channels", None), getattr(part, "kernel_size", None)
        if isinstance(channels, int) and isinstance(kernel, (tuple, list)) and len(kernel) in FORMS:
            return Entrance(name, part, channels, len(kernel))
    return None


def device_of(model: nn.Module) -> torch.device:
    """Device where the model computes: of its first parameter or buffer; the CPU for a model without any.

    Weights that are loaded layer by layer are on the device `meta` between two passes; then it is that of those which
    stay, or the one that the hooks of the loader name.
    """
    found = None
    for tensor in tensors_of(model):
        if not tensor.is_meta:
            return tensor.device
        found = tensor.device
    if found is not None:
        for part in model.modules():
            if (device := getattr(getattr(part, "_hf_hook", None), "execution_device", None)) is not None:
                return torch.device(device)
    return found or torch.device("cpu")


def check_numbers(model: nn.Module) -> None:
    """What needs the numbers of a model, and not the shapes alone, asks first.

    Raises
    ------
    ValueError
        Its weights are on the meta device.
    """
    if device_of(plain(model)).type == "meta":
        raise ValueError("the weights of the model are on the meta device, which holds no numbers: load them first")


def check_hooks(model: nn.Module, instead: str) -> None:
    """What follows the modules of a network by hooks asks first; `instead` says what can be done.

    Raises
    ------
    ValueError
        It is TorchScript.
    """
    module = plain(model)
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(f"{type(module).__name__} is TorchScript, whose layers run outside Python: {instead}")


def dtype_of(model: nn.Module) -> torch.dtype:
    """Floating point type of the first convolution, or else of the first parameter or buffer; float32 without any.

    Types of one byte are left out: weights are stored in them, and nothing is computed. Complex ones count as the type
    of their parts.
    """
    entry = entrance(model)
    for part in ([] if entry is None else [entry.module]) + [model]:
        for tensor in tensors_of(part):
            if tensor.is_complex():
                return tensor.dtype.to_real()
            if tensor.is_floating_point() and tensor.itemsize > 1:
                return tensor.dtype
    return torch.float32


def moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """A copy of `value` with every tensor in it on `device`, floating point ones as `dtype`, bytes as [0, 1].

    Always copies, so that a model that writes to its input does not change the data set's tensor.
    """

    def change(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        leaf = leaf.detach()
        if leaf.dtype == torch.uint8:
            return leaf.to(device, dtype) / 255
        if leaf.is_complex() and dtype in (torch.float32, torch.float64):
            return leaf.to(device, dtype.to_complex(), copy=True)
        return leaf.to(device, dtype if leaf.is_floating_point() else leaf.dtype, copy=True)

    return rebuilt(value, change)
