"""What an InterventionView does to a layer: channels replaced, others multiplied; as edits, in words, and as code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from ...compute.core import shortened, whole
from ...compute.interventions import Ablate, Edit, Edits, Replace, Scale, norms_behind
from ...compute.layers import Layer
from ...widgets.state import Subject
from ...widgets.surface import number

REPLACES = ("zero", "mean", "image")
AVERAGED = 16
"""Images of the data set, the first ones, over which the mean of a channel is taken."""
Gains = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Switches:
    """Which channels of a layer are off, what is there instead, and by what the others are multiplied.

    Attributes
    ----------
    layer : str
        Its name.
    off : tuple of int
        Channels that are replaced.
    gains : tuple of (int, float)
        Channel and factor; of a channel that is off, nothing is left to multiply.
    replace : str
        `zero`, `mean` or `image`.
    """

    layer: str
    off: tuple[int, ...]
    gains: Gains
    replace: str

    @property
    def live(self) -> Gains:
        """The gains of the channels that are not off."""
        return tuple(gain for gain in self.gains if gain[0] not in self.off)

    @property
    def removing(self) -> bool:
        """Whether a channel becomes 0."""
        return bool(self.off and self.replace == "zero") or any(factor == 0 for _, factor in self.live)

    def edits(self, instead: torch.Tensor | None) -> Edits:
        """As edits of the layer; empty for none. `instead` is as `replacement` gives it."""
        found: list[Edit] = []
        if self.off:
            if instead is None:
                found.append(Ablate(channels=self.off))
            elif self.replace == "mean":
                found.append(Ablate(instead, channels=self.off))
            else:
                found.append(Replace(instead, channels=self.off))
        found += [Scale(factor, channels=channel) for channel, factor in self.live]
        return {self.layer: found} if found else {}

    def words(self, instead: str) -> str:
        """In a line; `instead` says what replaces a channel."""
        parts = []
        if self.off:
            parts.append(f"{'channel' if len(self.off) == 1 else 'channels'} {shortened(self.off)} {instead}")
        parts += [f"channel {channel} × {number(factor)}" for channel, factor in self.live]
        return ", ".join(parts) or "nothing switched off"

    def code(self, other: str) -> str:
        """As the argument of `cw.intervene`; `other` is code for the other image. Not for the mean."""
        off = f"channels={list(self.off)}"
        first = [f"cw.Replace(image={other}, {off})" if self.replace == "image" else f"cw.Ablate({off})"]
        parts = (first if self.off else []) + [f"cw.Scale({factor}, channels={at})" for at, factor in self.live]
        return f'{{"{self.layer}": [{", ".join(parts)}]}}'


def replacement(subject: Subject, row: Layer, replace: str, other: int) -> torch.Tensor | None:
    """What replaces the channels of a layer: None for 0, the mean of each (C,), or the output for image `other`."""
    if replace == "image":
        return subject.at(other).output(row.name)
    if replace == "zero":
        return None
    total, count = torch.zeros(row.channels, dtype=torch.float64), 0
    for index in range(min(AVERAGED, len(subject.items))):
        snapshot = subject.at(index)
        values = by_channel(snapshot.output(row.name), snapshot.find(row.name)).reshape(row.channels, -1)
        total, count = total + values.double().sum(1), count + values.shape[1]
    return (total / max(1, count)).float()


def unfit_words(instead: torch.Tensor | None, output: torch.Tensor, switches: Switches, other: int, index: int) -> str:
    """Why a layer's output for the other image cannot stand in its `output` for this one; empty where it can."""
    if switches.replace != "image" or instead is None or instead.shape == output.shape:
        return ""
    one, two = (" x ".join(map(str, each.shape)) for each in (instead, output))
    return (
        f"nothing of image {other} is carried over: {switches.layer} gives {one} numbers for it and {two} for image "
        f"{index}; choose an image of the same size"
    )


def norms_of(subject: Subject, row: Layer) -> list[str]:
    """Names of the norms behind a layer that make another number of a channel that is set to 0."""
    if row.operation:
        return norms_behind(subject.module, row.name)
    return norms_behind(subject.module, row.module, row.call or 1)


def by_channel(output: torch.Tensor, row: Layer) -> torch.Tensor:
    """One image's output of a layer with the channels in the first axis."""
    last = row.kind == "tokens" or row.layout == "last"
    return output.movedim(-1, 0) if last and output.ndim > 1 else output


def checked_off(given: Any, count: int, layer: str) -> tuple[int, ...]:
    """Channels in ascending order; raises for what is no channel of the layer."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"off are numbers of channels, such as (3, 7), not {given!r}")
    return tuple(sorted({_channel(each, count, layer) for each in given}))


def checked_gains(given: Any, count: int, layer: str) -> Gains:
    """(channel, factor) in ascending order, without factors of 1; raises for what is none."""
    words = f"gains are pairs of channel and factor, such as ((3, 0.5),), not {given!r}"
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(words)
    found = {}
    for each in given:
        if not isinstance(each, (tuple, list)) or len(each) != 2:
            raise TypeError(words)
        channel, factor = _channel(each[0], count, layer), each[1]
        Scale(factor)  # says what is wrong with it
        found[channel] = float(factor)
    return tuple((channel, found[channel]) for channel in sorted(found) if found[channel] != 1)


def _channel(given: Any, count: int, layer: str) -> int:
    found = whole(given)
    if found is None:
        raise TypeError(f"a channel is a number, not {given!r}")
    if not 0 <= found < count:
        raise IndexError(f"channel {found} is out of range: layer {layer!r} has {count}, 0 to {count - 1}")
    return found
