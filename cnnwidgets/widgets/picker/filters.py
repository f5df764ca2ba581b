"""Which images a strip shows: all, those that the network gets wrong, those it is least certain of, or one class."""

from __future__ import annotations

from bisect import insort

from ...compute.dataset import Item
from ...compute.predictions import NONE, Predictions
from ..state import Subject
from .verdicts import Verdicts

ALL, WRONG, UNCERTAIN, CLASS = "", "wrong", "uncertain", "class "
"""The filters; the name of a class follows on the last."""
NAMES = ((ALL, "all images"), (WRONG, "wrong"), (UNCERTAIN, "least certain"))


class Filter:
    """Finds the images of a data set that are wanted: at once by a scan, else by looking at one after the other.

    Parameters
    ----------
    subject : Subject
        Model and data set.
    verdicts : Verdicts
        What is known of the images, and where it is found out.

    Attributes
    ----------
    name : str
        `ALL`, `WRONG`, `UNCERTAIN`, or `CLASS` with the name of a class.
    found : list of int
        Indices of the images, in the order in which they are shown; nothing of interest for `ALL`.
    looked : int
        How many of the images, from the first, have been looked at.
    """

    def __init__(self, subject: Subject, verdicts: Verdicts) -> None:
        self._subject, self._verdicts = subject, verdicts
        self._predictions: Predictions | None = None
        self.choose(ALL)

    def choose(self, name: str) -> None:
        """Look for other images."""
        self.name = name
        self.found: list[int] = []
        self.looked = 0
        self._margins: list[tuple[float, int]] = []
        if self._predictions is not None:
            self.found, self.looked = self._told(self._predictions), len(self._subject.items)

    def use(self, predictions: Predictions | None) -> None:
        """What a scan knows of all images; None to look at them."""
        self._predictions = predictions
        self.choose(self.name if self.name in dict(self.offered()) else ALL)

    @property
    def by_scan(self) -> bool:
        """Whether a scan tells which they are."""
        return self._predictions is not None

    @property
    def searching(self) -> bool:
        """Whether there are images that have to be looked at."""
        return self.name != ALL and self.looked < len(self._subject.items)

    @property
    def needs_verdict(self) -> bool:
        """Whether to look at an image means to run the network."""
        return not self.name.startswith(CLASS)

    def look(self, index: int, item: Item) -> None:
        """The next image, of which the verdict is known if one is needed."""
        self.looked = index + 1
        if self.name == WRONG and self._verdicts.wrong(index):
            self.found.append(index)
        elif self.name == UNCERTAIN and (margin := self._verdicts.margin(index)) is not None:
            insort(self._margins, (margin, index))
            self.found = [at for _, at in self._margins]
        elif self.name == CLASS + item.text:
            self.found.append(index)

    def offered(self) -> list[tuple[str, str]]:
        """The filters that make sense, and what they are called."""
        names = dict.fromkeys(self._subject.items.classes)
        if self._predictions is not None:
            names = dict.fromkeys(self._classes(self._predictions))
        return [*NAMES, *((CLASS + name, name) for name in names)]

    @property
    def words(self) -> str:
        """What is said of it."""
        if self.name == ALL:
            return ""
        if self.searching:
            return f"{len(self.found):,} found in {self.looked:,} of {len(self._subject.items):,} images"
        return f"{len(self.found):,} of {len(self._subject.items):,} images" + (", by a scan" if self.by_scan else "")

    def _told(self, predictions: Predictions) -> list[int]:
        if self.name == WRONG:
            return predictions.wrong()
        if self.name == UNCERTAIN:
            return predictions.least_certain()
        if not self.name.startswith(CLASS):
            return []
        return predictions.of_class(self._classes(predictions)[self.name.removeprefix(CLASS)])

    def _classes(self, predictions: Predictions) -> dict[str, int]:
        """The names of the outputs that are labels of images, and their numbers."""
        names, count = self._subject.names, predictions.outputs
        given = dict(enumerate(names.of(count)))
        numbers = predictions.labels.unique().tolist()
        return {given.get(each) or names.called(each, count): each for each in numbers if each != NONE}
