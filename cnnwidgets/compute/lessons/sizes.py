"""Questions about sizes: how large a map is, given padding and stride."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from ..core import get_layer
from .looked import Looked, NothingToAsk, Seen, image_of, maps, name_of, one_of
from .question import Choice, Picture, Question, apart

SLIDING = ("Conv2d", "MaxPool2d", "AvgPool2d")


class Sliding(NamedTuple):
    """A layer that slides a window over its input; sizes are (height, width)."""

    layer: str
    kind: str
    given: tuple[int, int]
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    out: tuple[int, int]

    def size(self, *, stride: int | None = None, padding: int | None = None) -> tuple[int, int]:
        """How large the map would be with another stride or padding."""
        strides = self.stride if stride is None else (stride, stride)
        paddings = self.padding if padding is None else (padding, padding)
        each = zip(self.given, self.window, strides, paddings, strict=True)
        high, wide = ((size + 2 * pad - window) // step + 1 for size, window, step, pad in each)
        return high, wide


def padding(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """How large is the map, given the padding? The others take it for none, once, or twice as much."""
    seen = one_of(look, random)
    found = [each for each in _sliding(look, seen, layer) if each.kind == "Conv2d" and max(each.window) > 1]
    if not found:
        raise NothingToAsk(f"{name_of(look)} has no convolution with windows of more than one place")
    one = random.choice([each for each in found if max(each.padding)] or found)
    pad = max(one.padding)
    misses = [one.size(padding=0), one.size(padding=pad + 1), one.size(padding=2 * pad), one.size(padding=1)]
    misses += [tuple(size + 2 * pad for size in one.given), tuple(size - 1 for size in one.out)]  # type: ignore[list-item]
    framed = "without padding" if not pad else f"with {_rows(pad)} of zeros around it (padding {pad})"
    ask = (
        f"{one.layer} slides a window of {_by(one.window)} over {_by(one.given)} numbers {framed}, "
        f"{max(one.stride)} at a time. How large is its map?"
    )
    high = one.given[0] + 2 * one.padding[0]
    down = _rounded(high - one.window[0], one.stride[0])
    why = (
        f"With the zeros there are {high} rows. The window of {one.window[0]} rows fits into them at "
        f"({high} − {one.window[0]}) / {one.stride[0]} + 1 = {one.out[0]} places{down}. "
        + (f"Without padding, the map would have {one.size(padding=0)[0]} rows." if pad else "Padding would add rows.")
    )
    return _sized(look, seen, one, ask, misses, why)


def stride(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """How large is the map, given the stride? The others step by one less, one more, or not at all."""
    seen = one_of(look, random)
    found = [each for each in _sliding(look, seen, layer) if max(each.stride) > 1]
    if not found:
        raise NothingToAsk(f"{name_of(look)} has no layer that slides by more than one place (stride above 1)")
    one = random.choice(found)
    step = max(one.stride)
    misses = [one.size(stride=other) for other in (step + 1, 1, step + 2, step + 3) if other != step]
    misses += [(one.out[0] + 1, one.out[1] + 1), (one.out[0] - 1, one.out[1] - 1)]
    ask = (
        f"{one.layer} slides a window of {_by(one.window)} over {_by(one.given)} numbers, {step} at a time "
        f"(stride {step}). How large is its map?"
    )
    why = (
        f"The window moves on by {one.stride[0]} rows at a time, and fits at {one.out[0]} places. With "
        f"stride 1 the map would have {one.size(stride=1)[0]} rows: the stride is what makes it smaller."
    )
    return _sized(look, seen, one, ask, misses, why)


def _sized(look: Looked, seen: Seen, one: Sliding, ask: str, misses: list[tuple[int, int]], why: str) -> Question:
    right = Choice(_by(one.out))
    wrong = apart(right, [Choice(_by(size)) for size in misses if min(size) > 0])
    if not wrong:
        raise NothingToAsk(f"every size of the map of {one.layer} is the same")
    shown: list[Picture] = [image_of(look, seen)]
    return Question(ask, right, wrong, why, shown, ("ConvolutionView", {"index": seen.index, "layer": one.layer}))


def _sliding(look: Looked, seen: Seen, layer: str | None) -> Iterator[Sliding]:
    """The layers whose maps have the size that window, stride and padding say."""
    height, width = (int(size) for size in seen.item.image.shape[-2:]) if seen.item.image is not None else (0, 0)
    given: tuple[int, int] = (height, width)
    for row in seen.modules:
        if not row.ran or not row.leaf:
            continue
        here = maps(seen, [row])
        if here and row.type in SLIDING and layer in (None, row.name, row.module):
            module = get_layer(look.module, row.module)
            sizes = [_pair(getattr(module, name)) for name in ("kernel_size", "stride", "padding")]
            if None not in sizes and _pair(getattr(module, "dilation", 1)) == (1, 1):
                window, step, pad = sizes
                out = (int(row.size[0]), int(row.size[1]))
                one = Sliding(row.name, row.type, given, window, step, pad, out)  # type: ignore[arg-type]
                if one.size() == out:  # else the layer was given something else, such as a branch
                    yield one
        if row.kind == "maps" and row.layout == "first" and len(row.size) == 2:
            given = (int(row.size[0]), int(row.size[1]))


def _pair(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int):
        return value, value
    return (int(value[0]), int(value[1])) if isinstance(value, (tuple, list)) and len(value) == 2 else None


def _rounded(rows: int, step: int) -> str:
    return ", rounded down" if rows % step else ""


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _rows(count: int) -> str:
    return "one row and column" if count == 1 else f"{count} rows and columns"
