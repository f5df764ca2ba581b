"""States of a network one after another, and what its layers answer in each: models, state dicts, or a recording."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from .forward import Prepare
from .items import Items
from .layers import LayerTable
from .model import plain, weights_version
from .responses import channels_first, checked_pooling, pooled, responses
from .table import layer_table, one_image


class Frames(Protocol):
    """What a view of many states needs to know."""

    names: list[str]
    """Of each state: `epoch 3, batch 468`."""
    layers: LayerTable
    """Those that can be chosen."""
    items: Items
    """The images that there are answers for."""

    @property
    def version(self) -> int:
        """Another number whenever the answers may be others."""

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P) as `responses` in this package: N images, C channels, P places."""


class ModelFrames:
    """One model, several of one kind, or one with several state dicts; none is changed.

    Parameters
    ----------
    models : torch.nn.Module or sequence of them
        In the order of the training.
    items : Items
        The images.
    states : sequence of mappings, optional
        State dicts of the one model, in the order of the training.

    Raises
    ------
    TypeError, ValueError
        There is no model, `states` come with several, or a state does not fit.
    """

    def __init__(
        self, models: nn.Module | Sequence[nn.Module], items: Items, states: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        listed: list[Any] = list(models) if isinstance(models, (list, tuple)) else [models]
        if not listed:
            raise ValueError("there is no model in the list")
        self._models = [plain(model) for model in listed]
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
        item = items[0]
        table = layer_table(self._models[0], _given(item, items.prepare), prepare=items.prepare)
        self.layers = table.showable

    @property
    def version(self) -> int:
        """Another number whenever weights were changed."""
        return 0 if self._states is not None else hash(tuple(map(weights_version, self._models)))

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P): what `layer` of state `frame` answers to N images."""
        return responses(self._model(frame), self.items, indices, self.layers.find(layer), pooling=pooling)

    def _model(self, frame: int) -> nn.Module:
        if self._states is None:
            return self._models[frame]
        try:
            self._models[0].load_state_dict(self._states[frame])
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ValueError(f"state {frame} does not fit {type(self._models[0]).__name__}: {error}") from error
        return self._models[0]


class RecordedFrames:
    """The frames of a `Recording`: of what has `frames`, `layers`, `probes`, `labels` and `maps(frame, layer)`."""

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
        """Number of frames: more come as the training goes on."""
        return len(self._recording.frames)

    def responses(self, frame: int, layer: str, indices: Sequence[int], pooling: str) -> torch.Tensor:
        """(N, C, P): what `layer` answered to N probes in `frame`."""
        checked_pooling(pooling)
        output, row = self._recording.maps(frame, layer), self.layers.find(layer)
        return torch.stack([pooled(channels_first(one_image(output, row, at), row), pooling) for at in indices])


def frames_of(source: Any, dataset: Any = None, *, states: Any = None, **options: Any) -> Frames:
    """The states that `source` holds; `options` are those of `Items`.

    Raises
    ------
    TypeError, ValueError
        `source` is no model, list of models or recording; or a model comes without a data set.
    """
    if hasattr(source, "frames") and hasattr(source, "maps"):
        if dataset is not None or states is not None:
            raise TypeError("a recording has its own images: give no data set and no states with it")
        return RecordedFrames(source)
    if dataset is None:
        raise TypeError(f"{type(source).__name__} needs a data set: the images whose vectors are shown")
    return ModelFrames(source, Items(dataset, **options), states)


def _given(item: Any, prepare: Prepare | None) -> Any:
    return item.image if prepare is None else item.raw
