"""What a pass may leave behind outside the model, and what puts it back: random numbers, and modes of torch."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch._compile import _disable_dynamo
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


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


class PassMode(TorchFunctionMode):
    """A mode that hooks put on when a module begins, and take off when it ends; the stack of modes is the thread's."""

    def put_on(self) -> None:
        """From now on it is told of each function of torch that this thread calls."""
        torch._C._push_on_torch_function_stack(self)

    def take_off(self) -> bool:
        """It is told no more; gives whether it was on. Modes that were put on after it stay."""
        above: list[Any] = []
        found = False
        while torch._C._len_torch_function_stack() and not found:
            mode = torch._C._pop_torch_function_stack()
            found = mode is self
            if not found:
                above.append(mode)
        for mode in reversed(above):
            torch._C._push_on_torch_function_stack(mode)
        return found


class OperatorMode(TorchDispatchMode):
    """A mode that is told, by its `__torch_dispatch__`, of each operator that runs.

    Torch keeps its compiler out of that function, and imports it for this, which takes a second or more. Here that is
    done only where the compiler is there already: most processes compile nothing.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __enter__(self) -> Any:
        kind: Any = type(self)
        if sys.modules.get("torch._dynamo") and not hasattr(kind.__torch_dispatch__, "__wrapped__"):
            kind.__torch_dispatch__ = _disable_dynamo(kind.__torch_dispatch__)
        return super().__enter__()


@contextmanager
def no_mode_left() -> Iterator[None]:
    """Take off, at the end of a `with` block, what a pass inside has left on.

    Hooks that are to run always do so after an `Exception`, but not after an interrupt, nor where a pass ends early.
    """
    before = torch._C._len_torch_function_stack()
    try:
        yield
    finally:
        while torch._C._len_torch_function_stack() > before:
            mode = torch._C._pop_torch_function_stack()
            if not isinstance(mode, PassMode):  # of the user, who takes it off
                torch._C._push_on_torch_function_stack(mode)
                break
