"""The images on which two networks say something else, and which classes that concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..core import are_probabilities
from ..dataset import class_names


@dataclass(frozen=True)
class Disagreement:
    """An image on which the predicted classes differ.

    Attributes
    ----------
    index : int
        Of the image in the data set.
    a, b : int
        The class that each network predicts, by the number that the first network gives it; that of the second is −1
        for a class that the first does not have.
    names : tuple of str
        What these classes are called.
    shares : tuple of float
        The probability that each network gives its own class.
    truth : int or None
        The class of the label, if it is known.
    score : float
        How far they are apart: by how much each prefers its own class to the other's, both together, 0 to 2. From
        scans, by how much each prefers it to its second: they are at least so far apart.
    """

    index: int
    a: int
    b: int
    names: tuple[str, str]
    shares: tuple[float, float]
    truth: int | None
    score: float


@dataclass(frozen=True, eq=False)
class Disagreements(Sequence[Disagreement]):
    """The images on which two networks disagree, those first on which they are surest.

    Attributes
    ----------
    found : list of Disagreement
        The ranking.
    confusion : torch.Tensor
        int64 (Ka, Kb): images by the class that the first network predicts, and the second (in its own numbers).
    moved : torch.Tensor
        (Ka,): mean change of the probability of each class of the first network, B − A; NaN for a class that the second
        does not have, and from scans.
    names : tuple of str
        The classes of the first network.
    matched : str
        `by name` or `by number`: how the classes of the two were matched.
    images : int
        So many were compared; those for which a network gives NaN or infinite scores do not count.
    right : tuple of int
        Images that each network predicts rightly, of `labelled` ones.
    labelled : int
        Images whose class is known.
    """

    found: list[Disagreement]
    confusion: torch.Tensor
    moved: torch.Tensor
    names: tuple[str, ...]
    matched: str
    images: int
    right: tuple[int, int]
    labelled: int

    def __repr__(self) -> str:
        return f"Disagreements: {len(self.found):,} of {self.images:,} images, classes matched {self.matched}"

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return self.found[key]

    def __len__(self) -> int:
        return len(self.found)


class Votes:
    """Counts what two networks say of the same images.

    Parameters
    ----------
    known : pair of sequences of str
        What each network calls its classes; empty where it has no names.
    counts : pair of int
        How many classes each has.

    Raises
    ------
    ValueError
        The classes cannot be matched: they are not as many, and have no names that meet.
    """

    def __init__(self, known: tuple[Sequence[str], Sequence[str]], counts: tuple[int, int]) -> None:
        self.names = _all_named(known[0], counts[0]), _all_named(known[1], counts[1])
        self.places, self.matched = matched_classes(*self.names, named=all(known))
        self._back = torch.full((counts[1],), -1)  # for each class of the second network that of the first
        self._back[self.places[self.places >= 0]] = torch.arange(counts[0])[self.places >= 0]
        self._confusion = torch.zeros(counts, dtype=torch.int64)
        self._moved: torch.Tensor | None = None
        self._found: list[Disagreement] = []
        self._images = self._labelled = 0
        self._right = [0, 0]

    def add(
        self, indices: Sequence[int], truths: Sequence[int | None], scores: tuple[torch.Tensor, torch.Tensor]
    ) -> None:
        """Add scores of the same images, (N, Ka) and (N, Kb); `truths` are classes of the first network."""
        finite = torch.isfinite(scores[0]).all(1) & torch.isfinite(scores[1]).all(1)
        if not bool(finite.any()):
            return
        a, b = (_shares(each[finite]) for each in scores)
        beside = torch.where(self.places >= 0, b[:, self.places.clamp(min=0)], torch.nan)  # B in the classes of A
        moved = (beside - a).sum(0)
        self._moved = moved if self._moved is None else self._moved + moved
        best = a.argmax(1), b.argmax(1)
        shares = _of(a, best[0]), _of(b, best[1])
        given = _of(a, self._back[best[1]]) + _of(b, self.places[best[0]])  # by each to the class of the other
        labels = torch.tensor([-1 if truth is None else truth for truth in truths])[finite]
        self.count(torch.tensor(indices)[finite], labels, best, shares, shares[0] + shares[1] - given)

    def count(
        self,
        images: torch.Tensor,
        truths: torch.Tensor,
        best: tuple[torch.Tensor, torch.Tensor],
        shares: tuple[torch.Tensor, torch.Tensor],
        apart: torch.Tensor,
    ) -> None:
        """Add images whose classes are known, (N,) each: `truths` are −1 for none, `apart` is the score."""
        one, other = best
        same, labelled = self._back[other], truths >= 0
        self._confusion.index_put_(best, torch.ones(len(images), dtype=torch.int64), accumulate=True)
        self._images += len(images)
        self._labelled += int(labelled.sum())
        for at, each in enumerate((one, same)):
            self._right[at] += int((each == truths)[labelled].sum())
        for at in (same != one).nonzero().flatten().tolist():
            called = self.names[0][int(one[at])], self.names[1][int(other[at])]
            sure = float(shares[0][at]), float(shares[1][at])
            truth = int(truths[at]) if bool(labelled[at]) else None
            self._found.append(
                Disagreement(int(images[at]), int(one[at]), int(same[at]), called, sure, truth, float(apart[at]))
            )

    @property
    def result(self) -> Disagreements:
        """What has been found so far."""
        ranked = sorted(self._found, key=lambda each: (-each.score, each.index))
        unknown = torch.full((len(self.names[0]),), torch.nan)
        moved = unknown if self._moved is None else (self._moved / self._images).float()
        right = self._right[0], self._right[1]
        counts = self._images, right, self._labelled
        return Disagreements(ranked, self._confusion.clone(), moved, self.names[0], self.matched, *counts)


def class_names_of(classes: Any) -> tuple[list[str] | None, list[str] | None]:
    """Names for both networks, or for each of them."""
    if classes is None:
        return None, None
    if isinstance(classes, (tuple, list)) and len(classes) == 2 and not any(isinstance(each, str) for each in classes):
        return tuple(None if each is None else class_names(each) for each in classes)  # type: ignore[return-value]
    return class_names(classes), None


def matched_classes(a: Sequence[str], b: Sequence[str], *, named: bool) -> tuple[torch.Tensor, str]:
    """For each class of the first network the number that the second gives it, −1 for none; and how they were matched.

    By name where both have names (`named`); else by number.

    Raises
    ------
    ValueError
        Neither is possible.
    """
    if named:
        numbers = {name: at for at, name in reversed(list(enumerate(b)))}
        places = [numbers.get(name, -1) for name in a]
        if any(place >= 0 for place in places):
            return torch.tensor(places), "by name"
    if len(a) != len(b):
        raise ValueError(
            f"the classes cannot be matched: one network has {len(a)}, the other {len(b)}, and they share no names; "
            "classes=(names of the first, names of the second) names them"
        )
    return torch.arange(len(a)), "by number"


def _all_named(known: Sequence[str], count: int) -> tuple[str, ...]:
    """What all classes are called: by their numbers where there is no name."""
    return tuple(known[at] if at < len(known) else f"class {at}" for at in range(count))


def _of(shares: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """(N,): the share of one class a row, 0 where that is −1."""
    found = shares.gather(1, classes.clamp(min=0)[:, None])[:, 0]
    return torch.where(classes >= 0, found, 0.0)


def _shares(scores: torch.Tensor) -> torch.Tensor:
    scores = scores.double()
    return scores if bool(are_probabilities(scores)) else scores.softmax(1)
