"""Looking changes nothing: random numbers, buffers and weights are put back after every look."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def same_random_state() -> Iterator[None]:
    """Put the global random state of Python, NumPy and torch (every device in use) back at the end."""
    python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)


@contextmanager
def same_tensors(model: nn.Module) -> Iterator[None]:
    """Put buffers back, and parameters that `forward` exchanged, at the end.

    Buffers (BatchNorm statistics, counters) are copied before and compared after. Parameters are too large to copy
    for every look: one that is exchanged (`weight.data = ...`) is put back, one written in place is not noticed.
    """
    buffers = [
        (owner._buffers, name, buffer, buffer.detach().clone(), _version(buffer))
        for owner in model.modules()
        if not isinstance(owner, torch.jit.ScriptModule)
        for name, buffer in owner._buffers.items()
        if buffer is not None
    ]
    parameters = [
        (owner._parameters, name, parameter, parameter.data, parameter.requires_grad)
        for owner in model.modules()
        if not isinstance(owner, torch.jit.ScriptModule)
        for name, parameter in owner._parameters.items()
        if parameter is not None
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for held, name, buffer, copy, version in buffers:
                if held.get(name) is not buffer:
                    held[name] = buffer
                # a write through .data does not count as a version; on other devices comparing would make them wait
                if _version(buffer) != version or (buffer.is_cpu and not _equal(buffer, copy)):
                    buffer.copy_(copy)
        for kept, name, parameter, data, requires_grad in parameters:
            if kept.get(name) is not parameter:
                kept[name] = parameter
            if parameter.data_ptr() != data.data_ptr():
                parameter.data = data
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)
