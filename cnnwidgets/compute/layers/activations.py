"""The outputs of the layers of a network for given images."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, overload

import torch
from cachetools import LRUCache
from torch import nn

from ..axes import Evidence, Roles, following_axes
from ..core import (
    Captured,
    Prepare,
    call,
    capture,
    check_numbers,
    find_layer,
    module_names,
    plain,
    same_random_state,
    settings_version,
    unknown_layer,
)
from ..inputs import as_batch
from ..shadow import Known, looking, recalled
from .operations import Trace, run_operations, trace


@overload
def activations(model: nn.Module, images: Any, layers: str, *, prepare: Prepare | None = None) -> torch.Tensor: ...
@overload
def activations(
    model: nn.Module, images: Any, layers: Iterable[str] | None = None, *, prepare: Prepare | None = None
) -> dict[str, torch.Tensor]: ...
def activations(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str] | None = None,
    *,
    prepare: Prepare | None = None,
) -> torch.Tensor | dict[str, torch.Tensor]:
    """Output of layers for `images`, in one forward pass that ends as soon as the last of them has run.

    The model runs in evaluation mode without gradients and is left unchanged: training flags, weights, buffers, hooks
    and the global random state.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    images : torch.Tensor or array
        (N, C, H, W), or (C, H, W) for a single one; signals, volumes and lists too, as `as_batch` says. Copied to the
        model's device and type. Bytes become [0, 1]. Any object if `prepare` is given.
    layers : str, iterable of str or None
        Names as in `layer_table`. `"name"` is the first call of that module, `"name:2"` its second; `"name.key"` one
        tensor of several; `"add_3"` an operation of the graph that `torch.fx` traces. None for every module that runs.
        A further name of a module that stands in several places is taken where the module runs once.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model: a tuple, a dict of keywords, or one value.

    Returns
    -------
    torch.Tensor or dict of str to torch.Tensor
        For one name (a string) its output, (N, C', H', W') for a convolution, unscaled, on the model's device;
        otherwise name -> output. They are copies: later in-place operations do not change them.

    Raises
    ------
    LookupError
        A name is not a layer, or the layer did not run, returns several tensors, or runs several times and the name
        does not say which of them.
    ForwardError
        The model raised an error; the message names the layer and its input.
    TypeError
        `model` is not a module.
    ValueError
        Its weights are on the meta device; `layer_table` tells the shapes all the same.
    """
    check_numbers(model)
    if layers is None:
        return dict(run(model, images, prepare=prepare))
    wanted = [layers] if isinstance(layers, str) else list(layers)
    module = plain(model)
    known, modules, traced = module_names(module), [], None
    if isinstance(module, torch.jit.ScriptModule):  # its modules run outside Python
        known = {"": ""}
    for name in wanted:
        try:
            find_layer(known, name)
            modules.append(name)
        except LookupError:
            traced = traced or trace(model)
            operations = [operation.name for operation in traced.operations]
            if name not in operations:
                raise unknown_layer(name, [*filter(None, known), *operations]) from None
    found: dict[str, torch.Tensor] = {}
    if modules:
        captured = run(model, images, modules, prepare=prepare)
        found = {name: captured[name] for name in modules}
    if traced is not None:
        missing = [name for name in wanted if name not in found]
        outputs, _ = run_operations(model, traced, batched(model, images, prepare), missing, prepare=prepare)
        if silent := [name for name in missing if name not in outputs]:
            raise LookupError(f"operation {silent[0]!r} returns no tensor in this pass")
        found |= outputs
    return found[layers] if isinstance(layers, str) else {name: found[name] for name in wanted}


def run(
    model: nn.Module,
    images: Any,
    layers: list[str] | None = None,
    *,
    inputs: bool = False,
    prepare: Prepare | None = None,
    budget: int | None = None,
    device: torch.device | str | None = None,
    known: Mapping[str, Known] | None = None,
) -> Captured:
    """Run one pass in evaluation mode and return the captured outputs with their metadata.

    Modules whose output is `known` are not run again.
    """
    images = batched(model, images, prepare)
    with (
        looking(model, layers) as module,
        recalled(module, known or {}),
        capture(module, layers, stop=layers is not None, inputs=inputs, budget=budget, device=device) as captured,
    ):
        output = call(module, images, prepare)
        if isinstance(module, torch.jit.ScriptModule) and layers is None:
            captured.see("", module, output)
    captured.belong_to(plain(model))
    return captured


def batched(model: nn.Module, images: Any, prepare: Prepare | None) -> Any:
    """What the model is run on; for `prepare`, `images` as they are."""
    return as_batch(plain(model), images) if prepare is None else images


def arguments_of(model: nn.Module, images: Any, prepare: Prepare | None) -> tuple[Any, Prepare | None]:
    """What the model is run on, and a `prepare` that hands it over: for code that must see the very same tensors."""
    if prepare is None:
        return batched(model, images, None), None
    with same_random_state():
        given = prepare(images)
    return given, lambda arguments: arguments


class Axes:
    """What tells the layouts of the outputs of `model` for `images`; a pass follows their axes where sizes do not.

    What that pass finds is kept as long as the layers, their shapes and settings stay the same.
    """

    def __init__(self, model: nn.Module, images: Any, prepare: Prepare | None = None) -> None:
        self.model, self.images, self.prepare = plain(model), images, prepare

    def of_layers(self, captured: Captured) -> Evidence:
        """For the layers, in the order of a pass."""

        def measure() -> Mapping[str, tuple[Roles, ...]]:
            form = tuple((captured.name(seen), seen.shape) for seen in captured.seen)
            names = [name for (name, _), seen in zip(form, captured.seen, strict=True) if seen.reason is None]
            return self._measured(form, names, None)

        return Evidence(self._image(), measure)

    def of_operations(self, traced: Trace, outputs: Mapping[str, torch.Tensor]) -> Evidence:
        """For the operations among them."""
        form = tuple((name, tuple(output.shape)) for name, output in outputs.items())
        return Evidence(self._image(), partial(self._measured, form, list(outputs), traced))

    def _image(self) -> list[tuple[tuple[int, ...], Any]]:
        tensor = self.prepare is None and isinstance(self.images, torch.Tensor)
        return [(tuple(self.images.shape[1:]), "first")] if tensor else []

    def _measured(self, form: Any, names: list[str], traced: Trace | None) -> Mapping[str, tuple[Roles, ...]]:
        kept = _measured.setdefault(self.model, LRUCache(32))
        key = (form, self.prepare is None, settings_version(self.model))
        if key not in kept:
            try:
                kept[key] = self._follow(names, traced)
            except Exception:  # whatever a model does that a mode of torch cannot follow
                kept[key] = {}
        return kept[key]

    def _follow(self, names: list[str], traced: Trace | None) -> dict[str, tuple[Roles, ...]]:
        given, as_it_is = arguments_of(self.model, self.images, self.prepare)
        with following_axes(given, batched=self.prepare is None) as mode:
            if traced is not None:
                outputs, _ = run_operations(self.model, traced, given, names, prepare=as_it_is)
            else:
                captured = run(self.model, given, prepare=as_it_is, device="meta")
                outputs = {name: captured[name] for name in names}
            return {name: mode.roles(output) for name, output in outputs.items()}


_measured: weakref.WeakKeyDictionary[nn.Module, LRUCache[Any, Mapping[str, tuple[Roles, ...]]]]
_measured = weakref.WeakKeyDictionary()
