"""Questions about filters: which one made a map, and which map one makes."""

from __future__ import annotations

from random import Random

import torch

from ..core import get_layer
from ..filters import filters as filters_of
from ..filters import find_convolution
from ..layers import Layer
from .looked import Looked, NothingToAsk, Seen, convolution, image_of, named, number, one_of, varying
from .question import Choice, Picture, Question, apart, limits

TILES = 16
"""Kernels of a filter that are drawn at most: of more, nobody can compare two by eye."""


def which_filter(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Which of these filters made this map? The others are those whose weights are most similar."""
    seen, row, kernels, maps, right = _drawn(look, random, layer)
    order = [at for at in _similar(kernels, right) if not _scaled(maps[at], maps[right])]
    few = [right, *order[: 4 * 3]]
    scale = limits(*(kernels[at] for at in few))

    def choice(at: int) -> Choice:
        return Choice(picture=Picture(kernels[at], "kernel", limits=scale), said=f"filter {at}")

    wrong = apart(choice(right), map(choice, order))
    if not wrong:
        raise NothingToAsk(f"the filters of {named(row.name)} are all alike")
    top, left = divmod(int(maps[right].argmax()), maps.shape[-1])
    others = [int(each.said.split()[1]) for each in wrong]
    told = ", ".join(f"filter {at} gives {number(float(maps[at, top, left]))}" for at in others)
    why = (
        f"Filter {right} made it. Where the map is largest, at row {top}, column {left}, filter {right} gives "
        f"{number(float(maps[right, top, left]))}; {told}. Blue weights count against what lies under them, red ones "
        "for it."
    )
    shown = [image_of(look, seen), Picture(maps[right], text=f"a map of {named(row.name)}", limits=limits(maps[right]))]
    opens = ("ConvolutionView", _place(seen, row, right, (top, left)))
    return Question("Which of these filters made this map?", choice(right), wrong, why, shown, opens)


def which_map(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Which map does this filter make of the image? The others are the most similar maps of other filters."""
    seen, row, kernels, maps, right = _drawn(look, random, layer)
    order = _similar(maps, right)
    scale = limits(*(maps[at] for at in [right, *order[: 4 * 3]]))

    def choice(at: int) -> Choice:
        return Choice(picture=Picture(maps[at], limits=scale), said=f"map {at}")

    wrong = apart(choice(right), [choice(at) for at in order if not _scaled(maps[at], maps[right])])
    if not wrong:
        raise NothingToAsk(f"the maps of {named(row.name)} are all alike")
    top, left = divmod(int(maps[right].argmax()), maps.shape[-1])
    first = row.name == convolution(look, seen, None).name
    given = "the image" if first else f"what goes into {named(row.name)} for the image"
    why = (
        f"Map {right} is the answer of filter {right}: one number for each place where the filter was laid. It is "
        f"largest, {number(float(maps[right, top, left]))}, at row {top}, column {left}: there {given} is most like "
        "the filter. The other maps are answers of other filters to the same."
    )
    kernel = Picture(
        kernels[right], "kernel", text=f"filter {right} of {named(row.name)}", limits=limits(kernels[right])
    )
    opens = ("ConvolutionView", _place(seen, row, right, (top, left)))
    ask = f"Which map does this filter make of {given}?"
    return Question(ask, choice(right), wrong, why, [image_of(look, seen), kernel], opens)


def _drawn(look: Looked, random: Random, layer: str | None) -> tuple[Seen, Layer, torch.Tensor, torch.Tensor, int]:
    """An image, a convolution, the kernels (N, C, H, W) and maps (N, H', W') of all its filters, and one by lot."""
    seen = one_of(look, random)
    row = convolution(look, seen, layer)
    found = filters_of(look.module, find_convolution(look.module, row.module)[0])
    if found.weights.ndim != 4 or found.channels > TILES:
        count = found.channels * found.planes
        raise NothingToAsk(
            f"each filter of {named(row.name)} has {count} kernels: more than {TILES} cannot be compared by eye"
        )
    if getattr(get_layer(look.module, row.module), "groups", 1) > 1:
        raise NothingToAsk(
            f"each filter of {named(row.name)} sees a part of the channels (groups), not all that goes in"
        )
    maps = seen.output(row.name).detach().float()
    alive = varying(maps)
    if not alive:
        raise NothingToAsk(f"all maps of {named(row.name)} are the same everywhere for image {seen.index}")
    if len(maps) < 2:
        raise NothingToAsk(f"{named(row.name)} has one filter alone, so there is nothing to choose")
    return seen, row, found.weights.float(), maps, random.choice(alive)


def _similar(values: torch.Tensor, right: int) -> list[int]:
    """The others by cosine similarity, the most similar first."""
    vectors = torch.nn.functional.normalize(values.flatten(1).nan_to_num(0, 0, 0), dim=1)
    order = (vectors @ vectors[right]).argsort(descending=True, stable=True).tolist()
    return [at for at in order if at != right and bool(values[at].isfinite().all())]


def _scaled(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two maps are the same but for a factor and an offset: then nobody could say whose it is."""
    first, second = (torch.nn.functional.normalize((each - each.mean()).flatten(), dim=0) for each in (one, other))
    return bool(first.isfinite().all()) and float(first @ second) > 0.98


def _place(seen: Seen, row: Layer, channel: int, pixel: tuple[int, int]) -> dict[str, object]:
    return {"index": seen.index, "layer": row.name, "channel": channel, "pixel": pixel}
