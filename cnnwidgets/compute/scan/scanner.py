"""A scan that is on its way: it can be drawn, stopped and taken up again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..core import Prepare, check_numbers, plain, same_random_state, weights_version, whole
from ..dataset import Item, Items, OutputNames
from ..predictions import Gathered
from ..reading import Ahead, Batch, Reader, batches, checked_part, visiting_order
from . import storage
from .identity import difference, key_of
from .layer_scan import LayerScan
from .measured import Measured, absent, together
from .measuring import STATISTICS
from .result import Scan
from .tally import Tally, framed_alike
from .watching import Found, Watch, chosen_layers, most_at_once

FIRST = 32
"""So many images fix the edges of the histograms, whatever the batch size."""
ERRORS = ("raise", "skip")
TURN = 0.3
"""Seconds for which the network is kept from others; a look waits so long at most, and for one batch."""


class Scanner:
    """Goes through a data set batch by batch; each step gives what has been found so far.

    Iterate for partial scans; leave the loop to stop, iterate again to go on.

    Parameters
    ----------
    model, dataset, layers, **options
        As for `scan`.

    Attributes
    ----------
    done, total : int
        Images of this part that have been visited, and that there are.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Any,
        layers: Sequence[str] | str | None = None,
        *,
        k: int = 16,
        statistic: str = "maximum",
        per_image: int = 1,
        bins: int = 32,
        batch_size: int = 32,
        seed: int | None = 0,
        part: tuple[int, int] = (0, 1),
        on_error: str = "raise",
        classes: Sequence[str] | None = None,
        prepare: Prepare | None = None,
        predictions: bool = True,
        workers: int | None = None,
    ) -> None:
        for name, value in {"k": k, "per_image": per_image, "bins": bins, "batch_size": batch_size}.items():
            if (number := whole(value)) is None or number < 1:
                raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}")
        if (number := whole(workers or 0)) is None or number < 0:
            raise ValueError(f"workers must be a whole number, 0 (read in this process) or more, not {workers!r}")
        if statistic not in STATISTICS:
            raise ValueError(f"statistic is {', '.join(STATISTICS[:-1])} or {STATISTICS[-1]}, not {statistic!r}")
        if on_error not in ERRORS:
            raise ValueError(f"on_error is {' or '.join(ERRORS)}, not {on_error!r}")
        if per_image > 1 and statistic != "maximum":
            raise ValueError(f"per_image={per_image} needs statistic='maximum': an image has one {statistic}")
        if seed is not None and whole(seed) is None:
            raise TypeError(f"seed is a whole number, or None for the order of the data set, not {seed!r}")
        check_numbers(model)
        self._module, self._prepare = plain(model), prepare
        skips = on_error == "skip"
        self._items = Items(dataset, classes=classes, prepare=prepare, model=model)
        self._names = OutputNames(self._module, self._items)
        self._reader = Reader(self._items, seed or 0, skips=skips)
        self._batch_size, self._workers = batch_size, number
        part = checked_part(part)
        options: dict[str, Any] = {"statistic": statistic, "k": k, "per_image": per_image}
        self._options: dict[str, Any] = {**options, "bins": bins, "seed": seed}
        with same_random_state():
            first = self._reader.first(visiting_order(len(self._items), seed), FIRST)
            wanted = [layers] if isinstance(layers, str) else None if layers is None else list(layers)
            images = [self._items.batch(item) for _, item in first]
            self._rows = chosen_layers(model, images, wanted, prepare)
            self._most = most_at_once(model, images[0], self._rows, prepare, batch_size)
            self._watch = Watch(model, self._rows, prepare, to_end=bool(predictions), skips=skips, **options)
            framed = self._frames(first)
        self._framed, self._spans, start = Tally.of(list(framed.values())), {}, 0
        for name, tally in framed.items():
            self._spans[name] = slice(start, start + tally.channels)
            start += tally.channels
        self.key = key_of(model, self._reader, [row.name for row in self._rows], self._options)
        self._begin(part)

    def _begin(self, part: tuple[int, int]) -> None:
        """Begin with a part of the images; none of them has been visited."""
        self.part = part
        self._order = visiting_order(len(self._items), self._options["seed"])[part[0] :: part[1]]
        self.done, self.total, self._written = 0, len(self._order), 0
        self._ahead = Ahead(self._reader, self._order, self._workers) if self._workers else None
        self.skipped: dict[int, str] = {}
        self._begin_with(self._framed.copy())
        self._gathered = Gathered()
        self._version = weights_version(self._module)

    def _begin_with(self, tally: Tally) -> None:
        """Add to the numbers of all channels of all layers."""
        self._tally, weakest = tally, tally.weakest
        self._weakest = {name: weakest.of(span) for name, span in self._spans.items()}

    def of_part(self, part: tuple[int, int]) -> Scanner:
        """Another one, for a part of the images: what this one knows of network and data is not found out again."""
        found = copy(self)
        found._begin(checked_part(part))
        return found

    def to(self, device: torch.device | str) -> None:
        """Move the network to a device, for good."""
        self._module.to(device)
        self._version = weights_version(self._module)

    def __repr__(self) -> str:
        return f"Scanner of {type(self._module).__name__}: {self.done:,} of {self.total:,} images done"

    def __iter__(self) -> Iterator[Scan]:
        """The partial scan after each step; the last one is complete."""
        while self.done < self.total:
            self.step()
            yield self.result

    def step(self, seconds: float | None = None, most: int | None = None) -> int:
        """Scan some batches, for about so long (`TURN`) and at least one; how many images that were.

        `most` makes a batch of fewer images than `batch_size`, for one who must not wait for so many.

        Raises
        ------
        RuntimeError
            An image cannot be read or run, if `on_error` is `raise`; the weights changed. What is done is kept.
        """
        before, until = self.done, time.monotonic() + (TURN if seconds is None else seconds)
        with same_random_state(), ExitStack() as stack:
            if self._ahead is not None:
                stack.enter_context(self._ahead.undisturbed())
            shadow = stack.enter_context(self._watch.session())
            while self.done < self.total:
                self._window(shadow, self._batch_size if most is None else min(self._batch_size, max(1, most)))
                if time.monotonic() >= until:
                    break
        if self.done == self.total:
            self.rest()
        return self.done - before

    def rest(self) -> None:
        """End the worker processes, if there are any; the next step starts them again."""
        if self._ahead is not None:
            self._ahead.close()

    @property
    def result(self) -> Scan:
        """A copy of what has been found so far."""
        return self._scan()

    def _scan(self) -> Scan:
        layers = {
            row.name: LayerScan(row.name, row.type, row.kind, row.shape, self._tally.part(self._spans[row.name]))
            for row in self._rows
        }
        return Scan(
            type(self._module).__name__,
            layers,
            len(self._items),
            {self.part: self.done},
            self._options,
            self.key,
            tuple(self._items.classes),
            dict(self.skipped),
            self._gathered.predictions,
        )

    def write(self, folder: Path) -> None:
        """Write what has been found to a folder, unless nothing has come since."""
        if self._written != self.done or not self.done:
            storage.write(folder, storage.stem(self.part), *self._scan().record())
            self._written = self.done

    def known(self, folder: Path) -> Scan | None:
        """The scan of the same network, images and options in a folder; None where there is none.

        Raises
        ------
        ValueError
            It is of another one, or damaged.
        """
        ledger = folder / f"{storage.stem(self.part)}.json"
        if not ledger.exists():
            return None
        known = Scan.from_record(*storage.read(ledger))
        differs = difference(known.key, self.key)
        if not differs and not self._computes_as(known):
            differs = "of a network that computed something else, by its code, hooks or interventions"
        if differs:
            raise ValueError(f"{folder} holds a scan {differs}. Give another folder, or delete {ledger.name} there")
        return known

    def _computes_as(self, known: Scan) -> bool:
        """Whether the network gives for the first images what it gave for a scan of the same layers."""
        framed = (framed_alike(known[name].tally, self._framed.part(span)) for name, span in self._spans.items())
        return all(framed) and known.predictions.agree(self._first)

    def go_on_from(self, folder: Path) -> None:
        """Take up what is in a folder, if anything is.

        Raises
        ------
        ValueError
            As for `known`; or only some parts of it are done.
        """
        known = self.known(folder)
        if known is None:
            return
        if not known.complete and list(known.parts) != [self.part]:
            raise ValueError(f"{folder} holds a scan in parts, of which some are missing: go on with engine='ray'")
        self._begin_with(Tally.of([known[name].tally for name in self._spans]))
        self.done = self._written = known.done
        self.skipped = dict(known.skipped)
        self._gathered = Gathered(known.predictions)

    def _window(self, shadow: nn.Module | None, count: int) -> None:
        """Scan the next images; all of them count, or none, if it is interrupted."""
        indices = self._order[self.done : self.done + count].tolist()
        skipped: dict[int, str] = {}
        found: list[Found] = []
        if self._ahead is None:
            items = self._reader.read(indices, skipped)
        else:
            items = self._ahead.read(self.done, count, skipped)
        for batch in batches(self._module, items, self._prepare, self._most):
            found += self._watch(shadow, batch, self._weakest, skipped)
        if weights_version(self._module) != self._version:
            raise RuntimeError(
                f"the weights changed during the scan, after {self.done:,} of {self.total:,} images: scan again when "
                "the training has ended, or a copy of the network"
            )
        known = dict(items)
        truths = [self._truths(scores, batch, known) for _, batch, scores in found]
        for measures, batch, _ in found:
            of_all = [measures.get(row.name) or absent(len(batch.images), row.channels) for row in self._rows]
            self._tally.add(together(of_all), batch.images, batch.labels)
        for (_, batch, scores), labels in zip(found, truths, strict=True):
            self._gathered.add(scores, batch.images, labels)
        self.skipped |= skipped
        self.done += len(indices)

    def _truths(self, scores: torch.Tensor | None, batch: Batch, items: dict[int, Item]) -> list[int | None]:
        """Which outputs of the network stand for the labels of the images of a batch."""
        if scores is None or not scores.ndim:
            return []
        return [self._names.truth(items[index], scores.shape[-1]) for index in batch.images.tolist()]

    def _frames(self, first: list[tuple[int, Item]]) -> dict[str, Tally]:
        """Tallies without an image yet, whose histograms have the range of the first images."""
        found: dict[str, list[Measured]] = {row.name: [] for row in self._rows}
        items, said = dict(first), Gathered()
        with self._watch.session() as shadow:
            for batch in batches(self._module, first, self._prepare, self._most):
                for measures, part, scores in self._watch(shadow, batch, None, {}):
                    said.add(scores, part.images, self._truths(scores, part, items))
                    for name, measure in measures.items():
                        found[name].append(measure)
        if silent := [name for name, measures in found.items() if not measures]:
            raise LookupError(f"layer {silent[0]!r} runs for none of the first {len(first)} images")
        self._first = said.predictions
        k, bins = self._options["k"], self._options["bins"]
        return {name: Tally.begun(measures, k, bins) for name, measures in found.items()}
