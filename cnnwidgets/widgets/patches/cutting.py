"""What a place that a scan found sees: its part of the image, by the exact receptive field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from ...compute.dataset import Item
from ...compute.evidence import Patch, patch_of
from ...compute.layers import Layer
from ...compute.receptive_field import ReceptiveField, fields_of, receptive_field
from ...compute.scan import Place
from ..state import Subject
from ..surface import markup
from .pictures import Pictures, Shown

FIELDS = 64
"""Receptive fields that are kept, one for each layer and size of image."""


@dataclass(frozen=True, eq=False)
class Example:
    """A place that was found, with what it sees.

    Attributes
    ----------
    rank : int
        From 0: how many of the kept places are stronger.
    place : Place
        As the scan found it.
    shown : Shown
        The image.
    patch : Patch or None
        What of it the place sees; None where that cannot be told.
    """

    rank: int
    place: Place
    shown: Shown
    patch: Patch | None

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Edges (top, left, bottom, right) of what is cut out: the whole picture where it is not known."""
        if self.patch is not None:
            return self.patch.box
        return (0, 0, 0, 0) if self.shown.pixels is None else (0, 0, *self.shown.pixels.shape[:2])

    @property
    def called(self) -> str:
        """`image 41 (seven)`."""
        return markup.pictured(self.place.image, self.shown.text)

    @property
    def edge(self) -> str:
        """Where it is clipped: `left 3, bottom 8 px`; empty for nowhere."""
        if self.patch is None or not self.patch.clipped:
            return ""
        sides = zip(("top", "left", "bottom", "right"), self.patch.beyond, strict=True)
        return f"{', '.join(f'{side} {pixels}' for side, pixels in sides if pixels)} px"


class Cutter:
    """Tells what places of a scan see; each image is read once, and each receptive field found once, while it is kept.

    Parameters
    ----------
    subject : Subject
        The network and its images.
    seed : int
        That of the scan: what is random in a transform is drawn alike.
    """

    def __init__(self, subject: Subject, seed: int) -> None:
        self._subject = subject
        self._pictures = Pictures(subject.items, seed)
        self._fields: LRUCache[Any, ReceptiveField | None] = LRUCache(FIELDS)

    def field(self, row: Layer, item: Item) -> ReceptiveField | None:
        """The receptive field of a layer for images of the size of `item`, whose layer table has `row`; None without.

        Raises what `fields_of` raises.
        """
        size = () if item.image is None else tuple(item.image.shape)
        if (key := (row.name, size)) not in self._fields:
            subject = self._subject
            self._fields[key] = (
                fields_of(subject.module, subject.items.batch(item), [row], prepare=subject.prepare)[0]
                if len(size) == 3
                else None
            )
        return self._fields[key]

    def example(self, row: Layer, channel: int, place: Place, rank: int) -> Example:
        """What a place of a channel sees; an image that cannot be read says why."""
        shown = self._pictures(place.image)
        field = self._field_for(row.name, shown.shape, place.image) if shown.placed else None
        return Example(rank, place, shown, None if field is None else patch_of(field, place, channel, row))

    def clear(self) -> None:
        """Forget all: the weights or the data may be others."""
        self._pictures.clear()
        self._fields.clear()

    def _field_for(self, layer: str, size: tuple[int, ...], index: int) -> ReceptiveField | None:
        """The same for images like image `index`, which may be of another size than the one that is looked at."""
        if (key := (layer, size)) not in self._fields:
            subject = self._subject
            images = subject.items.batch(self._pictures.item(index))
            self._fields[key] = receptive_field(subject.module, images, layer, prepare=subject.prepare)
        return self._fields[key]
