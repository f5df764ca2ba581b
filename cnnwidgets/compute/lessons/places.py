"""Questions answered by a click in the image: where a unit looks, and which part counts most."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from ..core import get_layer
from ..layers import Layer
from ..occlusion import occlusion
from ..receptive_field import ReceptiveField, fields_of
from .looked import (
    Looked,
    NothingToAsk,
    called,
    class_scores,
    image_of,
    maps,
    name_of,
    named,
    number,
    one_of,
    scores,
    spread,
)
from .question import Box, Choice, Picture, Question, limits

OVERLAP = 0.55
"""Boxes that share more than this of their union cannot be told apart by a click."""
PARTS = 4
"""The patch of an occlusion is this many times smaller than the image."""
CLEAR = 0.8
"""A wrong place changes the score by at most this share of what the right one does."""

COUNTS = 0.03
"""A part is asked about that takes at least this share of the range of all scores."""


def receptive_field(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Where does a unit look? The others are a unit elsewhere, the layer's own window alone, a forgotten stride."""
    seen = one_of(look, random)
    ran = [row for row in maps(seen, seen.modules) if row.leaf]
    rows = [row for row in ran if layer in (None, row.name, row.module)]
    if not rows:
        raise NothingToAsk(f"{name_of(look)} has no layer with maps{'' if layer is None else f' called {layer!r}'}")
    fields = {
        each.layer: each for each in fields_of(look.module, look.items.batch(seen.item), ran, prepare=look.prepare)
    }
    usable = [row for row in rows if _usable(fields[row.name])]
    if not usable:
        raise NothingToAsk(f"the units of {name_of(look)} see one pixel, or nearly the whole image")
    gaps = next((at for at, row in enumerate(ran) if _skips(look, row, fields[row.name])), len(ran))
    usable = [row for row in usable if row in ran[:gaps]]
    if not usable:
        raise NothingToAsk(f"the units of {name_of(look)} see parts of the image with gaps (dilation), so no whole box")
    row = random.choice(usable)
    field = fields[row.name]
    channel, unit = random.randrange(row.channels), _unit(field, random)
    right = _box(field, *unit)
    wrong = _apart(right, _misses(look, field, row, unit, random))
    if not wrong:
        raise NothingToAsk(f"all units of {named(row.name)} see nearly the same")
    top, left, bottom, right_end = field.box(*unit)
    why = (
        f"The unit at row {unit[0]}, column {unit[1]} of {named(row.name)} sees rows {top} to {bottom - 1} and columns "
        f"{left} to {right_end - 1}: {bottom - top} × {right_end - left} pixels. Two neighbours in the map look at "
        f"places {_words(field.stride)}, and each window on the way has widened what they see."
    )
    values = seen.output(row.name)[channel].float()
    mark = (unit[1], unit[0], unit[1] + 1, unit[0] + 1)
    text = f"map {channel} of {named(row.name)}, {values.shape[0]} × {values.shape[1]}"
    shown = [Picture(values, text=text, limits=limits(values), boxes=[mark]), image_of(look, seen)]
    opens = ("ReceptiveFieldView", {"index": seen.index, "layer": row.name, "channel": channel, "unit": unit})
    ask = f"One unit of {named(row.name)} is framed in its map. Which part of the image does it see?"
    return Question(ask, Choice(box=right, said="what it sees"), wrong, why, shown, opens)


def most_important(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Which patch, when hidden, takes most from the score? The others are the next places, and one full of detail."""
    seen = one_of(look, random)
    if seen.item.image is None or look.prepare is not None:
        raise NothingToAsk("only an image that goes into the network as it is can be covered")
    output = scores(look, seen.item)
    target = int(output.argmax())
    height, width = (int(size) for size in seen.item.image.shape[-2:])
    side = (max(1, -(-height // PARTS)), max(1, -(-width // PARTS)))
    settings: dict[str, Any] = {
        "target": target,
        "window": side,
        "stride": side,
        "score": class_scores,
        "progress": False,
    }
    found = occlusion(look.module, seen.item.image, **settings)
    change = found.change.reshape(-1)
    order = change.argsort(descending=True, stable=True).tolist()
    most = float(change[order[0]])
    clear = [at for at in order[1:] if float(change[at]) <= CLEAR * most]
    if most < COUNTS * spread(output) or not clear:
        raise NothingToAsk(f"no part of image {seen.index} counts clearly more for {called(look, target, len(output))}")
    boxes = found.boxes.reshape(-1, 4).tolist()
    picture = image_of(look, seen)
    detail = max(clear, key=lambda at: _detail(picture, boxes[at]))
    chosen = list(dict.fromkeys([clear[0], detail, *clear[1:]]))[:3]
    name = called(look, target, len(output))
    why = (
        f"Hiding it takes {number(most)} from the score of {name}, which is {number(float(output[target]))} for the "
        f"whole image; hiding the others changes it by {', '.join(number(-float(change[at])) for at in chosen)}. What "
        "is bright or full of detail for us need not be what the network goes by."
    )
    right = Choice(box=_ordered(boxes[order[0]]), said=f"{number(-most)}")
    wrong = [Choice(box=_ordered(boxes[at]), said=f"{number(-float(change[at]))}") for at in chosen]
    top, left = (int(edge) for edge in boxes[order[0]][:2])
    opens: tuple[str, dict[str, Any]] = (
        "OcclusionView",
        {"index": seen.index, "target": target, "window": side, "top": top, "left": left},
    )
    ask = f"The network says {name}. Which part, when it is covered, takes most from the score of {name}?"
    return Question(ask, right, wrong, why, [picture], opens)


def _usable(field: ReceptiveField) -> bool:
    """Whether the fields are larger than a pixel, and smaller than half the image."""
    if field.everything or min(field.grid) < 2:
        return False
    top, left, bottom, right = field.box(field.grid[0] // 2, field.grid[1] // 2)
    area = (bottom - top) * (right - left)
    return area > 1 and area < 0.5 * field.image[0] * field.image[1]


def _skips(look: Looked, row: Layer, field: ReceptiveField) -> bool:
    """Whether a layer skips pixels within the boxes of its units: a box would say that they see all of it.

    A window reads places `dilation` units of its input apart; each of these sees `size` pixels, and neighbours begin
    `stride` pixels apart. Between them nothing is skipped where dilation times stride is at most size.
    """
    module = get_layer(look.module, row.module)
    settings = [_both(getattr(module, name, 1)) for name in ("kernel_size", "dilation", "stride")]
    for size, apart, window, dilation, step in zip(_both(field.size), _both(field.stride), *settings, strict=True):
        before = apart / step
        if window > 1 and dilation * before > size - dilation * (window - 1) * before:
            return True
    return False


def _both(value: Any) -> tuple[float, float]:
    """(height, width) of a number or a pair; 1 where it is neither."""
    if isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(each, (int, float)) for each in value):
        return float(value[0]), float(value[1])
    return (float(value), float(value)) if isinstance(value, (int, float)) else (1.0, 1.0)


def _unit(field: ReceptiveField, random: Random) -> tuple[int, int]:
    """A unit by lot, not in the middle, where mistakes could not be told from the truth."""
    rows, columns = field.grid
    units = [(row, column) for row in range(rows) for column in range(columns)]
    random.shuffle(units)

    def off(unit: tuple[int, int]) -> bool:
        top, left, bottom, right = field.box(*unit)
        whole = field.box(rows // 2, columns // 2)
        cut = (bottom - top) * (right - left) < 0.7 * (whole[2] - whole[0]) * (whole[3] - whole[1])
        return not cut and abs(unit[0] - unit[1]) > min(rows, columns) / 5

    return next(filter(off, units), units[0])


def _misses(look: Looked, field: ReceptiveField, row: Layer, unit: tuple[int, int], random: Random) -> Iterator[Choice]:
    """Boxes that mistakes lead to, the likeliest first."""
    rows, columns = field.grid
    right = _box(field, *unit)
    window = getattr(get_layer(look.module, row.module), "kernel_size", None)
    down, across = window if isinstance(window, (tuple, list)) and len(window) == 2 else (window, window)
    if isinstance(down, int) and isinstance(across, int) and down > 1:
        middle, centre = (right[1] + right[3]) // 2, (right[0] + right[2]) // 2
        box = (centre - across // 2, middle - down // 2, centre - across // 2 + across, middle - down // 2 + down)
        yield Choice(box=_within(box, field), said=f"only the window of {named(row.name)} itself")
    high, wide = right[3] - right[1], right[2] - right[0]
    yield Choice(
        box=_within((unit[1], unit[0], unit[1] + wide, unit[0] + high), field), said="row and column without the stride"
    )
    others = [(unit[1], unit[0]), (rows - 1 - unit[0], columns - 1 - unit[1]), (unit[0], columns - 1 - unit[1])]
    steps = [(down_, across_) for down_ in (-3, 3, -2, 2) for across_ in (-3, 3, -2, 2)]
    random.shuffle(steps)
    for at, across_ in [*others, *((unit[0] + down_, unit[1] + across_) for down_, across_ in steps)]:
        if 0 <= at < rows and 0 <= across_ < columns:
            yield Choice(box=_box(field, at, across_), said=f"what the unit at row {at}, column {across_} sees")


def _apart(right: Box, candidates: Iterator[Choice], most: int = 3) -> list[Choice]:
    kept: list[Choice] = []
    for choice in candidates:
        box = choice.box
        assert box is not None
        others = [right, *(each.box for each in kept if each.box is not None)]
        if (
            len(kept) < most
            and box[2] > box[0]
            and box[3] > box[1]
            and all(shared(box, each) < OVERLAP for each in others)
        ):
            kept.append(choice)
    return kept


def shared(one: Box, other: Box) -> float:
    """The part that two boxes have in common, as a share of what both cover."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / max(areas - wide * high, 1e-9)


def _box(field: ReceptiveField, row: int, column: int) -> Box:
    return _ordered(field.box(row, column))


def _ordered(box: Any) -> Box:
    """From top, left, bottom, right."""
    top, left, bottom, right = (float(edge) for edge in box)
    return left, top, right, bottom


def _within(box: Box, field: ReceptiveField) -> Box:
    height, width = field.image
    left, right = (float(min(max(edge, 0), width)) for edge in (box[0], box[2]))
    top, bottom = (float(min(max(edge, 0), height)) for edge in (box[1], box[3]))
    return left, top, right, bottom


def _detail(picture: Picture, box: Any) -> float:
    top, left, bottom, right = map(int, box)
    return float(picture.values[:, top:bottom, left:right].std(correction=0))


def _words(value: Any) -> str:
    return (
        f"{value[0]:g} px apart down and {value[1]:g} px across" if isinstance(value, tuple) else f"{value:g} px apart"
    )
