"""What the traits of a CompareView may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...compute.core import whole
from ...widgets.state import Snapshot, Subject
from .columns import MOST


def checked_beside(given: Any, subject: Subject, networks: int, now: int) -> tuple[int, ...]:
    """Numbers of images; raises for what is none, and where the number of columns would change."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"beside are numbers of images, such as (7,), not {given!r}")
    found = tuple(subject.items.checked(each) for each in given)
    if found and networks > 1:
        raise ValueError("images stand side by side for one network: give one model, or leave out beside")
    if 1 + len(found) > MOST:
        raise ValueError(f"up to {MOST} columns stand side by side, not {1 + len(found)}")
    if now and len(found) != now:
        raise ValueError(f"this view has {now + 1} columns: beside are {now} images, not {len(found)}")
    return found


def checked_partners(given: Any, others: Sequence[Snapshot], count: int) -> tuple[str, ...]:
    """A layer for each further column, empty for its own; raises for what is none."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"partners are names of layers, one for each further column, not {given!r}")
    found = tuple(given)
    if found and len(found) != count:
        raise ValueError(f"partners are {count} names, one for each further column, not {len(found)}")
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"partners are names of layers, not {name!r}")
    for name, snapshot in zip(found, others, strict=False):
        if name and (reason := snapshot.find(name).reason) is not None:
            raise LookupError(f"layer {name!r} cannot be shown: it {reason}")
    return found


def checked_pixel(given: Any) -> tuple[int, ...]:
    """(row, column), or ()."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"pixel is (row, column), or () for none, not {given!r}")
    found = [whole(each) for each in given]
    if found and (len(found) != 2 or any(each is None or each < 0 for each in found)):
        raise ValueError(f"pixel is (row, column) from 0, or () for none, not {given!r}")
    return tuple(each for each in found if each is not None)
