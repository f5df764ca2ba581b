"""Restores random state, buffers, weights and attributes after every pass, so that views change nothing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import nn

SMALL = 4096
"""Maximum number of elements of buffers that are copied together."""


@contextmanager
def same_random_state() -> Iterator[None]:
    """Restore the global random state of Python, NumPy and torch (every device in use) at the end."""
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
def same_module_state(parts: list[nn.Module]) -> Iterator[None]:
    """Restore what a forward pass or a trace may change in the modules of a model.

    Attributes are saved by reference, buffers (BatchNorm statistics, counters) as copies. Parameters are too large to
    copy for every pass: a replaced one (`weight.data = ...`) is restored, but an in-place write to a parameter or a
    gradient in `forward` is not detected.
    """
    tables: list[dict[str, Any]] = [
        table
        for part in parts
        if not isinstance(part, torch.jit.ScriptModule)
        for table in (part.__dict__, part._parameters, part._buffers, part._modules)
    ]
    held = [(table, table.copy()) for table in tables]
    buffers = [(buffer, buffer.data) for buffer in _distinct(part._buffers for part in parts)]
    copies = _copies([buffer for buffer, _ in buffers])
    weights = _distinct(part._parameters for part in parts)
    parameters = [(weight, weight.data, weight.grad, weight.requires_grad) for weight in weights]
    try:
        yield
    finally:
        for now, before in held:
            if len(now) != len(before) or not all(map(is_, now.values(), before.values())) or list(now) != list(before):
                now.clear()
                now.update(before)
        with torch.no_grad():
            for buffer, data in buffers:
                if _exchanged(buffer, data):
                    buffer.data = data
            for copy in copies:
                copy.put_back()
        for weight, data, grad, requires_grad in parameters:
            if _exchanged(weight, data):
                weight.data = data
            if weight.grad is not grad:
                weight.grad = grad
            if weight.requires_grad != requires_grad:
                weight.requires_grad_(requires_grad)


class _Copy:
    """A copy of one buffer, or of many small ones of one type: a single call is faster than many."""

    def __init__(self, buffers: list[torch.Tensor]) -> None:
        self._buffers = buffers
        self._copy = self._numbers(clone=True)
        self._versions = [_version(buffer) for buffer in buffers]

    def put_back(self) -> None:
        """Restore the buffers if any has changed."""
        first = self._buffers[0]
        written = [_version(buffer) for buffer in self._buffers] != self._versions
        # a write through .data does not count as a version; on other devices a comparison would synchronise
        if written or (first.is_cpu and first.layout is torch.strided and not _same(self._numbers(), self._copy)):
            pieces = [self._copy]
            if len(self._buffers) > 1:
                pieces = list(self._copy.split([buffer.numel() for buffer in self._buffers]))
            for buffer, piece in zip(self._buffers, pieces, strict=True):
                buffer.copy_(piece.view(buffer.shape) if len(pieces) > 1 else piece)

    def _numbers(self, *, clone: bool = False) -> torch.Tensor:
        if len(self._buffers) > 1:
            return torch.cat([buffer.detach().reshape(-1) for buffer in self._buffers])
        buffer = self._buffers[0].detach()
        return buffer.clone() if clone else buffer


def _copies(buffers: list[torch.Tensor]) -> list[_Copy]:
    groups: dict[Any, list[torch.Tensor]] = {}
    for buffer in buffers:
        small = buffer.is_cpu and buffer.layout is torch.strided and not buffer.is_quantized and buffer.numel() <= SMALL
        groups.setdefault(buffer.dtype if small else id(buffer), []).append(buffer)
    with torch.no_grad():
        return [_Copy(group) for group in groups.values()]


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are bitwise equal, NaN included."""
    if a.is_quantized or not a.is_contiguous():
        return torch.equal(a, b)
    return torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


def _distinct(tables: Iterable[Mapping[str, torch.Tensor | None]]) -> list[torch.Tensor]:
    """Each tensor once; faster than `model.buffers()`, which also builds their names."""
    return list({id(tensor): tensor for table in tables for tensor in table.values() if tensor is not None}.values())


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _exchanged(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    """Whether `tensor` has other memory, or other strides, than `data`."""
    if tensor.layout is not torch.strided:
        return False
    return (tensor.data_ptr(), tensor.shape, tensor.stride()) != (data.data_ptr(), data.shape, data.stride())
