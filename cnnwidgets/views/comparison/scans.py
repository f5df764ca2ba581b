"""What scans of the networks tell of a comparison, over a whole data set and without a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...compute.comparison import Disagreements, ResponseChanges, disagreements, response_changes, scans_of
from ...compute.scan import Scan, checked_scan
from ...widgets.state import Subject
from .columns import LETTERS


@dataclass(frozen=True, eq=False)
class Known:
    """What two scans tell.

    Attributes
    ----------
    changes : ResponseChanges or None
        How far the means of channels shifted.
    votes : Disagreements or None
        The images on which the two disagree.
    unknown : dict of str to str
        Why `responses`, or `disagreements`, are not known.
    """

    changes: ResponseChanges | None = None
    votes: Disagreements | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


class Scans:
    """The scans that a CompareView was given.

    Parameters
    ----------
    given : sequence of Scan, or None
        One for each network, None for one that was not scanned.
    subjects : list of Subject
        The networks.

    Raises
    ------
    TypeError, ValueError
        They are not one for each network; one is of other weights or other images, of a network that is edited here, or
        has no layer in common with the first.
    """

    def __init__(self, given: Any, subjects: Sequence[Subject]) -> None:
        self._subjects, self._scans = subjects, _listed(given, len(subjects))
        self._found: dict[int, tuple[Any, Known]] = {}
        for at, scan in enumerate(self._scans):
            if scan is not None:
                self._check(at)
            if at and (known := self.known(at)) is not None and known.changes is not None and not known.changes:
                why = "; ".join(f"{name}: {reason}" for name, reason in list(known.changes.left_out.items())[:4])
                raise ValueError(f"the scans of A and {LETTERS[at]} have no layer in common ({why})")

    def known(self, at: int, weights: tuple[Any, Any] | None = None) -> Known | None:
        """What is known of the first network beside number `at`; None where one of them was not scanned.

        `weights` are those of both now, where the caller knows them: to ask a network takes about a millisecond.
        """
        if not 0 < at < len(self._scans) or self._scans[0] is None or self._scans[at] is None:
            return None
        weights = weights or (self._subjects[0].weights, self._subjects[at].weights)
        if at not in self._found or self._found[at][0] != weights:
            first = at not in self._found  # then it has been checked
            self._found[at] = weights, self._told(at, checked=first)
        return self._found[at][1]

    def _told(self, at: int, *, checked: bool) -> Known:
        first, other = self._scans[0], self._scans[at]
        assert first is not None and other is not None
        if checked:
            scans_of(first, other, None, None)  # raises for other images
        else:
            try:
                for each in (0, at):
                    self._check(each)
            except ValueError as error:
                return Known(unknown=dict.fromkeys(("responses", "disagreements"), str(error)))
        subjects = self._subjects[0], self._subjects[at]
        counts = first.predictions.outputs, other.predictions.outputs
        classes = tuple(each.names.of(count) or None for each, count in zip(subjects, counts, strict=True))
        unknown: dict[str, str] = {}
        changes: ResponseChanges | None = None
        votes: Disagreements | None = None
        try:
            changes = response_changes(first, other)
        except ValueError as error:  # other parts of the data
            unknown["responses"] = str(error)
        try:
            votes = disagreements(first, other, classes=classes)
        except ValueError as error:
            unknown["disagreements"] = str(error)
        return Known(changes, votes, unknown)

    def _check(self, at: int) -> None:
        subject, scan = self._subjects[at], self._scans[at]
        assert scan is not None
        if subject.edits:
            raise ValueError(
                f"{LETTERS[at]} has {subject.edited}, and a scan is of a network as it is: give None in its place"
            )
        try:
            scan.check(subject.model, subject.items)
        except ValueError as error:
            raise ValueError(f"{LETTERS[at]}: {error}") from error


def _listed(given: Any, count: int) -> list[Scan | None]:
    """One for each network."""
    if given is None:
        return [None] * count
    if isinstance(given, Scan) or not isinstance(given, (list, tuple)):
        raise TypeError(f"scans are a list, one for each network and None for none, not a {type(given).__name__}")
    if len(given) != count:
        raise ValueError(f"scans are one for each of the {count} networks, None for none, not {len(given)}")
    if count == 1:
        raise ValueError("scans tell two networks apart, and there is one: leave them out")
    return [None if each is None else checked_scan(each) for each in given]
