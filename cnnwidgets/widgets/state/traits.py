"""Trait types that views share: what they hold, and what they refuse."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import traitlets as T

from ...compute.core import listing, unknown, whole
from ...compute.pictures import is_own
from ...render.color import table, value_ranges

_KINDS = {T.Bool: "True or False", T.Int: "a whole number", T.Float: "a number", T.Unicode: "text", T.Tuple: "a tuple"}


def refused(trait: T.TraitType[Any, Any], value: Any) -> str:
    """Why a trait does not take `value`: what it takes, what was given, and what the trait means."""
    name, meaning = str(trait.name), f"; {trait.name}: {trait.help}" if trait.help else ""
    if isinstance(trait, T.Enum):
        every = list(trait.values or ())
        text = [one for one in every if isinstance(one, str)]
        allowed = f"allowed: {', '.join(map(repr, every))}{', or None' if trait.allow_none else ''}"
        return unknown(f"no {name} {value!r}", value, text, allowed)
    kind = next((words for type_, words in _KINDS.items() if isinstance(trait, type_)), "")
    kind = kind or str(trait.info())
    ends = {"at least": getattr(trait, "min", None), "at most": getattr(trait, "max", None)}
    within = "".join(f", {words} {end:g}" for words, end in ends.items() if _is_finite(end))
    return f"{name} must be {kind}{within}{' or None' if trait.allow_none else ''}, not {value!r}{meaning}"


def _is_finite(number: Any) -> bool:
    return isinstance(number, (int, float)) and math.isfinite(number)


class Integer(T.Int):
    """A whole number, of NumPy and torch too."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise TraitError for anything that is no whole number."""
        number = whole(value)
        return super().validate(obj, value if number is None else number)


class Index(Integer):
    """A whole number that counts something from 0: a channel of the layer, an image of the data set.

    The number of an own image, which is below 0, is one of an image of any data set.

    Parameters
    ----------
    default : int
        Before anybody chooses.
    of : callable
        Given the view, says how many there are, and who has them: `(6, "layer 'C1' has 6")`.
    what : str, optional
        What is counted; by default the name of the trait.
    **options
        As for every trait.

    Raises
    ------
    IndexError
        For another number; says how many there are.
    """

    def __init__(
        self, default: int = 0, *, of: Callable[[Any], tuple[int, str]], what: str = "", **options: Any
    ) -> None:
        self._of, self._what = of, what
        super().__init__(default, **options)

    def count(self, view: Any) -> int:
        """How many there are, as the view now stands."""
        return self._of(view)[0]

    def _cross_validate(self, obj: Any, value: Any) -> Any:
        count, words = self._of(obj)
        if not 0 <= value < count and not (self.name == "index" and is_own(value)):
            raise IndexError(f"{self._what or self.name} {value} is out of range: {words}, 0 to {count - 1}")
        return super()._cross_validate(obj, value)


class Target(T.TraitType):
    """The number of a class. Its name, or the number as text, becomes the number; a name comes before a number.

    Parameters
    ----------
    default : int, optional
        Before anybody chooses. None is allowed where it is the default: the predicted class, or no class.
    of : callable
        Given the view, the name of each class that can be chosen: `{0: "cat", 1: "dog"}`.
    **options
        As for every trait.

    Raises
    ------
    ValueError
        No such class; says which there are, and which name is nearest.
    TypeError
        Neither a number nor text.
    """

    def __init__(
        self, default: int | None = None, *, of: Callable[[Any], Mapping[int, str]], help: str, **options: Any
    ) -> None:
        self._of = of
        super().__init__(default, help=help, **{"allow_none": default is None, **options})

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise TypeError for what is no class in any view; which classes there are is asked when it is set."""
        if isinstance(value, str):
            return value
        try:
            return operator.index(value)
        except TypeError:
            others = "a class name or None" if self.allow_none else "or a class name"
            raise TypeError(f"{self.name} is a class number, {others}, not {value!r}") from None

    def number(self, view: Any, value: Any) -> int | None:
        """The class that `value` means to `view` now; raises as a trait that is set does."""
        if value is None and self.allow_none:
            return None
        value, names = self.validate(view, value), self._of(view)
        if isinstance(value, str):
            found = next((number for number, name in names.items() if name == value), None)
            if found is None and not value.strip().isdecimal():
                there = f"there are {listing(list(names.values()))}"
                raise ValueError(unknown(f"no class {value!r}", value, list(names.values()), there))
            value = int(value) if found is None else found
        if value not in names:
            every = list(names)
            known = f"0 to {len(every) - 1}" if every == list(range(len(every))) else listing([str(n) for n in every])
            raise ValueError(f"no {self.name} {value}; allowed: {known}{', or None' if self.allow_none else ''}")
        return int(value)

    def _cross_validate(self, obj: Any, value: Any) -> Any:
        return super()._cross_validate(obj, self.number(obj, value))


class Number(T.Float):
    """A finite number, between `min` and `max` where they are given: NaN, which compares with nothing, is none."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise TraitError for anything else; says what is allowed."""
        if isinstance(value, float) and not math.isfinite(value):
            ends = [f"{end:g}" for end in (self.min, self.max) if math.isfinite(end)]
            allowed = f"a number from {' to '.join(ends)}" if len(ends) == 2 else "a finite number"
            raise T.TraitError(f"{self.name} must be {allowed}, not {value}")
        try:
            return super().validate(obj, value)
        except T.TraitError:
            raise T.TraitError(refused(self, value)) from None


class NotNone(T.Any):
    """Anything but None, for the validator of the view to judge."""

    allow_none = False


class ScoreOf(NotNone):
    """`"logit"`, `"probability"`, or a function of what the model returns."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise ValueError for anything else."""
        if not callable(value) and value not in ("logit", "probability"):
            raise ValueError(f"score is 'logit', 'probability' or a function of the model's output, not {value!r}")
        return value


class Colormap(T.Unicode):
    """Name of a matplotlib colour map, or `auto`."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise ValueError, with the nearest name, for a colour map that is not there."""
        name = super().validate(obj, value)
        if name != "auto":
            table(name)
        return name


class Scale(T.TraitType):
    """Value range of the colours: `map`, `layer`, `layer-full`, or two numbers (vmin, vmax)."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise ValueError for another word, or for two numbers that are no range."""
        value_ranges(np.zeros((1, 1, 1)), value)
        return value if isinstance(value, str) else (float(value[0]), float(value[1]))


class Pixel(T.TraitType):
    """A place in a map, (row, column) from 0, or None."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Raise ValueError for anything but None and two numbers from 0 up."""
        if value is None:
            return None
        numbers = isinstance(value, (tuple, list)) and len(value) == 2 and not any(isinstance(at, str) for at in value)
        with suppress(TypeError, OverflowError, ValueError):  # what compares with no number, or is no whole one
            if numbers and min(value) >= 0:
                return int(value[0]), int(value[1])
        raise ValueError(f"{self.name} must be (row, column), both 0 or more, or None; not {value!r}")


class Place(Pixel):
    """A place in a map that the view shows, (row, column) from 0; None: the middle.

    Parameters
    ----------
    of : callable
        Given the view, says how many rows and columns the map has, and what it is: `((4, 4), "the map")`.
    **options
        As for every trait.

    Raises
    ------
    IndexError
        For a place outside the map; says how large that is.
    """

    def __init__(self, *, of: Callable[[Any], tuple[tuple[int, int], str]], **options: Any) -> None:
        self._of = of
        super().__init__(None, **options)

    def rows(self, view: Any) -> tuple[int, str]:
        """Rows of the map, and words for its size: what an `Index` of the row counts."""
        (rows, columns), what = self._of(view)
        return rows, f"{what} has {rows} rows and {columns} columns"

    def columns(self, view: Any) -> tuple[int, str]:
        """The same for the column."""
        return self._of(view)[0][1], self.rows(view)[1]

    def places(self, view: Any) -> tuple[int, str]:
        """The same for the number of the place in reading order."""
        rows, columns = self._of(view)[0]
        return rows * columns, self.rows(view)[1]

    def _cross_validate(self, obj: Any, value: Any) -> Any:
        if value is not None:
            (rows, columns), _ = self._of(obj)
            if value[0] >= rows or value[1] >= columns:
                raise IndexError(f"{self.name} {value} is out of range: {self.rows(obj)[1]}")
        return super()._cross_validate(obj, value)
