"""Evaluation mode of the model itself, after which everything is restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from ..core import alone, same_random_state
from .held import same_module_state
from .weights import restored


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Evaluation mode without gradients inside a `with` block, by the model's own `eval()`; then all is restored.

    The `training` flag of every module is restored individually, and so are parameters, buffers, attributes with all
    that they hold, and the global random state, after success, an exception or an interrupt.

    Parameters
    ----------
    model : torch.nn.Module
        The network.

    Yields
    ------
    torch.nn.Module
        The plain module (`DataParallel` and compiled wrappers removed).
    """
    with alone(model) as module:
        parts = list(module.modules())
        training = [part for part in parts if getattr(part, "training", False)]
        with (
            same_random_state(),
            same_module_state(parts),
            restored(module.parameters()),
            _uncompiled(parts),
            torch.no_grad(),
        ):
            try:
                if training:
                    module.eval()
                yield module
            finally:
                for part in training:  # those of TorchScript too, which have no attributes in Python
                    part.training = True


@contextmanager
def _uncompiled(parts: list[nn.Module]) -> Iterator[None]:
    """Run compiled modules as plain Python, so that hooks fire."""
    compiled = any(getattr(part, "_compiled_call_impl", None) or "_orig_mod" in part._modules for part in parts)
    stance = getattr(torch.compiler, "set_stance", None)  # since torch 2.6
    with stance("force_eager") if compiled and stance else nullcontext():
        yield
