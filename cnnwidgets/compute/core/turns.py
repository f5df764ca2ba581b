"""Turns of several threads at one model: only one of them runs it at a time."""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import AbstractContextManager
from typing import cast

from torch import nn

from .model import plain


class _Queue:
    """Re-entrant lock that knows how many threads wait for it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.waiting = 0


class _Turn:
    """Re-entrant lock that yields to waiting threads."""

    def __init__(self, module: nn.Module, queue: _Queue) -> None:
        self._module = weakref.ref(module)
        self.queue = queue

    def __enter__(self) -> nn.Module:
        queue = self.queue
        if not queue.lock.acquire(blocking=False):
            queue.waiting += 1
            try:
                queue.lock.acquire()
            finally:
                queue.waiting -= 1
        return cast(nn.Module, self._module())

    def __exit__(self, *raised: object) -> None:
        self.queue.lock.release()
        if self.queue.waiting:
            time.sleep(0.001)  # else a loop would acquire it again before the other thread wakes up


_turns: weakref.WeakKeyDictionary[nn.Module, _Turn] = weakref.WeakKeyDictionary()
_first = threading.Lock()


def alone(model: nn.Module) -> AbstractContextManager[nn.Module]:
    """Exclusive use of the model by this thread inside a `with` block.

    A training step in one thread waits until a pass of a view in another thread has ended, and vice versa;
    `evaluating` acquires the lock by itself. It is re-entrant.

    Parameters
    ----------
    model : torch.nn.Module
        The network.

    Returns
    -------
    context manager
        Gives the plain module (`DataParallel` and compiled wrappers removed); reusable.
    """
    module = plain(model)
    with _first:
        if module not in _turns:
            _turns[module] = _Turn(module, _Queue())
        return _turns[module]


def share_turn(twin: nn.Module, model: nn.Module) -> None:
    """Let `alone` of a module that has the weights of another one keep others from both."""
    with alone(model) as module, _first:
        _turns[twin] = _Turn(twin, _turns[module].queue)
