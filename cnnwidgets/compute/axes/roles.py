"""What the axes of a tensor are - channels, positions in the image, or both - and how a view rearranges them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

Layout = Literal["first", "last"]
Role = Literal["channel", "position"]
Roles: TypeAlias = frozenset[Role]
Axis: TypeAlias = tuple[tuple[int, Roles], ...]
"""An axis as the factors that it was merged from, outermost first, each with its size and its roles: `flatten(2)` of
maps (N, C, H, W) makes an axis of two factors, H and W, which a later `view` can separate again."""
NO_ROLE: Roles = frozenset()
CHANNEL: Roles = frozenset({"channel"})
POSITION: Roles = frozenset({"position"})


def single(size: int, roles: Roles) -> Axis:
    """An axis of one factor; one of size 1 has no role."""
    return ((size, roles if size > 1 else NO_ROLE),)


def roles_of(axis: Axis) -> Roles:
    """The roles of all factors of an axis."""
    return frozenset().union(*(roles for _, roles in axis))


def resized(axis: Axis, size: int) -> Axis:
    """The axis after an operation that keeps its roles and may change its size."""
    return axis if math.prod(factor for factor, _ in axis) == size else single(size, roles_of(axis))


def rearranged(axes: Sequence[Axis], shape: Sequence[int], strides: Sequence[int]) -> tuple[Axis, ...]:
    """The axes of a view, from its shape and strides over the contiguous tensor that it is a view of.

    A factor of size f and stride u covers the strides from u to u f, and so does an axis of the view: it consists of
    the factors that it shares strides with. An axis with stride 0 is a repetition, and has no role.
    """
    factors: list[tuple[int, int, Roles]] = []
    unit = 1
    for axis in reversed(axes):
        for size, roles in reversed(axis):
            factors.insert(0, (unit, unit * size, roles))
            unit *= size
    found = []
    for size, stride in zip(shape, strides, strict=True):
        parts = []
        for low, high, roles in factors if size > 1 and stride > 0 else ():
            start, end = max(low, stride), min(high, stride * size)
            if end > start:
                parts.append((end // start, roles))
        found.append(resized(tuple(parts), size))
    return tuple(found)


def layout_by_roles(roles: Sequence[Roles]) -> Layout | None:
    """Whether the first or the last axis is the channels; None where both are or neither is, or nothing is known.

    Where no axis is known as the channels, it is the one that is no position.
    """
    channels = [number for number, each in enumerate(roles) if "channel" in each]
    if not channels and any(roles):
        channels = [number for number, each in enumerate(roles) if not each]
        channels = channels if len(channels) == 1 else []
    first, last = 0 in channels, len(roles) - 1 in channels
    return None if first == last else "first" if first else "last"
