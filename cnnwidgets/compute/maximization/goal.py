"""What pictures are to drive: a channel, a unit, a class or a direction of a layer."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import nn

from ..core import OUTPUT, ForwardError, Prepare, call, capture, describe, hand_over, listing, whole
from ..layers import Layer, layer_table
from ..receptive_field import fields_of
from ..scoring import Scorer
from ..shadow import looking

PlaceOf = str | int | tuple[int, ...] | None


class Driven(NamedTuple):
    """What N pictures give, with gradients where these are enabled."""

    activation: torch.Tensor
    """(N,): what is driven."""
    maps: torch.Tensor
    """(N, ...): what it is the mean or one place of."""
    features: torch.Tensor
    """(N, C, P): all channels at all places, by which pictures are compared."""


class Goal:
    """Reads from a pass what is driven.

    Parameters
    ----------
    model : torch.nn.Module
        The plain module.
    batch : torch.Tensor
        (1, C, H, W): a picture, to find out what the layer puts out for such.
    layer : str, optional
        The layer; None with `target`.
    channel : int, optional
        A channel, unit or token feature of it.
    direction : torch.Tensor, optional
        (C,) instead: the channels are weighted by it, at length 1.
    target : int, optional
        A class instead: its score before softmax.
    place : None, "centre", int or tuple of int
        The mean over all places, or one place of the map.
    prepare : callable, optional
        As for `maximize`.

    Raises
    ------
    LookupError, IndexError, TypeError, ValueError
        As for `maximize`.
    """

    def __init__(
        self,
        model: nn.Module,
        batch: torch.Tensor,
        layer: str | None,
        channel: int | None,
        direction: Any,
        target: int | None,
        place: PlaceOf,
        prepare: Prepare | None,
    ) -> None:
        options = {"channel": channel, "direction": direction, "target": target}
        given = [name for name, value in options.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give one of channel, direction and target, not {listing(given) or 'none of them'}")
        if (layer is None) != (target is not None):
            raise ValueError(
                "target is a class of the network: leave layer out" if layer else f"{given[0]} needs a layer"
            )
        self.layer, self._prepare = layer, prepare
        instead = "give a layer and a channel of it in place of target"
        self._scorer = Scorer(model, layer=None, score="logit", prepare=prepare, instead=instead)
        self._row: Layer | None = None
        self._whole = False  # a network of TorchScript as its own layer, which no hook sees
        self.weights: torch.Tensor | None = None
        size: tuple[int, ...] = ()
        if layer is None:
            self.channel = _number("target", target)
            self.words = f"class {self.channel}"
            with looking(model) as shadow:
                self._check(self._scorer.read(_pass(shadow, batch, prepare)))
        else:
            row = self._row = _checked(layer_table(model, batch, operations=False, prepare=prepare).find(layer), model)
            self._whole = isinstance(model, torch.jit.ScriptModule)
            self.layer, size = row.name, () if row.kind == "vector" else row.size
            self.channel = 0 if channel is None else _number("channel", channel)
            if not 0 <= self.channel < row.channels:
                raise IndexError(f"layer {row.name!r} has the channels 0 to {row.channels - 1}, not {channel!r}")
            self.words = f"{'unit' if row.kind == 'vector' else 'channel'} {self.channel} of {row.name}"
            if direction is not None:
                self.weights, self.words = _direction(direction, row), f"a direction of {row.name}"
        self._place = _placed(place, size)

    @property
    def until(self) -> list[str] | None:
        """The layers after which a pass may end; None for a whole one."""
        return None if self.layer is None or self._whole else [self.layer]

    def seen(self, model: nn.Module, batch: torch.Tensor) -> float:
        """The longer side in pixels of what a unit sees of such a picture; all of it where that is not known."""
        most = float(max(batch.shape[-2:]))
        if self._row is None:
            return most
        with suppress(ForwardError, LookupError, TypeError, ValueError):
            size = fields_of(model, batch, [self._row], prepare=self._prepare)[0].size
            return min(most, max(size) if isinstance(size, tuple) else size) or most
        return most

    def __call__(self, shadow: nn.Module, images: torch.Tensor) -> Driven:
        """What `images` (N, C, H, W) give in a pass of the network that is looked at.

        Raises
        ------
        ForwardError
            The network raised an error.
        ValueError
            What it gives are no class scores, or not one result for each picture.
        """
        count = len(images)
        if self._row is None:
            scores = self._scorer.read(_pass(shadow, images, self._prepare))
            self._check(scores)
            found = scores[..., None]
        elif self._whole:
            found = _by_channel(_pass(shadow, images, self._prepare), self._row)
        else:
            assert self.layer is not None
            with capture(shadow, self.layer, stop=True, attached=True) as captured:
                _pass(shadow, images, self._prepare)
            found = _by_channel(captured[self.layer], self._row)
        if len(found) != count:
            raise ValueError(
                f"for {count} pictures {self.layer or 'the network'} gives {describe(found)}, not one each"
            )
        if self.weights is not None:
            maps = torch.einsum("c,nc...->n...", self.weights.to(found), found)
        else:
            maps = found[:, self.channel]
        flat = maps.reshape(count, -1)
        return Driven(flat.mean(1) if self._place is None else flat[:, self._place], maps, found.flatten(2))

    def _check(self, scores: torch.Tensor) -> None:
        if not 0 <= self.channel < scores.shape[1]:
            raise ValueError(f"no target {self.channel}; allowed: 0 to {scores.shape[1] - 1}")


def _pass(shadow: nn.Module, images: torch.Tensor, prepare: Prepare | None) -> Any:
    """A pass whose gradients reach `images`, which `call` would copy."""

    def run(_: Any) -> Any:
        own = images.clone()  # a network may write to its input
        return shadow(own) if prepare is None else hand_over(shadow, prepare(own))

    return call(shadow, images[:0].detach(), run=run)


def _by_channel(output: torch.Tensor, row: Layer) -> torch.Tensor:
    """(N, C, ...): the images first, then the channels."""
    assert row.batch_axis is not None
    output = output.abs() if output.is_complex() else output.float()
    output = output.movedim(row.batch_axis, 0)
    if row.kind == "vector":
        return output.reshape(len(output), row.channels, -1)
    return output.movedim(-1, 1) if row.layout == "last" else output


def _checked(row: Layer, model: nn.Module) -> Layer:
    if row.reason is not None:
        raise LookupError(f"layer {row.name!r} cannot be driven: it {row.reason}")
    if row.batch_axis is None or not row.depends:
        raise LookupError(f"layer {row.name!r} cannot be driven: it does not give one result for each picture")
    if row.name != OUTPUT and isinstance(model, torch.jit.ScriptModule):
        raise LookupError(f"layer {row.name!r} cannot be driven: it is within TorchScript; target= drives a class")
    return row


def _number(name: str, value: Any) -> int:
    number = whole(value)
    if number is None:
        raise TypeError(f"{name} is a whole number, not {value!r}")
    return number


def _direction(direction: Any, row: Layer) -> torch.Tensor:
    weights = torch.as_tensor(direction).detach().float().cpu().reshape(-1)
    if len(weights) != row.channels:
        raise ValueError(f"direction has {len(weights)} numbers, and layer {row.name!r} {row.channels} channels")
    if not weights.isfinite().all() or not weights.any():
        raise ValueError("direction must be of finite numbers, not all of them 0")
    return weights / weights.norm()


def _placed(place: Any, size: tuple[int, ...]) -> int | None:
    """The number of a place in a flattened map; None for the mean over all."""
    if place is None:
        return None
    if place == "centre":
        at = tuple(side // 2 for side in size)
    elif isinstance(place, str):
        raise ValueError(f"place is None, 'centre', or where in the map, not {place!r}")
    else:
        given = [whole(each) for each in (place if isinstance(place, (tuple, list)) else [place])]
        if any(each is None for each in given):
            raise TypeError(f"place is None, 'centre', or where in the map, not {place!r}")
        at = tuple(each for each in given if each is not None)
    if len(at) != len(size) or not all(0 <= each < side for each, side in zip(at, size, strict=True)):
        raise IndexError(f"place {place!r} is not in a map of {' x '.join(map(str, size)) or 'a single number'}")
    found = 0
    for each, side in zip(at, size, strict=True):
        found = found * side + each
    return found
