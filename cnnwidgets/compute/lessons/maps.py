"""Questions about maps: what comes out of ReLU, and what comes out of pooling."""

from __future__ import annotations

from random import Random
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ..core import get_layer
from ..layers import Layer
from .looked import (
    Looked,
    NothingToAsk,
    Seen,
    before,
    begun,
    image_of,
    maps,
    name_of,
    named,
    number,
    one_of,
    varying,
)
from .question import Choice, Picture, Question, apart, limits
from .sizes import by, steps, surrounded

MIXED = 0.1
"""Of a map that is asked about, at least this share of the places is above 0, and below."""
POOLED = {"MaxPool2d": "max pooling", "AvgPool2d": "average pooling"}


def relu(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """What does ReLU make of this map? The others keep what is negative, turn its sign, or do nothing."""
    seen = one_of(look, random)
    found = [(row, given) for row, given in _behind(seen, "ReLU", layer) if _is_relu(seen, row, given)]
    if not found:
        raise NothingToAsk(f"{name_of(look)} has no ReLU right behind a layer with maps{_called(layer)}")
    mixed = []
    for row, given in found:
        values = seen.output(given.name).float()
        share = (values > 0).float().mean((1, 2))
        mixed += [(row, given, at) for at in varying(values) if MIXED < float(share[at]) < 1 - MIXED]
    if not mixed:
        raise NothingToAsk(f"no map before a ReLU has values above and below 0 for image {seen.index}")
    row, given, at = random.choice([each for each in mixed if each[0] is mixed[0][0]])
    values, scale = seen.output(given.name)[at].float(), limits(seen.output(given.name)[at].float())
    answers = {
        "negative numbers became 0": seen.output(row.name)[at].float(),
        "positive numbers became 0": values.clamp(max=0),
        "negative numbers lost their sign": values.abs(),
        "nothing changed": values,
    }
    right, *wrong = (Choice(picture=Picture(each, limits=scale), said=said) for said, each in answers.items())
    gone = float((values < 0).float().mean())
    why = (
        f"ReLU keeps each number above 0 as it is and puts 0 in place of each below: {gone:.0%} of this map became 0. "
        f"The largest number, {number(float(values.max()))}, is the same before and after."
    )
    shown = [Picture(values, text=f"map {at} of {named(given.name)}, before {named(row.name)}", limits=scale)]
    opens = ("ActivationView", {"index": seen.index, "layer": row.name, "channel": at})
    return Question("This map goes through ReLU. What comes out?", right, apart(right, wrong), why, shown, opens)


def pooling(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """What does pooling make of this map? The others pool it in another way, or are those of the most similar maps."""
    seen = one_of(look, random)
    found = [pair for kind in POOLED for pair in _behind(seen, kind, layer)]
    found = [(row, given) for row, given in found if _pools(look, seen, row, given)]
    if not found:
        raise NothingToAsk(
            f"{name_of(look)} has no max or average pooling right behind a layer with maps{_called(layer)}"
        )
    row, given = found[0] if layer is None else random.choice(found)
    module = get_layer(look.module, row.module)
    before_, after = seen.output(given.name).float(), seen.output(row.name).float()
    alive = varying(after)
    if not alive:
        raise NothingToAsk(f"all maps of {named(row.name)} are the same everywhere for image {seen.index}")
    at = random.choice(alive)
    scale = limits(before_[at])
    right = Choice(picture=Picture(after[at], limits=scale), said=POOLED[row.type])
    wrong = apart(
        right,
        [
            Choice(picture=Picture(each, limits=scale), said=said)
            for said, each in _misses(module, before_, after, at, row)
        ],
    )
    if not wrong:
        raise NothingToAsk(f"every way to pool map {at} of {named(given.name)} gives the same")
    window, pad = _pair(module.kernel_size), _pair(module.padding)
    kept = "largest number" if row.type == "MaxPool2d" else "mean"
    counted = "zeros, which count in the mean," if row.type == "AvgPool2d" else "padding, which is never the largest,"
    framed = f" {surrounded(pad, counted)}" if max(pad) else ""
    moves = steps(_pair(module.stride)) + (", also where a window reaches beyond the edge" if module.ceil_mode else "")
    why = (
        f"{begun(named(row.name))} is {POOLED[row.type]}: of each window of {by(window)} places it keeps the {kept}, "
        f"and moves on by {moves}. So {by(before_[at].shape)} places{framed} became {by(after[at].shape)}."
    )
    ask = f"{POOLED[row.type].capitalize()} with windows of {by(window)}, {moves}, goes over this map. What comes out?"
    shown = [image_of(look, seen), Picture(before_[at], text=f"map {at} of {named(given.name)}", limits=scale)]
    top, left = divmod(int(after[at].argmax()), after.shape[-1])
    opens = ("ConvolutionView", {"index": seen.index, "layer": row.name, "channel": at, "pixel": (top, left)})
    return Question(ask, right, wrong, why, shown, opens)


def _misses(
    module: Any, given: torch.Tensor, after: torch.Tensor, at: int, row: Layer
) -> list[tuple[str, torch.Tensor]]:
    """Other ways to make a map of that size, the nearest first."""
    one = given[at][None, None]
    window = {"kernel_size": module.kernel_size, "stride": module.stride, "padding": module.padding}
    window["ceil_mode"] = module.ceil_mode
    ways = {
        "max pooling": functional.max_pool2d(one, **window),
        "average pooling": functional.avg_pool2d(one, **window),
    }
    ways["the smallest number of each window"] = -functional.max_pool2d(-one, **window)
    down, across = _pair(module.stride)
    every = "every second number" if (down, across) == (2, 2) else f"one number of each {by((down, across))}"
    ways[every] = one[..., ::down, ::across]
    found = [(said, each[0, 0]) for said, each in ways.items() if said != POOLED[row.type]]
    flat = functional.normalize(after.flatten(1), dim=1)
    similar = [other for other in (flat @ flat[at]).argsort(descending=True, stable=True).tolist() if other != at]
    found += [(f"map {other}, pooled", after[other]) for other in similar[:2]]
    return [(said, each) for said, each in found if each.shape == after[at].shape]


def _behind(seen: Seen, kind: str, layer: str | None) -> list[tuple[Layer, Layer]]:
    """Layers of a class that put out maps, each with the one that ran right before."""
    rows = [row for row in maps(seen, seen.modules) if row.type == kind and layer in (None, row.name, row.module)]
    return [(row, given) for row in rows if (given := before(seen, row)) is not None]


def _is_relu(seen: Seen, row: Layer, given: Layer) -> bool:
    values, after = seen.output(given.name), seen.output(row.name)
    return values.shape == after.shape and bool((values.clamp(min=0) == after).all())


def _pools(look: Looked, seen: Seen, row: Layer, given: Layer) -> bool:
    """Whether the pooling layer made its maps of those of the layer before."""
    module: Any = get_layer(look.module, row.module)
    values = seen.output(given.name).float()
    if isinstance(module, nn.MaxPool2d) and _pair(module.dilation) != (1, 1):
        return False
    if isinstance(module, nn.AvgPool2d) and (module.divisor_override or not module.count_include_pad):
        return False  # what it keeps is no mean of all that the window lies on
    with torch.no_grad():
        window = (module.kernel_size, module.stride, module.padding)
        way = functional.max_pool2d if row.type == "MaxPool2d" else functional.avg_pool2d
        expected = way(values[None], *window, ceil_mode=module.ceil_mode)[0]
    after = seen.output(row.name).float()
    return expected.shape == after.shape and torch.allclose(expected, after, atol=1e-5)


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[1])) if isinstance(value, (tuple, list)) else (int(value), int(value))


def _called(layer: str | None) -> str:
    return "" if layer is None else f" that is called {layer!r}"
