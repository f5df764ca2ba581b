"""Takes a data set through a network before and after an intervention, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import nn

from ..core import ForwardError, Prepare, call, device_of, in_one_line, plain, whole
from ..dataset import Item, Items, OutputNames
from ..interventions import EditedTwin, Edits, Intervention
from ..layers import apart
from ..scoring import BatchSize, Scorer, out_of_memory
from ..shadow import looking
from ..steps import Stepwise
from .result import NONE, AccuracyEffects

ENOUGH = 32
"""Images among which one must have a label that the network knows."""
INSTEAD = "accuracy is measured by these: a module around the network can make them of what it gives"
"""What a network calls for that gives no class scores."""


class AccuracyMeter(Stepwise[AccuracyEffects]):
    """Takes one batch of a data set after another through a network with and without edits; can be stopped, continued.

    Iterate for partial results; leave the loop to stop, iterate again to continue. `step(seconds)` takes one batch, for
    callers with a time limit. After further training of the network a new one is needed.

    Parameters
    ----------
    dataset : indexable or Items
        As for `accuracy_effects`.
    **options
        As for `accuracy_effects`.

    Attributes
    ----------
    done, total : int
        Number of images.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Any,
        edits: Edits | nn.Module,
        *,
        most: int | None = None,
        classes: Sequence[str] | None = None,
        batch_size: int | None = None,
        prepare: Prepare | None = None,
    ) -> None:
        if most is not None and (whole(most) is None or most < 1):
            raise ValueError(f"most is a number of images, 1 or more, not {most!r}")
        if not isinstance(edits, nn.Module) and not edits:
            raise ValueError("no edits: give at least one layer, {'layer4': cw.Ablate(channels=3)}")
        own = isinstance(dataset, Items)
        self._items = dataset if own else Items(dataset, classes=classes, prepare=prepare, model=plain(model))
        self._prepare = self._items.prepare
        self._intervention: Intervention | None = None
        if isinstance(edits, nn.Module):
            other = plain(edits)
        else:
            self._twin = EditedTwin(model, edits, prepare=self._prepare)  # its edits last as long as it does
            other, self._intervention = self._twin.module, self._twin.intervention
        self._networks = (plain(model), other)
        options: dict[str, Any] = {"layer": None, "score": "logit", "prepare": self._prepare, "instead": INSTEAD}
        self._scorers = [Scorer(each, **options) for each in self._networks]
        self._names = OutputNames(plain(model), self._items)
        order = torch.randperm(len(self._items), generator=torch.Generator().manual_seed(0))
        self._order: list[int] = order[:most].tolist()
        self.total = len(self._order)
        image = self._items[self._order[0]].image
        places = 1 if image is None else image[0].numel()
        self._batch = BatchSize(max(1, places), device_of(plain(model)), batch_size)
        self._found: list[tuple[int, int, int]] = []
        self._classes = 0

    def __repr__(self) -> str:
        return f"AccuracyMeter of {type(self._networks[0]).__name__}: {self.done:,} of {self.total:,} images done"

    def step(self, seconds: float | None = None) -> AccuracyEffects:
        """Take one batch and return the partial result.

        Parameters
        ----------
        seconds : float, optional
            Approximate time limit, which limits the batch, at least one image.

        Raises
        ------
        ForwardError, ValueError
            As for `accuracy_effects`. What is done is kept.
        """
        if left := self.total - self.done:
            self._batch.run(left, self._take, seconds)
        if self.done >= min(ENOUGH, self.total) and all(label == NONE for label, _, _ in self._found):
            raise ValueError(
                f"of {self.done} images none has a label that is one of the {self._classes} classes of the network"
            )
        return self.result

    @property
    def result(self) -> AccuracyEffects:
        """A copy of the partial result."""
        labels, before, after = torch.tensor(self._found).reshape(-1, 3).unbind(1)
        words = type(self._networks[1]).__name__ if self._intervention is None else self._intervention.words
        indices, names = torch.tensor(self._order[: self.done]), tuple(self._names.all(self._classes))
        return AccuracyEffects(indices, labels, before, after, names, self.total, words)

    def tell(self) -> None:
        """Warn of layers that no edit has reached."""
        if self._intervention is not None and self.done:
            self._intervention.tell()

    def _take(self, count: int) -> None:
        """Run the next images through both networks."""
        indices = self._order[self.done : self.done + count]
        items = [self._items[index] for index in indices]
        before, after = (self._predicted(number, indices, items) for number in range(2))
        truths = [self._names.truth(item, self._classes) for item in items]
        labels = [NONE if truth is None else truth for truth in truths]
        self._found += zip(labels, before, after, strict=True)
        self.done += count

    def _predicted(self, number: int, indices: list[int], items: list[Item]) -> list[int]:
        """The classes that a network predicts: the model is number 0, its edited twin 1."""
        network, found = self._networks[number], []
        for alike, group in groupby(zip(indices, items, strict=True), lambda pair: self._form(pair[1])):
            places, of_form = zip(*group, strict=True)
            if alike is None:  # what `prepare` makes of an item is run as it is
                parts = [(place, item.raw, 1) for place, item in zip(places, of_form, strict=True)]
            else:
                images = torch.cat([self._items.batch(item) for item in of_form])
                parts, taken = [], 0
                for part in apart(network, images):
                    parts.append((places[taken], part, len(part)))
                    taken += len(part)
            found += [self._scores(number, *part) for part in parts]
        scores = torch.cat(found).cpu()
        self._classes = scores.shape[1]
        if self._classes == 1:  # the largest of one number is no prediction
            raise ValueError(
                f"{type(plain(network)).__name__} gives one number for each image and no class scores (images x "
                "classes): which class it stands for is not known"
            )
        return torch.where(scores.isfinite().all(1), scores.argmax(1), NONE).tolist()

    def _form(self, item: Item) -> Any:
        """Equal for images that can be stacked; None for what cannot."""
        if self._prepare is not None or item.image is None:
            return None
        return item.image.shape, item.image.dtype

    def _scores(self, number: int, index: int, images: Any, count: int) -> torch.Tensor:
        """The scores of `count` images; an error says that the first of them is number `index`."""
        with looking(self._networks[number]) as network:
            try:
                returned = call(network, images, self._prepare)
            except ForwardError as error:
                if out_of_memory(error):
                    raise
                raise ForwardError(f"image {index}: {in_one_line(error)}") from error
            scores = self._scorers[number].read(returned)
        if len(scores) != count:
            raise ValueError(f"for {count} images the model gives {len(scores)} scores, not one result each")
        return scores
