"""The context in which a look runs: a shadow of the model in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..core import alone, evaluating, known_whole, same_random_state
from .copying import Copying, Unshadowed
from .weights import unwritten


@contextmanager
def looking(model: nn.Module) -> Iterator[nn.Module]:
    """A shadow of the model in evaluation mode, without gradients, inside a `with` block.

    The shadow is put into evaluation mode by its own `eval()`, which may prepare something; a model that is in that
    mode throughout is taken as it is. Whatever `eval()`, a trace, a hook of ours or a forward pass writes stays in the
    shadow, which is emptied at the end. No other thread runs the model meanwhile (`alone`), and the global random
    state is restored.

    A model that cannot have a shadow (TorchScript, a `forward` that is a closure over the model, weights that are
    sharded) is itself put into evaluation mode and restored: see `evaluating`.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is looked at; never changed.

    Yields
    ------
    torch.nn.Module
        The shadow of the plain module (`DataParallel` and compiled wrappers removed).

    Raises
    ------
    Exception
        Whatever the model's own `eval()` raises.
    """
    with alone(model) as module:
        try:
            copying = Copying(module)
        except Unshadowed:
            with evaluating(module):
                yield module
            return
        with same_random_state(), torch.no_grad():
            yield _evaluated(copying)
        copying.empty()  # what still refers to a part of it, such as a cache of methods, shall not keep the weights


def shadow_of(model: nn.Module) -> nn.Module:
    """A shadow of the model in evaluation mode that stays: module objects that share the memory of its parameters.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module; never changed.

    Returns
    -------
    torch.nn.Module
        With the user's hooks, without compiled calls; all but the parameters is copied.

    Raises
    ------
    Unshadowed
        The model cannot be copied so; the message says why.
    """
    with same_random_state(), torch.no_grad():
        return _evaluated(Copying(model))


def _evaluated(copying: Copying) -> nn.Module:
    """The shadow, in evaluation mode by its own `eval()`, which may write to weights that it shares."""
    if any(part.training for part in copying.parts):
        with unwritten(copying.weights):
            copying.root.eval()
    return known_whole(copying.root)
