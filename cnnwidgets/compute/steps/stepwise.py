"""A computation that grows step by step: what a class of it writes, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from .progress import Bar, Report

R_co = TypeVar("R_co", covariant=True)


class Stepwise(ABC, Generic[R_co]):
    """A computation in steps, which can be drawn while it grows, stopped and continued.

    A class derived from it sets `total`, and writes two methods: `step`, which counts in `done`, and `result`. Iterate
    for partial results; leave the loop to stop, iterate again to continue. The network is as it was between two steps,
    so that others can run it, and what raises an error in a step loses nothing of the steps before.

    Attributes
    ----------
    done, total : int
        How much is done, from 0, and of how much.

    Examples
    --------
    >>> from cnnwidgets.compute.steps import Stepwise
    >>> class Sums(Stepwise[int]):
    ...     def __init__(self, numbers):
    ...         self.numbers, self.total = numbers, len(numbers)
    ...
    ...     def step(self, seconds=None):
    ...         self.done += 1
    ...         return self.result
    ...
    ...     @property
    ...     def result(self):
    ...         return sum(self.numbers[: self.done])
    >>> sums = Sums([1, 2, 3, 4])
    >>> sums.step(), [*sums]
    (1, [3, 6, 10])
    """

    done: int = 0
    total: int

    @abstractmethod
    def step(self, seconds: float | None = None) -> R_co:
        """Do the next part and return the partial result.

        Parameters
        ----------
        seconds : float, optional
            Approximate time limit, for callers with one; by default a part of the size that is done quickest.
        """

    @property
    @abstractmethod
    def result(self) -> R_co:
        """A copy of the partial result."""

    def __iter__(self) -> Iterator[R_co]:
        """The partial result after each step; the last one is complete."""
        while self.done < self.total:
            yield self.step()


def finish(work: Stepwise[Any], unit: str, progress: bool | Report = True) -> None:
    """Do the rest of the work, and say how far it is.

    Parameters
    ----------
    work : Stepwise
        What is done on.
    unit, progress
        As for `Bar`.

    Raises
    ------
    Stopped
        `progress` said so; what is done is kept, in `work.result`.
    """
    done = 0
    with Bar(work.total, unit, progress) as bar:
        for _ in work:
            bar.add(work.done - done)
            done = work.done
