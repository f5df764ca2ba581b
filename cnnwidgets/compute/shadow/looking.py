"""The context in which a look runs: a shadow of the model in evaluation mode."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..core import alone, counting, known_whole, same_random_state
from .copying import Copying, Unshadowed
from .evaluating import evaluating
from .held import same_class_state
from .weights import unwritten

_ATTENTION = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
"""Modules that ask whether functions of torch are watched, and compute otherwise then."""
_seen: weakref.WeakKeyDictionary[nn.Module, tuple[list[Any], set[Hashable]]] = weakref.WeakKeyDictionary()
"""Settings of a model, and which passes were watched with them: see `_watched`."""


@contextmanager
def looking(model: nn.Module, until: Collection[str] | None = None) -> Iterator[nn.Module]:
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
    until : collection of str, optional
        Layers after which the passes of this look end.

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
        try:
            with same_random_state(), same_class_state(copying.parts), torch.no_grad():
                root = _evaluated(copying)
                with _watched(module, root, copying, until):
                    yield root
        finally:
            copying.empty()  # what still refers to a part of it, such as a cache of methods, shall not keep the weights


@contextmanager
def _watched(module: nn.Module, root: nn.Module, copying: Copying, until: Collection[str] | None) -> Iterator[None]:
    """Restore what the first pass writes to weights; later shadows have copies of those weights.

    To watch each operation takes up to a fifth of a pass, so that it is done until a pass has run to its end, or to the
    layers `until` which it goes, and again when a setting of a module or the number of its hooks has changed.
    """
    place = None if until is None else frozenset(until)
    settings, known = _seen.get(module, ([], set()))
    if settings != copying.settings:
        known = set()
    if not known.isdisjoint({None, place}):
        yield
        return
    attends = any(isinstance(part, _ATTENTION) for part in copying.parts)
    with counting(root, ended=True) as passes, unwritten(copying.shared, every=attends):
        yield
    if passes or place is not None:
        _seen[module] = copying.settings, known | {None if passes else place}


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
    copying = Copying(model)
    with same_random_state(), same_class_state(copying.parts), torch.no_grad():
        return _evaluated(copying)


def _evaluated(copying: Copying) -> nn.Module:
    """The shadow, in evaluation mode by its own `eval()`, which may write to weights that it shares."""
    if any(part.training for part in copying.parts):
        with unwritten(copying.shared):
            copying.root.eval()
    return known_whole(copying.root)
