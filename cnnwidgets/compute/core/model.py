"""The plain module inside wrappers, and the device and type of its parameters."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import torch
from torch import nn

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
        `model` is not a module, or is a class instead of an instance.
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


def _wrapped(model: nn.Module) -> nn.Module | None:
    if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return model.module
    compiled = getattr(model, "_orig_mod", None)
    return compiled if isinstance(compiled, nn.Module) else None


def whole(value: torch.Tensor) -> torch.Tensor:
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
    gathered: torch.Tensor = gather()
    return gathered.detach()


def tensors_of(model: nn.Module) -> itertools.chain[torch.Tensor]:
    """Parameters, then buffers."""
    return itertools.chain(model.parameters(), model.buffers())


def device_of(model: nn.Module) -> torch.device:
    """Device of the first parameter or buffer; the CPU for a model without any."""
    return next((t.device for t in tensors_of(model)), torch.device("cpu"))


def dtype_of(model: nn.Module) -> torch.dtype:
    """Type of the first floating point parameter or buffer; float32 for a model without any."""
    return next((t.dtype for t in tensors_of(model) if t.is_floating_point()), torch.float32)


def weights_version(model: nn.Module) -> int:
    """A number that changes whenever a parameter is written to (optimizer, state dict) or replaced."""
    return hash(tuple((id(p), p.data_ptr(), -1 if p.is_inference() else p._version) for p in model.parameters()))


def moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """A copy of `value` with every tensor in it on `device`, floating point ones as `dtype`, bytes as [0, 1].

    Always copies, so that a model that writes to its input does not change the data set's tensor.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value.dtype == torch.uint8:
            return value.to(device, dtype) / 255
        return value.to(device, dtype if value.is_floating_point() else value.dtype, copy=True)
    if isinstance(value, dict):
        return {key: moved(item, device, dtype) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [moved(item, device, dtype) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value
