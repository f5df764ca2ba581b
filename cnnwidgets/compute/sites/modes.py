"""Modes of torch that are on while a module runs, and not left behind by a pass that is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


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
