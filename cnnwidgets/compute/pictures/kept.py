"""Own images have numbers below those of any data set, the same in the whole process, and never one twice.

So the number of an own image names it wherever that of an image of the data set may stand: what is remembered is
remembered for this image alone, and views that are linked show the same one, each as its own data set would give it.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .reading import read_picture

FIRST = -1001
"""Number of the first own image: far from -1, which is mistaken for the last of a data set."""
KEPT = 16
"""So many are kept in any case; older ones as long as a view shows them."""


@dataclass(frozen=True, eq=False)
class OwnImage:
    """An image that a user gave.

    Attributes
    ----------
    picture : PIL.Image.Image or None
        In mode L or RGB: it goes through the transform of a data set.
    numbers : torch.Tensor or None
        Without a picture: what a data set gives, already transformed.
    notes : tuple of str
        What was done to it.
    label, text
        Number and name of its class, where it was made of an image that has one.
    """

    picture: Any = None
    numbers: torch.Tensor | None = None
    notes: tuple[str, ...] = ()
    label: int | None = None
    text: str = ""

    @classmethod
    def of(cls, given: Any, notes: Sequence[str] = ()) -> OwnImage:
        """What a user gives: a tensor that is no picture of bytes is taken as it is, all else is read as a picture."""
        if isinstance(given, OwnImage):
            return given
        if isinstance(given, torch.Tensor):
            return cls(numbers=given.detach().cpu().clone(), notes=tuple(notes))
        picture, said = read_picture(given)
        return cls(picture=picture.copy(), notes=(*said, *notes))


_numbers = itertools.count(-FIRST)
_known: weakref.WeakValueDictionary[int, OwnImage] = weakref.WeakValueDictionary()
_newest: deque[OwnImage] = deque(maxlen=KEPT)
_lock = threading.Lock()


def adopt(own: OwnImage) -> int:
    """Give an image a number."""
    with _lock:
        number = -next(_numbers)
        _known[number] = own
        _newest.append(own)
    return number


def is_own(number: Any) -> bool:
    """Whether `number` is that of an own image that is still known."""
    return isinstance(number, int) and number <= FIRST and number in _known


def own_image(number: int) -> OwnImage:
    """The own image of that number.

    Raises
    ------
    IndexError
        No view has shown it for long, so that it is no longer there.
    """
    found = _known.get(number)
    if found is None:
        raise IndexError("this own image is no longer kept: show it again")
    return found
