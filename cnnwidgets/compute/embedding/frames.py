"""Successive states of a network and the outputs of its layers in each: models, state dicts, or a recording."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from ..core import check_numbers, plain, weights_version
from ..dataset import Items, channels_first, checked_pooling, item_responses, pooled
from ..layers import LayerTable, layer_table, one_image


class States(Protocol):
    """What a view of several states needs."""

    names: list[str]
    """Name of each state: `epoch 3, batch 468`."""
    layers: LayerTable
    """The layers that can be chosen."""
    items: Items
    """The images for which there are outputs."""

    @property
    def version(self) -> int:
        """A number that changes whenever the outputs may have changed."""

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P) as `responses` in this package: N images, C channels, P positions."""


class ModelStates:
    """One model, several of one class, or one with several state dicts; none is changed.

    Parameters
    ----------
    models : torch.nn.Module or sequence of them
        In training order.
    items : Items
        The images.
    states : sequence of mappings, optional
        State dicts of the one model, in training order.
    layers : LayerTable, optional
        Of the first model and the first image, where it is known; by default one pass finds it.

    Raises
    ------
    TypeError, ValueError
        There is no model, `states` are given with several models, or a state dict does not fit.
    """

    def __init__(
        self,
        models: nn.Module | Sequence[nn.Module],
        items: Items,
        states: Sequence[Mapping[str, Any]] | None = None,
        *,
        layers: LayerTable | None = None,
    ) -> None:
        listed: list[Any] = list(models) if isinstance(models, (list, tuple)) else [models]
        if not listed:
            raise ValueError("there is no model in the list")
        self._models = [plain(model) for model in listed]
        for model in self._models:
            check_numbers(model)
        self.items, self._states = items, None if states is None else list(states)
        kind, count = "model", len(listed)
        if self._states is not None:
            if count > 1 or not self._states:
                raise ValueError(f"states are those of one model; there are {count} models, {len(self._states)} states")
            kind, count = "state", len(self._states)
            self._models = [copy.deepcopy(self._models[0])]
            for number in range(count):
                self._model(number)
        self.names = [f"{kind} {number}" for number in range(count)]
        if layers is None:
            layers = layer_table(self._models[0], items.batch(items[0]), prepare=items.prepare)
        # what does not depend on the image has the same vector for all
        self.layers = LayerTable([row for row in layers.showable if row.depends], layers.note)

    @property
    def version(self) -> int:
        """A number that changes whenever weights change."""
        return 0 if self._states is not None else hash(tuple(map(weights_version, self._models)))

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P): output of `layer` in state `frame` for N images."""
        return item_responses(self._model(frame), self.items, indices, self.layers.find(layer), pooling=pooling)

    def _model(self, frame: int) -> nn.Module:
        if self._states is None:
            return self._models[frame]
        try:
            self._models[0].load_state_dict(self._states[frame])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ValueError(f"state {frame} does not fit {type(self._models[0]).__name__}: {error}") from error
        return self._models[0]


class RecordedStates:
    """The frames of a `Recording`: any object with `frames`, `layers`, `probes`, `labels` and `maps(frame, layer)`."""

    def __init__(self, recording: Any) -> None:
        self._recording = recording
        labels = list(recording.labels)
        probes = recording.probes
        dataset: Any = list(zip(probes, labels, strict=True)) if labels else probes
        classes, undo = getattr(recording, "classes", None), getattr(recording, "normalization", None)
        self.items = Items(dataset, classes=classes or None, denormalize=undo)
        self.names = [getattr(frame, "name", f"frame {at}") for at, frame in enumerate(recording.frames)]
        self.layers: LayerTable = recording.layers

    @property
    def version(self) -> int:
        """Number of frames; it grows as training continues."""
        return len(self._recording.frames)

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P): output of `layer` for N probes in `frame`."""
        checked_pooling(pooling)
        output, row = self._recording.maps(frame, layer), self.layers.find(layer)
        return torch.stack([pooled(channels_first(one_image(output, row, at), row), pooling) for at in indices])


def states_of(source: Any, dataset: Any = None, *, states: Any = None, **options: Any) -> States:
    """The states in `source`; `options` are passed to `Items`.

    Raises
    ------
    TypeError, ValueError
        `source` is not a model, list of models or recording; or a model is given without a data set.
    """
    if hasattr(source, "frames") and hasattr(source, "maps"):
        if dataset is not None or states is not None:
            raise TypeError("a recording has its own images: give no data set and no states with it")
        return RecordedStates(source)
    if dataset is None:
        raise TypeError(f"{type(source).__name__} needs a data set: the images whose vectors are shown")
    first = source[0] if isinstance(source, (list, tuple)) and source else source
    model = first if isinstance(first, nn.Module) else None  # anything else is refused with the models
    return ModelStates(source, Items(dataset, model=model, **options), states)
