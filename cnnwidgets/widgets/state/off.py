"""Which channels of a network a view has switched off, as a trait and as edits."""

from __future__ import annotations

from typing import Any

from ...compute.core import whole
from ...compute.interventions import Ablate
from ...compute.reach import check_edited
from .traits import NotNone

Off = tuple[tuple[str, int], ...]


class ChannelsOff(NotNone):
    """(layer, channel) of each channel that is set to 0; the view says in `checked_layer` which layers there are."""

    default_value = ()
    info_text = 'pairs of layer and channel, such as (("C3", 7),)'

    def validate(self, obj: Any, value: Any) -> Any:
        """Pairs, each once."""
        try:
            pairs = [(layer, channel) for layer, channel in value]
        except (TypeError, ValueError):
            raise TypeError(f"{self.name} are {self.info_text}, not {value!r}") from None
        return tuple(dict.fromkeys(_checked(obj, *pair) for pair in pairs))


def channels_off(off: Off) -> dict[str, list[int]]:
    """Layer -> its channels that are off."""
    return {layer: [channel for name, channel in off if name == layer] for layer in dict(off)}


def switched(off: Off, layer: str, channel: int, to: bool | None = None) -> Off:
    """The same with a channel off (`to` is True) or on, by default the other way."""
    pair = (layer, channel)
    others = tuple(each for each in off if each != pair)
    return (*others, pair) if (pair not in off if to is None else to) else others


def edits_of(off: Off) -> dict[str, Ablate]:
    """As edits for a subject."""
    return {layer: Ablate(channels=channels) for layer, channels in channels_off(off).items()}


def edits_code(off: Off) -> str:
    """As the argument of `cw.intervene` in code."""
    parts = [f'"{layer}": cw.Ablate(channels={channels})' for layer, channels in channels_off(off).items()]
    return f"{{{', '.join(parts)}}}"


def _checked(view: Any, layer: Any, channel: Any) -> tuple[str, int]:
    row, found = view.checked_layer(layer), whole(channel)
    if row.operation:
        check_edited(view.subject.module, row.name)
    elif not row.module:
        raise LookupError(f"channels of {row.name!r} cannot be switched off: it is the network itself")
    if found is None:
        raise TypeError(f"a channel is a number, not {channel!r}")
    if not 0 <= found < row.channels:
        words = f"layer {row.name!r} has {row.channels}, 0 to {row.channels - 1}"
        raise IndexError(f"channel {found} is out of range: {words}")
    return row.name, found
