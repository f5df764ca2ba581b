"""What a map under the mouse sees: of the photo, and of the maps before it that fed it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..compute.core import get_layer
from ..compute.layers import Layer, LayerTable, drawable
from ..compute.overview import Edge, input_shares
from ..compute.receptive_field import ReceptiveField, fields_between, fields_of
from ..live import Portions
from ..widgets.state import REST, Memory, Snapshot, Subject

log = logging.getLogger("cnnwidgets")

NAMED = 3
"""Channels that are named as those that gave most."""
Box = list[float]
"""Left, top, right and bottom, as shares of the width and the height."""


class Hovered:
    """Receptive fields of the strongest places of maps, worked out ahead: a question runs nothing.

    The fields hold for all images for which the same layers put out the same shapes.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._memory = Memory()

    def lacks(self, snapshot: Snapshot, feeding: Sequence[Edge]) -> bool:
        """Whether there is anything to be worked out ahead."""
        return self._fields(snapshot) is None or self._between(snapshot, feeding) is None

    def prepare(self, snapshot: Snapshot, feeding: Sequence[Edge]) -> bool:
        """Work out the next part of it, in one or two passes; whether there is more."""
        known = snapshot.known
        run = self._subject.module, self._subject.items.batch(snapshot.item)
        given: Any = {"prepare": self._subject.prepare}
        if self._fields(snapshot) is None:
            rows = [row for row in known if row.reason is None and row.ran and row.batch_axis is not None]
            fields = _found(lambda: {each.layer: each for each in fields_of(*run, rows, **given)})
            self._memory.remember("fields", _key(known, snapshot), lambda: fields)
        elif self._between(snapshot, feeding) is None:
            pairs = [(source, target) for source, target in map(_layers, feeding) if source and target]
            between = _found(lambda: fields_between(*run, pairs, **given))
            self._memory.remember("between", self._between_key(snapshot, feeding), lambda: between)
        return self.lacks(snapshot, feeding)

    def forget(self) -> None:
        """Remember nothing."""
        self._memory.forget()

    def frame(self, snapshot: Snapshot, layer: Layer, channel: int) -> Box | None:
        """What the strongest place of a map can see of the image; None where that is not known."""
        field, place = (self._fields(snapshot) or {}).get(layer.name), _strongest(snapshot, layer, channel)
        return None if field is None or place is None else _box(field, place, channel)

    def fed(
        self, snapshot: Snapshot, layer: Layer, channel: int, stage: str, feeding: Sequence[Edge]
    ) -> list[dict[str, Any]]:
        """The stages that fed `stage`: which place of their maps, and which of these gave most.

        Returns
        -------
        list of dict
            `stage`; `box` as of `frame`, None where it is not known; `channels` that gave most, the first most, empty
            where they are not known; `text` on both.
        """
        fields, place = self._between(snapshot, feeding) or {}, _strongest(snapshot, layer, channel)
        found = []
        for edge in feeding:
            if edge.target.name != stage:
                continue
            source, _ = _layers(edge)
            field = None if source is None else fields.get((source.name, layer.name))
            box = None if field is None or place is None else _box(field, place, channel)
            shares = [] if source is None or box is None else self._shares(snapshot, source, layer, channel, place)
            channels = [each for each, _ in shares[:NAMED]]
            text = _words(field, place, channel, shares)
            found.append({"stage": edge.source.name, "box": box, "channels": channels, "text": text})
        return found

    def _fields(self, snapshot: Snapshot) -> Mapping[str, ReceptiveField] | None:
        found: Mapping[str, ReceptiveField] | None = self._memory.known("fields", _key(snapshot.known, snapshot))
        return found

    def _between(self, snapshot: Snapshot, feeding: Sequence[Edge]) -> Mapping[tuple[str, str], ReceptiveField] | None:
        key = self._between_key(snapshot, feeding)
        found: Mapping[tuple[str, str], ReceptiveField] | None = self._memory.known("between", key)
        return found if feeding else {}

    def _between_key(self, snapshot: Snapshot, feeding: Sequence[Edge]) -> tuple[Any, ...]:
        return (*_key(snapshot.known, snapshot), tuple((edge.source.name, edge.target.name) for edge in feeding))

    def _shares(
        self, snapshot: Snapshot, source: Layer, layer: Layer, channel: int, place: tuple[int, int] | None
    ) -> list[tuple[int, float]]:
        """How much of the number came from each map of `source`, where that went in as it is."""
        held = all(snapshot.cached(each.name) for each in (source, layer))
        if place is None or not held or layer.operation or (layer.layout, layer.kind) != ("first", "maps"):
            return []
        given, output = (snapshot.output(each.name)[None] for each in (source, layer))
        return input_shares(get_layer(self._subject.module, layer.module), given, output, channel, place)


def _found(work: Callable[[], Mapping[Any, ReceptiveField]]) -> Mapping[Any, ReceptiveField]:
    """What `work` finds; nothing where it fails: a frame that cannot be found is none, and is not looked for again."""
    try:
        return work()
    except Exception:
        log.info("receptive fields of a network could not be found", exc_info=True)
        return {}


def _layers(edge: Edge) -> tuple[Layer | None, Layer | None]:
    return edge.source.layer, edge.target.layer


def _key(known: LayerTable, snapshot: Snapshot) -> tuple[Any, ...]:
    return tuple(known.names), tuple(row.shape for row in known), snapshot.item.aspect


def _strongest(snapshot: Snapshot, layer: Layer, channel: int) -> tuple[int, int] | None:
    """Row and column of the largest magnitude; None where there is no map over the image, or it is not at hand."""
    if layer.kind not in ("maps", "tokens") or not layer.axes_known or not snapshot.cached(layer.name):
        return None
    map_ = drawable(snapshot.output(layer.name), layer, aspect=snapshot.item.aspect, plane=layer.planes // 2)[channel]
    row, column = divmod(int(map_.abs().nan_to_num(0).argmax()), map_.shape[1])
    return row, column


def _box(field: ReceptiveField, place: tuple[int, int], channel: int) -> Box | None:
    if not all(at < size for at, size in zip(place, field.grid, strict=True)):
        return None
    top, left, bottom, right = field.box(*place, channel=channel)
    height, width = field.image
    return [left / width, top / height, right / width, bottom / height] if right > left and bottom > top else None


def _words(
    field: ReceptiveField | None, place: tuple[int, int] | None, channel: int, shares: Sequence[tuple[int, float]]
) -> str:
    """`most: 3, 12, 7 (61%) · 5 × 5`: short, and what matters most first, as a narrow page cuts it off."""
    if field is None or place is None:
        return "feeds it"
    top, left, bottom, right = field.box(*place, channel=channel)
    size = f"{bottom - top} × {right - left} places"
    if not shares:
        return size
    if len(shares) == 1:
        return f"channel {shares[0][0]} · {size}"
    most = shares[:NAMED]
    return f"most: {', '.join(str(at) for at, _ in most)} ({sum(share for _, share in most):.0%}) · {size}"


class Prepared(Protocol):
    """A view that has something to work out ahead."""

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""

    @property
    def milliseconds(self) -> float:
        """Since the last drawing began."""

    def lacks(self) -> bool:
        """Whether there is anything to be worked out for what is seen now."""

    def work_ahead(self) -> bool:
        """Work out the next part; whether there is more."""


class Ahead:
    """Has a view work ahead between two cells, a part each; not soon after a drawing, and always for the newest state.

    Parameters
    ----------
    view : Prepared
        Which one.
    """

    def __init__(self, view: Prepared) -> None:
        self._view = view
        self._portions = Portions(self._portion)

    def start(self, *, soon: bool = False) -> bool:
        """Begin when nobody has moved anything for a moment, or `soon`; False without event loop (a script, a test)."""
        started = self._portions.start()
        if started and not soon:
            self._portions.hold()
        return started

    def stop(self) -> None:
        """Work out nothing more."""
        self._portions.stop()

    def _portion(self) -> bool:
        if self._view.closed:
            return False
        if self._view.milliseconds < REST:
            self._portions.hold()
            return True
        return self._view.lacks() and self._view.work_ahead()
