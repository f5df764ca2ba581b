"""Whether a model still computes what it did: a number for its weights, buffers, hooks and settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from ..settings import settings
from .hooks import not_ours
from .model import tensors_of

LARGEST = 2**30
"""Bytes of weights that are read for a fingerprint; 0.25 s."""
COLUMNS = 61
"""The words of a tensor are summed up in so many columns; a prime, so that numbers that change places are seen."""
SAMPLED = 2**15
"""About so many numbers of a model are read by `weights_version`; 1 ms."""
_ORDINARY = (torch.Tensor, nn.Parameter)


def fingerprint(model: nn.Module) -> Any:
    """What compares equal for a model as long as nothing that we can see would change what it puts out.

    Unlike `weights_version` it reads all weights and buffers, and it sees which hooks there are (not what they hold:
    most collect something in each pass) and what `settings` sees: attributes of modules at any depth, methods,
    functions, and the globals that these name.

    Parameters
    ----------
    model : torch.nn.Module
        Only read.

    Returns
    -------
    object
        A tuple to compare; for a model with more than `LARGEST` bytes, or numbers that cannot be read, equal to none.
    """
    tensors = list(tensors_of(model))
    if sum(tensor.nbytes for tensor in tensors if tensor.layout == torch.strided) > LARGEST:
        return object()
    try:
        numbers = tuple(map(_sums, tensors))
    except (RuntimeError, TypeError, ValueError, NotImplementedError):  # quantized, sparse, on no device
        return object()
    found, others = settings(model)
    return hooks_version(model), found, _version(others), numbers


def weights_version(model: nn.Module) -> int:
    """A number that changes with the weights and buffers of a model, cheap enough to be asked at every move.

    An optimizer, a state dict, another parameter in the place of one, `to()`: these are seen by what torch counts. A
    write through `.data`, and the statistics of BatchNorm, torch does not count: they are seen by the numbers
    themselves, of which all are read in small tensors, and of large ones an equal share of `SAMPLED`, evenly spread.

    Parameters
    ----------
    model : torch.nn.Module
        Only read.
    """
    tables = [table for part in model.modules() for table in (part._parameters, part._buffers)]
    return _version([tensor for table in tables for tensor in table.values() if tensor is not None])


def _version(tensors: list[torch.Tensor]) -> int:
    """A number that changes with what is written to some tensors."""
    counted: list[Any] = []
    share = max(64, SAMPLED // max(1, len(tensors)))
    samples: dict[Any, list[torch.Tensor]] = {}
    with torch.no_grad():
        for tensor in tensors:
            counted += (id(tensor), -1 if tensor.is_inference() else tensor._version)
            try:
                counted.append(tensor.data_ptr())
                if type(tensor) not in _ORDINARY and hasattr(tensor, "to_local"):
                    tensor = tensor.to_local()  # of a sharded one, the part that is here
                if tensor.is_meta:
                    continue
                count = tensor.numel()
                step = count // share | 1  # odd, so that not the same column of each row is read
                dense = tensor.is_contiguous()
                sample = tensor.as_strided((-(-count // step),), (step,)) if dense else tensor.reshape(-1)[::step]
            except (RuntimeError, NotImplementedError):  # sparse, quantised: no plain numbers
                continue
            samples.setdefault((sample.dtype, sample.device), []).append(sample)
        read = tuple([torch.cat(found).view(torch.uint8).cpu().numpy().tobytes() for found in samples.values()])
    return hash((tuple(counted), read))


def settings_version(model: nn.Module) -> Any:
    """What compares equal as long as the `settings`, and the buffers that a `forward` may read, are the same.

    Those are the buffers of all modules that torch does not bring: a trace, which runs their code, makes constants of
    them.
    """
    own = (part for part in model.modules() if not type(part).__module__.startswith("torch.nn"))
    buffers = [buffer for part in own for buffer in part._buffers.values() if buffer is not None]
    found, others = settings(model)
    return found, _version(buffers + others)


def hooks_version(model: nn.Module) -> tuple[int, ...]:
    """Which forward hooks of the user it has, in running order; another tuple whenever one comes or goes."""
    return tuple(_hooks(model))


def digest(image: torch.Tensor) -> bytes:
    """The same bytes for the same image alone."""
    image = image.detach().cpu().contiguous()
    found = hashlib.sha1(f"{image.dtype} {tuple(image.shape)}".encode(), usedforsecurity=False)
    found.update(_bytes(image).data)
    return found.digest()


def _hooks(model: nn.Module) -> Iterator[int]:
    for number, part in enumerate(model.modules()):
        for hooks in (part._forward_pre_hooks, part._forward_hooks):
            if hooks and (own := not_ours(hooks)):
                yield from (number, *own, *map(id, own.values()))


def _sums(tensor: torch.Tensor) -> tuple[Any, ...]:
    raw = _bytes(tensor.detach().cpu().contiguous())
    words = raw[: raw.size // 8 * 8].view(np.uint64)
    whole = words.size // COLUMNS * COLUMNS
    columns = words[:whole].reshape(-1, COLUMNS).sum(0)
    return tensor.dtype, tuple(tensor.shape), tensor.device, columns.tobytes(), raw[whole * 8 :].tobytes()


def _bytes(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return tensor.reshape(-1).view(torch.uint8).numpy()
