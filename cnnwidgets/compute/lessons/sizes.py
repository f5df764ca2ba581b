"""Questions about sizes: how large a map is, given padding and stride."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple, TypeAlias

from ..core import get_layer
from .looked import Looked, NothingToAsk, Seen, begun, image_of, maps, name_of, named, one_of
from .question import Choice, Picture, Question, apart

Pair: TypeAlias = tuple[int, int]
"""Height and width, or rows and columns."""
SLIDING = ("Conv2d", "MaxPool2d", "AvgPool2d")


class Sliding(NamedTuple):
    """A layer that slides a window over its input; sizes are (height, width)."""

    layer: str
    kind: str
    given: Pair
    window: Pair
    stride: Pair
    padding: Pair
    filling: str
    out: Pair

    def size(self, *, stride: Pair | None = None, padding: Pair | None = None) -> Pair:
        """How large the map would be with another stride or padding."""
        each = zip(self.given, self.window, stride or self.stride, padding or self.padding, strict=True)
        high, wide = ((size + 2 * pad - window) // step + 1 for size, window, step, pad in each)
        return high, wide

    def asked(self, unpadded: str = "", stride: str = "") -> str:
        """All that the size of the map follows from, and the question.

        `unpadded` says that there is no padding, and `stride` what the steps are called.
        """
        framed = f" {surrounded(self.padding, self.filling)}" if max(self.padding) else unpadded
        return (
            f"{begun(named(self.layer))} slides a window of {by(self.window)} over {by(self.given)} numbers{framed}, "
            f"{steps(self.stride)}{stride}. How large is its map?"
        )

    def worked(self) -> str:
        """How its size comes about, for both axes where they differ."""
        each = list(zip(self.given, self.window, self.stride, self.padding, self.out, strict=True))
        if each[0] == each[1]:
            return f"{_fits('rows', *each[0])}, and as many columns."
        return f"{_fits('rows', *each[0])}. {_fits('columns', *each[1])}."


def padding(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """How large is the map, given the padding? The others take it for none, once, or twice as much."""
    seen = one_of(look, random)
    found = [each for each in _sliding(look, seen, layer) if each.kind == "Conv2d" and max(each.window) > 1]
    if not found:
        raise NothingToAsk(
            f"{name_of(look)} has no convolution with windows of more than one place whose map has the size that "
            "window, stride and padding say"
        )
    one = random.choice([each for each in found if max(each.padding)] or found)
    down, across = one.padding
    others = [(0, 0), (down + 1, across + 1), (across, down), (2 * down, 2 * across), (1, 1)]
    misses = [one.size(padding=other) for other in others]
    misses += [_plus(one.given, (2 * down, 2 * across)), _plus(one.out, (-1, -1))]
    without = by(one.size(padding=(0, 0)))
    end = f"Without padding, the map would be {without}." if max(one.padding) else "Padding would add rows and columns."
    return _sized(look, seen, one, one.asked(" without padding"), misses, f"{one.worked()} {end}")


def stride(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """How large is the map, given the stride? The others step by one less, one more, or not at all."""
    seen = one_of(look, random)
    found = [each for each in _sliding(look, seen, layer) if max(each.stride) > 1]
    if not found:
        raise NothingToAsk(
            f"{name_of(look)} has no layer that slides by more than one place (stride above 1) and whose map has the "
            "size that window, stride and padding say"
        )
    one = random.choice(found)
    down, across = one.stride
    others = [_plus(one.stride, (1, 1)), (across, down), (1, 1), _plus(one.stride, (2, 2)), _plus(one.stride, (3, 3))]
    misses = [one.size(stride=other) for other in others] + [_plus(one.out, (1, 1)), _plus(one.out, (-1, -1))]
    end = f"With stride 1 the map would be {by(one.size(stride=(1, 1)))}: the stride is what makes it smaller."
    ask = one.asked(stride=f" (stride {_told(one.stride)})")
    return _sized(look, seen, one, ask, misses, f"{one.worked()} {end}")


def _sized(look: Looked, seen: Seen, one: Sliding, ask: str, misses: list[Pair], why: str) -> Question:
    right = Choice(by(one.out))
    wrong = apart(right, [Choice(by(size)) for size in misses if min(size) > 0])
    if not wrong:
        raise NothingToAsk(f"every size of the map of {named(one.layer)} is the same")
    shown: list[Picture] = [image_of(look, seen)]
    opens = ("ConvolutionView", {"index": seen.index, "layer": one.layer})
    return Question(ask, right, wrong, why, shown, opens)


def _sliding(look: Looked, seen: Seen, layer: str | None) -> Iterator[Sliding]:
    """The layers whose maps have the size that window, stride and padding say."""
    height, width = (int(size) for size in seen.item.image.shape[-2:]) if seen.item.image is not None else (0, 0)
    given: Pair = (height, width)
    for row in seen.modules:
        if not row.ran or not row.leaf:
            continue
        here = maps(seen, [row])
        if here and row.type in SLIDING and layer in (None, row.name, row.module):
            module = get_layer(look.module, row.module)
            window, step, pad = (_pair(getattr(module, name)) for name in ("kernel_size", "stride", "padding"))
            if window and step and pad and _pair(getattr(module, "dilation", 1)) == (1, 1):
                zeros = row.type == "AvgPool2d" or getattr(module, "padding_mode", "") == "zeros"
                out = (int(row.size[0]), int(row.size[1]))
                one = Sliding(row.name, row.type, given, window, step, pad, "zeros" if zeros else "padding", out)
                if one.size() == out:  # else the layer was given something else, such as a branch
                    yield one
        if row.kind == "maps" and row.layout == "first" and len(row.size) == 2:
            given = (int(row.size[0]), int(row.size[1]))


def _pair(value: Any) -> Pair | None:
    if isinstance(value, int):
        return value, value
    return (int(value[0]), int(value[1])) if isinstance(value, (tuple, list)) and len(value) == 2 else None


def _plus(one: Pair, other: Pair) -> Pair:
    return one[0] + other[0], one[1] + other[1]


def _fits(axis: str, given: int, window: int, step: int, pad: int, out: int) -> str:
    """At how many places a window fits along one axis."""
    whole = given + 2 * pad
    padded = f"With the padding there are {whole}" if pad else f"There are {whole}"
    down = ", rounded down" if (whole - window) % step else ""
    return (
        f"{padded} {axis}. The window of {window} fits into them at ({whole} − {window}) / {step} + 1 = {out} "
        f"places{down}"
    )


def by(size: Sequence[int]) -> str:
    """`28 × 28`."""
    return f"{size[0]} × {size[1]}"


def steps(stride: Pair) -> str:
    """`2 at a time`."""
    down, across = stride
    return f"{down if down == across else f'{down} down and {across} across'} at a time"


def surrounded(pad: Pair, filling: str) -> str:
    """`with 2 rows and columns of zeros on each side (padding 2)`."""
    down, across = pad
    count = f"{down} row{'s' * (down != 1)} and {across} column{'s' * (across != 1)}"
    if down == across:
        count = "one row and column" if down == 1 else f"{down} rows and columns"
    return f"with {count} of {filling} on each side (padding {_told(pad)})"


def _told(pair: Pair) -> str:
    return str(pair[0] if pair[0] == pair[1] else pair)
