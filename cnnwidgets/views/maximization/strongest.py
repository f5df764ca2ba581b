"""The real images that fire a channel most: from a scan, or else the strongest of a sample."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch

from ...compute.core import ForwardError
from ...compute.dataset import channels_first
from ...compute.layers import Layer, activations, layer_table, one_image
from ...compute.receptive_field import ReceptiveField, receptive_field
from ...compute.scan import Place, Scan
from ...widgets.state import Subject

SAMPLED = 128
"""Images of a sample, evenly spread over the data set."""


@dataclass(frozen=True, eq=False)
class Strongest:
    """The strongest places of one channel.

    Attributes
    ----------
    places : sequence of Place
        The strongest first.
    statistic : str
        What their values are: `maximum`, `mean` or `norm` of the map.
    images : int
        Of how many images they are the strongest.
    source : str
        Where they come from, in words.
    field : ReceptiveField or None
        Which pixels each unit sees; None where that is not known, or all of the image.
    """

    places: Sequence[Place]
    statistic: str
    images: int
    source: str
    field: ReceptiveField | None


class Sample:
    """Runs images of a data set one by one, and keeps the largest value of each channel of a layer, and its place.

    Parameters
    ----------
    subject : Subject
        The network and its images.
    layer : Layer
        The layer.
    known : LayerScan, optional
        What a scan found for the layer: then no image is run.

    Attributes
    ----------
    done, total : int
        Images that were run, and that there are to run.
    skipped : dict of int to str
        Images that could not be read, and why.
    """

    def __init__(self, subject: Subject, layer: Layer, scan: Scan | None = None) -> None:
        self._subject, self._layer = subject, layer
        self._scan = scan if scan is not None and layer.name in scan else None
        count = len(subject.items)
        spread = range(0) if self._scan is not None else range(min(SAMPLED, count))
        self._indices = sorted({at * (count - 1) // max(1, len(spread) - 1) for at in spread})
        self._values: list[torch.Tensor] = []
        self._at: list[torch.Tensor] = []
        self._images: list[int] = []
        self._widths: list[int] = []
        self._field: ReceptiveField | None = None
        self._field_known = False
        self.done, self.total = 0, len(self._indices)
        self.skipped: dict[int, str] = {}

    @property
    def words(self) -> str:
        """How far it is, and what could not be read; empty for nothing to say."""
        found = [] if self.complete else [f"{self.done:,} of {self.total:,} images run"]
        if self.skipped:
            why = next(iter(self.skipped.values()))
            found.append(f"{len(self.skipped):,} skipped: {why}")
        return "; ".join(found)

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to run."""
        return self.done == self.total and self._field_known

    def step(self, seconds: float | None = None) -> None:
        """Run some images, for about so long, at least one; or find out which pixels the units see."""
        until = None if seconds is None else time.monotonic() + seconds
        if self.done == self.total:
            self._find_field()
        while self.done < self.total:
            self.done += 1  # first: an image that raises is not tried again
            self._take(self._indices[self.done - 1])
            if until is not None and time.monotonic() >= until:
                break

    def of(self, channel: int, count: int) -> Strongest | None:
        """The `count` strongest places of a channel as far as they are known; None before the first image."""
        if self._scan is not None:
            found = self._scan[self._layer.name]
            source = "by the scan of the data set"
            places = found.strongest(channel)[:count]
            return Strongest(places, self._scan.statistic, self._scan.done, source, self._field)
        if not self._values:
            return None
        values = torch.stack([each[channel] for each in self._values])
        order = values.argsort(descending=True, stable=True)[:count].tolist()
        places = []
        for at in order:
            row, column = divmod(int(self._at[at][channel]), self._widths[at])
            places.append(Place(float(values[at]), self._images[at], row, column))
        total = len(self._subject.items)
        source = (
            "of all images" if len(self._images) + len(self.skipped) == total else f"of {total:,} images, evenly spread"
        )
        return Strongest(places, "maximum", len(self._images), source, self._field)

    def _take(self, index: int) -> None:
        subject, name = self._subject, self._layer.name
        try:
            batch = subject.items.batch(subject.items[index])
        except Exception as error:  # whatever a data set raises
            self.skipped[index] = str(error)
            return
        with suppress(ForwardError, LookupError):  # an image for which the layer does not run
            output = activations(subject.model, batch, name, prepare=subject.prepare)
            row = self._layer
            if tuple(output.shape[1:]) != row.shape and row.kind != "vector":  # an image of another size
                row = layer_table(subject.model, batch, operations=False, prepare=subject.prepare).find(name)
            values, places = channels_first(one_image(output, row), row).nan_to_num(-torch.inf).max(1)
            self._values.append(values)
            self._at.append(places)
            self._images.append(index)
            self._widths.append(row.size[-1] if row.kind != "vector" and row.size else 1)

    def _find_field(self) -> None:
        self._field_known = True
        subject = self._subject
        try:
            item = subject.items[self._images[0] if self._images else 0]
        except Exception:  # whatever a data set raises
            return
        if self._layer.kind != "maps" or item.image is None:
            return
        with suppress(LookupError, TypeError, ValueError, ForwardError):
            given = item.image if subject.prepare is None else item.raw
            found = receptive_field(subject.model, given, self._layer.name, prepare=subject.prepare)
            self._field = None if found.everything else found
