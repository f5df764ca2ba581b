"""Which call of a layer runs in which pass of a training."""

from __future__ import annotations

from collections import Counter

import torch

from .hooks import in_backward


class Pass:
    """One run of a model with gradients enabled.

    Attributes
    ----------
    number : int
        Counts the passes.
    calls : Counter of str
        How often each layer ran.
    graded : set of str
        Layers that ran with gradients enabled.
    image : torch.Tensor or None
        What was kept of the input.
    gradients : dict of str to torch.Tensor
        What was kept of the gradients that came back.
    reached : bool
        Whether a gradient came back at all.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls: Counter[str] = Counter()
        self.graded: set[str] = set()
        self.image: torch.Tensor | None = None
        self.gradients: dict[str, torch.Tensor] = {}
        self.reached = False


class Passes:
    """The passes of a model, one after the other.

    A pass begins with a call of the model; where only its parts are called, with the first of them. Calls without
    gradients count where the pass has them enabled, such as those of checkpointed layers.

    Attributes
    ----------
    now : Pass or None
        The pass that runs, or else the last one.
    begun : bool
        Whether it began with a call of the model.
    """

    def __init__(self) -> None:
        self.now: Pass | None = None
        self.begun = False
        self._looking = False
        self._waits = False  # an earlier pass of the step has not had its gradient yet
        self._count = 0

    def begin(self) -> Pass | None:
        """The model is called; its new pass, or None where it is not one of the training."""
        if in_backward():
            return None
        self._looking = not torch.is_grad_enabled()
        return None if self._looking else self._next(begun=True)

    def called(self, name: str) -> tuple[Pass, int] | None:
        """A layer is called: the pass and the number of the call, or None where no gradient can come of it.

        Number 0 stands for a call that cannot be told from others.
        """
        if in_backward():  # checkpointing runs it again: for the numbers alone where it ran with gradients before
            now = self.now
            if now is None or name in now.graded or not torch.is_grad_enabled():
                return None
            return now, 1 if now.calls[name] == 1 and not self._waits else 0
        if not torch.is_grad_enabled():
            if self.now is not None and not self._looking:
                self.now.calls[name] += 1
            return None
        now = self._next(begun=False) if self.now is None or self._looking else self.now
        self._looking = False
        now.calls[name] += 1
        now.graded.add(name)
        return now, now.calls[name]

    def forget(self) -> None:
        """What comes next belongs to a new pass."""
        self.now, self._waits = None, False

    def _next(self, *, begun: bool) -> Pass:
        self._count += 1
        self._waits = self.now is not None and not self.now.reached
        self.now, self.begun = Pass(self._count), begun
        return self.now
