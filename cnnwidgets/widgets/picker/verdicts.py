"""Which images a network gets wrong, as far as they were looked at."""

from __future__ import annotations

import logging

from cachetools import LRUCache

from ...compute.dataset import Item
from ...compute.layers import mixes_images
from ..state import Subject

log = logging.getLogger("cnnwidgets")
KEPT = 20_000
"""Images whose verdict is remembered."""
NO_SCORES = "not marked: the network gives no class scores"
MIXES = "not marked: what the network says of an image depends on others of its batch"


class Verdicts:
    """What a network takes images for that it gets wrong; all is forgotten when its weights change.

    Parameters
    ----------
    subject : Subject
        Model and data set.

    Attributes
    ----------
    why : str
        Why nothing is marked; empty where something may be.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._known: LRUCache[int, str | None] = LRUCache(KEPT)
        self._margins: LRUCache[int, float] = LRUCache(KEPT)
        self._weights = subject.weights
        self._classes = 0  # of the network, once it has been asked
        self._apart: bool | None = None  # whether it computes each image by itself
        self.why = ""

    @property
    def outdated(self) -> bool:
        """Whether the weights have changed since."""
        return self._subject.weights != self._weights

    @property
    def data_changed(self) -> bool:
        """Whether everything was forgotten since, data too."""
        return self._subject.weights[0] != self._weights[0]

    def forget(self) -> bool:
        """Begin anew with the weights as they are now; whether anything was known of others."""
        known = bool(self._known)
        self._weights = self._subject.weights
        self._known.clear()
        self._margins.clear()
        self._classes, self._apart, self.why = 0, None, ""
        return known

    def known(self, index: int) -> bool:
        """Whether image `index` was looked at."""
        return index in self._known

    def wrong(self, index: int) -> str | None:
        """What the network takes image `index` for, if that is wrong; empty where it is right; None: not known."""
        return self._known.get(index)

    def margin(self, index: int) -> float | None:
        """By how much the most probable class of image `index` leads, 0 to 1; None where that is not known."""
        return self._margins.get(index)

    def find(self, index: int, item: Item) -> None:
        """Look at an image; runs the model where that can tell something and no pass has told it before.

        What goes wrong is no verdict. Where the weights change meanwhile, nothing is known.
        """
        wrong = None
        try:
            wrong = self._wrong(index, item)
        except Exception:  # the view says it when the image is chosen
            log.info("image %d could not be judged", index, exc_info=True)
        if not self.outdated:
            self._known[index] = wrong

    def _wrong(self, index: int, item: Item) -> str | None:
        subject = self._subject
        unlabelled = item.label is None and not item.text
        if self.why or unlabelled or (self._classes and subject.names.truth(item, self._classes) is None):
            return None
        if not self._computes_apart(item):
            self.why = MIXES
            return None
        prediction = subject.prediction(index, item)
        if prediction is None:
            self.why = "" if self._classes else NO_SCORES  # once there were scores, these are not finite
            return None
        self._classes = len(prediction.shares)
        best, second, *_ = prediction.probabilities
        self._margins[index] = best - second
        truth, target = subject.names.truth(item, self._classes), prediction.targets[0]
        if truth is None:
            return None
        return "" if truth == target else subject.names.called(target, self._classes)

    def _computes_apart(self, item: Item) -> bool:
        if self._apart is None:
            alone = self._subject.prepare is not None or item.image is None  # items that no batch is made of
            self._apart = alone or not mixes_images(self._subject.module, self._subject.items.batch(item))
        return self._apart
