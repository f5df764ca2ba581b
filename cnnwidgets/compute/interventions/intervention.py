"""`intervene`: a model computes otherwise inside a `with` block."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ContextDecorator, ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from ..core import Prepare, hooks_version, plain, settings_version, tensors_of
from ..gradients import OR_COMPILED, can_run_eagerly, eager, is_compiled
from ..shadow import Unshadowed, twin_of
from .edited import Edited, channel_means, value_for
from .edits import Ablate, Apply, Edit, Replace
from .graph import norms_behind
from .hooks import Calls, hook_after, hook_before
from .operation import EditedOperation, Operations
from .place import find_edited

Edits = Mapping[str, "Edit | Callable[[torch.Tensor], torch.Tensor] | Iterable[Edit]"]
_active: weakref.WeakKeyDictionary[nn.Module, list[Intervention]] = weakref.WeakKeyDictionary()


class Intervention:
    """The edits of an `intervene`, and what has become of them.

    Attributes
    ----------
    layers : tuple of str
        The names of the edited layers, as given.
    passes : int
        How often the network was run inside the `with`, by anyone.
    """

    def __init__(self, model: nn.Module, edited: list[Edited], words: list[str]) -> None:
        self._model, self._edited = weakref.ref(model), edited
        self.layers = tuple(each.layer for each in edited)
        self.words_of_each = words
        self.passes = 0

    def __repr__(self) -> str:
        return f"Intervention({self.words}; {self.count:,} outputs edited)"

    @property
    def count(self) -> int:
        """Number of edited outputs so far."""
        return sum(each.count for each in self._edited)

    @property
    def words(self) -> str:
        """What is edited, in a line: `channels 3, 7 of layer4 set to 0`."""
        return "; ".join(self.words_of_each)

    @property
    def warnings(self) -> list[str]:
        """What may mislead: edits without effect, modules that run several times, values that a norm then moves.

        Complete after the first pass. What is behind a layer is looked up in the graph that `torch.fx` traces: of a
        network that cannot be traced no norms are told.
        """
        found = []
        model = self._model()
        for each in self._edited:
            if self.passes and not each.count:
                found.append(f"layer {each.layer!r} was not edited: {each.why_not}")
            if each.call is None and each.most > 1 and each.place.site is None:
                found.append(
                    f"module {each.module!r} runs {each.most} times in a pass, and each call is edited; "
                    f"'{each.module}:1' is the first alone"
                )
            if (
                each.arrangement is not None
                and not each.arrangement.known
                and any(not edit.selection.everything for edit in each.edits)
            ):
                found.append(f"which axis of layer {each.layer!r} is its channels is not known: the first one is taken")
            removing = [edit for edit in each.edits if edit.removes]
            norms = norms_behind(model, each.layer) if removing and model is not None else []
            for norm in norms:
                found.append(
                    f"what is {removing[-1].words} in layer {each.layer!r} is another number behind {norm!r}, which "
                    f"normalises it: edit {norm!r} to switch it off"
                )
        return found

    def tell(self) -> None:
        """Warn of layers that no edit has reached."""
        for each in self._edited:
            if not each.count:
                why = (
                    each.why_not
                    if self.passes or each.most
                    else f"the model was not called inside the block{OR_COMPILED}"
                )
                warnings.warn(f"layer {each.layer!r} was not edited: {why}", stacklevel=5)


def intervene(
    model: nn.Module, edits: Edits, *, prepare: Prepare | None = None
) -> AbstractContextManager[Intervention]:
    """Let a model compute otherwise inside a `with` block, for whoever runs it; after it the model is as it was.

    Everything that runs the model inside the block sees the edits: a loop of your own, `capture`, views, occlusion,
    attributions (whose gradients go through the edited values). What runs outside does not, nor do copies and pickles
    of the model that are made inside, nor what is traced or compiled inside. Training inside is allowed: gradients go
    through the edits. A compiled model runs as plain Python meanwhile.

    In a pass the layers are edited in the order in which they run, each after the hooks that you have put on it before;
    several edits of a layer one after the other, as listed; and blocks inside blocks from the outer to the inner. A
    layer returns a new tensor, so that what holds the old one keeps it. Quantised values are edited as the numbers they
    stand for, and rounded to their scale again. Where the type of a layer does not tell which axis of its output is the
    channels, the first pass of the model takes another one, of a single image, for the layer table.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that runs in Python; `DataParallel` and compiled wrappers are unwrapped.
    edits : mapping of str to Edit
        Layer -> `Ablate`, `Scale`, `Add`, `Clamp`, `Noise`, `Replace`, `Apply`, a function of the output, or a list of
        these. Layers are named as in `layer_table`: `"relu"` is every call of a module that runs several times,
        `"relu:2"` its second, `"name.key"` one tensor of several, `"add_3"` an operation in the code of a `forward`,
        such as `+`, `torch.cat` or a functional ReLU.
    prepare : callable, optional
        As for `activations`, for the images of `Ablate` and `Replace`.

    Returns
    -------
    context manager
        `with ... as` names the `Intervention`, with `words`, `warnings` and `count` of the edits. Each `with` of
        the same object begins another one.

    Raises
    ------
    LookupError
        A layer does not exist, or is an operation of a kind that cannot be edited (see Notes), or, with an image to
        replace by, is not one tensor for it.
    TypeError, ValueError
        No edits; the layer is TorchScript; the model is compiled by a torch before 2.6. Some errors can only be known
        when the model runs, which then raises them: a channel, token or region that does not exist, values of the wrong
        shape, a layer that gives several tensors.

    Warns
    -----
    UserWarning
        At the end, for each layer that was not edited, with the reason.

    Notes
    -----
    An operation has no module. A mode of torch, which hooks put on while the `forward` runs in which it stands, hears
    of it, and knows it by the place in the code from which it is called, which is the same as when `torch.fx` traced
    the name. The first pass of the model takes another one of a single image, which proves that the value is the one
    that the layer table has by this name. Where it writes to a tensor (`x += y`, `inplace=True`), that has the edited
    values. Only networks that can be traced have operations. Not edited, and said so, are attributes such as `x.mT`,
    functions that a trace takes as one step (`torch.fx.wrap`), one of several tensors (`chunk`),
    and what is checkpointed.

    Examples
    --------
    >>> import torch, cnnwidgets as cw
    >>> model, images = cw.models.lenet5(), torch.rand(1, 1, 28, 28)
    >>> with cw.intervene(model, {"C3": cw.Ablate(channels=[3, 7])}) as intervention:
    ...     maps = cw.activations(model, images, "C3")
    >>> float(maps[:, [3, 7]].abs().max()), intervention.words
    (0.0, 'channels 3, 7 of C3 set to 0')
    """
    return _Block(lambda: _intervention(model, edits, prepare))


class _Block(ContextDecorator, AbstractContextManager[Intervention]):
    """A context manager that can be entered again, also inside itself: each time by one that `begin` makes."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Intervention]]) -> None:
        self._begin = begin
        self._begun: list[AbstractContextManager[Intervention]] = []

    def __enter__(self) -> Intervention:
        block = self._begin()
        intervention = block.__enter__()
        self._begun.append(block)
        return intervention

    def __exit__(self, *error: Any) -> bool | None:
        return self._begun.pop().__exit__(*error)


@contextmanager
def _intervention(model: nn.Module, edits: Edits, prepare: Prepare | None) -> Iterator[Intervention]:
    if is_compiled(model) and not can_run_eagerly():
        raise ValueError("a compiled model can be edited from torch 2.6 on: give it as it is")
    with ExitStack() as stack:
        intervention = _hooked(stack, model, plain(model), edits, prepare)
        stack.enter_context(eager)
        stack.enter_context(_listed_as_active(plain(model), intervention))
        yield intervention
    intervention.tell()


class EditedTwin:
    """A model that computes otherwise, beside the one whose weights it has: other modules, with the edits on them.

    For edits that are to last, where the user's model shall compute as it did. The twin follows a training of the
    weights; where modules, settings or hooks of the model change, a new one is needed: `current` says so.

    Parameters
    ----------
    model : torch.nn.Module
        Never changed.
    edits : mapping of str to Edit
        As for `intervene`; may be empty.
    prepare : callable, optional
        As for `intervene`.

    Attributes
    ----------
    module : torch.nn.Module
        The twin.
    intervention : Intervention or None
        The edits; None where there are none.

    Raises
    ------
    LookupError, TypeError, ValueError
        As for `intervene`; the model cannot be copied.
    """

    def __init__(self, model: nn.Module, edits: Edits, *, prepare: Prepare | None = None) -> None:
        self._model, self._prepare = plain(model), prepare
        self._version = self._version_now()
        try:
            self.module = twin_of(self._model)
        except Unshadowed as error:
            raise ValueError(f"edits need a copy of the model beside it, and it has none: {error}") from error
        self._stack = ExitStack()
        self.intervention: Intervention | None = None
        self.edit(edits)

    @property
    def current(self) -> bool:
        """Whether it still is a twin: the model has the same modules, settings, parameters and hooks."""
        return bool(self._version == self._version_now())

    def edit(self, edits: Edits) -> None:
        """Edit this instead; after an error the edits before are on it."""
        stack = ExitStack()
        try:
            intervention = _hooked(stack, self._model, self.module, edits, self._prepare) if edits else None
        except BaseException:
            stack.close()
            raise
        self._stack.close()
        self._stack, self.intervention = stack, intervention

    def _version_now(self) -> object:
        held = [id(tensor) for tensor in tensors_of(self._model)]
        return held, hooks_version(self._model), settings_version(self._model)


def _hooked(stack: ExitStack, model: nn.Module, on: nn.Module, edits: Edits, prepare: Prepare | None) -> Intervention:
    """Put the edits of `model` on the plain module or its twin, until the stack ends."""
    listed = {layer: _listed(layer, given) for layer, given in _checked(edits).items()}
    places = [_edited(on, layer, given) for layer, given in listed.items()]  # says what is wrong before any pass
    words = [_words(layer, edit) for layer, given in listed.items() for edit in given]
    for place in places:
        place.edits = tuple(_resolved(model, place.layer, edit, prepare) for edit in place.edits)
    intervention = Intervention(plain(model), places, words)
    calls = Calls({place.module for place in places})
    inside = [place for place in places if isinstance(place, EditedOperation)]
    operations = Operations(inside, calls)

    def begin(network: nn.Module, args: Any, keywords: Any) -> None:
        intervention.passes += not calls.asking
        calls.begin(network, args, keywords)

    def end(network: nn.Module, args: Any, output: Any) -> None:
        calls.end(network)

    def after(place: Edited, part: nn.Module, args: Any, output: Any) -> Any:
        return place.run(calls, part, output)

    hook_before(stack, on, begin, operations)
    for place in places:
        if place not in inside:
            hook_after(stack, place.part, partial(after, place))
    operations.hook(stack, on)
    hook_after(stack, on, end)
    return intervention


def _edited(model: nn.Module, layer: str, edits: list[Edit]) -> Edited:
    place = find_edited(model, layer)
    return (Edited if place.site is None else EditedOperation)(model, place, edits)


def interventions_of(model: nn.Module) -> list[Intervention]:
    """The interventions that a model is under, the outer ones first."""
    return list(_active.get(plain(model), []))


@contextmanager
def _listed_as_active(model: nn.Module, intervention: Intervention) -> Iterator[None]:
    active = _active.setdefault(model, [])
    active.append(intervention)
    try:
        yield
    finally:
        active.remove(intervention)


def _checked(edits: Any) -> Mapping[str, Any]:
    if not isinstance(edits, Mapping):
        raise TypeError(
            f"edits are a mapping of layers, {{'layer4': cw.Ablate(channels=3)}}, not {type(edits).__name__}"
        )
    if not edits:
        raise ValueError("no edits: give at least one layer, {'layer4': cw.Ablate(channels=3)}")
    return edits


def _listed(layer: str, given: Any) -> list[Edit]:
    parts = list(given) if isinstance(given, (list, tuple)) else [given]
    found = [part if isinstance(part, Edit) else Apply(part) if callable(part) else None for part in parts]
    if not found or any(part is None or type(part) is Edit for part in found):
        raise TypeError(
            f"the edit of layer {layer!r} is Ablate, Scale, Add, Clamp, Noise, Replace, Apply, a function or a list of "
            f"these, not {given!r}"
        )
    return [part for part in found if part is not None]


def _words(layer: str, edit: Edit) -> str:
    chosen = edit.selection.words
    return f"{chosen} of {layer} {edit.words}" if chosen else f"{layer} {edit.words}"


def _resolved(model: nn.Module, layer: str, edit: Edit, prepare: Prepare | None) -> Edit:
    """The edit with the numbers that it takes from images."""
    if isinstance(edit, Replace) and edit.image is not None:
        return edit.with_value(value_for(model, edit.image, layer, prepare))
    if isinstance(edit, Ablate) and edit.images is not None:
        return edit.with_mean(channel_means(model, edit.images, layer, prepare))
    return edit
