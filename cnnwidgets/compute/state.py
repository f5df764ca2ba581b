"""Looking changes nothing: random numbers, buffers, weights and attributes are put back after every look."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import is_
from typing import Any

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
def same_module_state(model: nn.Module) -> Iterator[None]:
    """Put back what a forward pass or a trace may have written into the modules.

    Attributes are remembered as they are, buffers (BatchNorm statistics, counters) by a copy. Parameters are too large
    to copy for every look: one that is exchanged (`weight.data = ...`) is put back, one that `forward` writes in place
    is not noticed, nor is a gradient that `forward` adds to.
    """
    every = list(model.modules())
    tables = [
        table
        for part in every
        if not isinstance(part, torch.jit.ScriptModule)
        for table in (part.__dict__, part._parameters, part._buffers, part._modules)
    ]
    held = [(table, table.copy()) for table in tables]
    buffers = [
        (buffer, buffer.data, buffer.detach().clone(), _version(buffer))
        for buffer in _distinct(part._buffers for part in every)
    ]
    weights = _distinct(part._parameters for part in every)
    parameters = [(weight, weight.data, weight.grad, weight.requires_grad) for weight in weights]
    try:
        yield
    finally:
        for now, before in held:
            _restore(now, before)
        with torch.no_grad():
            for buffer, data, copy, version in buffers:
                if _exchanged(buffer, data):
                    buffer.data = data
                # a write through .data does not count as a version; on other devices comparing would make them wait
                if _version(buffer) != version or (buffer.is_cpu and not _equal(buffer, copy)):
                    buffer.copy_(copy)
        for weight, data, grad, requires_grad in parameters:
            if _exchanged(weight, data):
                weight.data = data
            if weight.grad is not grad:
                weight.grad = grad
            if weight.requires_grad != requires_grad:
                weight.requires_grad_(requires_grad)


def _distinct(tables: Iterable[Mapping[str, torch.Tensor | None]]) -> list[torch.Tensor]:
    """Each tensor once; quicker than `model.buffers()`, which makes their names."""
    return list({id(tensor): tensor for table in tables for tensor in table.values() if tensor is not None}.values())


def _restore(now: dict[str, Any], before: dict[str, Any]) -> None:
    if len(now) == len(before) and all(map(is_, now.values(), before.values())) and list(now) == list(before):
        return
    now.clear()
    now.update(before)


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _exchanged(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    """Whether `tensor` looks at other memory, or in another way, than `data` does."""
    if tensor.layout is not torch.strided:
        return False
    return (tensor.data_ptr(), tensor.shape, tensor.stride()) != (data.data_ptr(), data.shape, data.stride())


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.layout is not torch.strided or torch.equal(a, b)
