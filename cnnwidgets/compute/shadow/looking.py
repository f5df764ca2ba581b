"""The context in which a look runs: a shadow of the model in evaluation mode."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..core import alone, counting, known_whole, same_random_state, share_turn
from ..sites import no_mode_left
from .copying import Copying, Unshadowed
from .evaluating import evaluating
from .held import same_class_state
from .weights import is_rewritten, restored

Kind = tuple[bool, frozenset[str] | None]
"""Whether `eval()` was called, and the layers after which passes ended."""
_seen: weakref.WeakKeyDictionary[nn.Module, tuple[list[Any], set[Kind]]] = weakref.WeakKeyDictionary()
"""Settings of a model, and the kinds of looks after which it is known which of its weights they write to."""


@contextmanager
def looking(model: nn.Module, until: Collection[str] | None = None) -> Iterator[nn.Module]:
    """A shadow of the model in evaluation mode, without gradients, inside a `with` block.

    The shadow is put into evaluation mode by its own `eval()`, which may prepare something; a model that is in that
    mode throughout is taken as it is. Whatever `eval()`, a trace, a hook of ours or a forward pass writes stays in the
    shadow, which is emptied at the end. No other thread runs the model meanwhile (`alone`), and the global random
    state is restored.

    The first look has copies of all weights. Those that it writes to, whether or not that changes them, are copied for
    every later look too; all others are shared from then on, until a setting of a module or its hooks change.

    A model that cannot have a shadow (TorchScript, code that reaches the model by ways that cannot be copied) is itself
    put into evaluation mode and restored: see `evaluating`.

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
    with alone(model) as module, no_mode_left():
        try:
            copying, trusted = _copied(module, until)
        except Unshadowed:
            with evaluating(module):
                yield module
            return
        training = copying.training
        try:
            with _undone(copying, trusted):
                root = _evaluated(copying)
                if trusted:
                    yield root
                    return
                with counting(root, ended=True) as passes:
                    yield root
                place = None if passes or until is None else frozenset(until)
                if passes or until is not None:
                    _vouch(module, copying.settings, (training, place))
        finally:
            copying.empty()  # what still refers to a part of it, such as a cache of methods, shall not keep the weights


@contextmanager
def _undone(copying: Copying, trusted: bool) -> Iterator[None]:
    """Undo what a look writes beside the copy; and find out to which weights, unless that is known."""
    with (
        same_random_state(),
        same_class_state(copying.parts),
        restored(each for each in copying.same if not trusted or is_rewritten(each)),
        torch.no_grad(),
    ):
        writes = None if trusted else copying.count()
        try:
            yield
        finally:
            if writes is not None:
                copying.compare(writes)


def _copied(module: nn.Module, until: Collection[str] | None = None) -> tuple[Copying, bool]:
    """A copy of a model; and whether it shares weights, since no look of this kind writes to those that it shares."""
    if (seen := _seen.get(module)) is not None:
        copying = Copying(module)
        training = copying.training
        kinds: set[Kind] = {(training, None), (training, None if until is None else frozenset(until))}
        if seen[0] == copying.settings and not seen[1].isdisjoint(kinds):
            return copying, True
        copying.empty()
    return Copying(module, apart=True), False


def _vouch(module: nn.Module, settings: list[Any], kind: Kind) -> None:
    """Remember that it is known to which weights of a model a look of this kind writes."""
    before, known = _seen.get(module, ([], set()))
    _seen[module] = settings, (known if before == settings else set()) | {kind}


def shadow_of(model: nn.Module) -> nn.Module:
    """A shadow of the model in evaluation mode that stays: module objects that share the memory of its parameters.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module; never changed.

    Returns
    -------
    torch.nn.Module
        With the user's hooks, without compiled calls. All but the parameters is copied; these too, where it is not
        known yet whether a look writes to them.

    Raises
    ------
    Unshadowed
        The model cannot be copied so; the message says why.
    """
    copying, trusted = _copied(model)
    with _undone(copying, trusted):
        return _evaluated(copying)


def twin_of(model: nn.Module) -> nn.Module:
    """A twin of the model: other modules that hold its very parameters and buffers, and so follow its training.

    For what is to be on a model for longer than a look, such as an edit, and not on the user's. A look at the twin runs
    on a shadow of it, while nobody else runs the model.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module; never changed.

    Raises
    ------
    Unshadowed
        The model cannot be copied so; the message says why.
    """
    with alone(model) as module:
        twin = known_whole(Copying(module, sharing=True).root)
        share_turn(twin, module)
        if module in _seen:  # what its looks write to is known
            _seen[twin] = _seen[module]
        return twin


def _evaluated(copying: Copying) -> nn.Module:
    """The copy, in evaluation mode by its own `eval()`."""
    if copying.training:
        copying.root.eval()
    return known_whole(copying.root)
