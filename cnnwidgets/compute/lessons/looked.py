"""What questions are about, a network and its images, and how an image and a layer are drawn by lot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeAlias

import torch
from torch import nn

from ..core import OUTPUT, ForwardError, leaves
from ..dataset import Item, Items, OutputNames, Prediction, predict, scores_of
from ..filters import convolutions, find_convolution
from ..layers import Layer, LayerTable, run
from .question import CHANNELS, SLACK, Picture, Question

TRIES = 12
"""Images, or channels, that are tried before there is nothing to ask."""

VARIES = 0.02
"""A map that is asked about has at least this range, as a share of the largest number of all maps of its layer."""


class Seen(Protocol):
    """One image as the network sees it, such as `cw.Subject.at` gives it."""

    index: int
    item: Item
    modules: LayerTable
    prediction: Prediction | None

    def output(self, layer: str) -> torch.Tensor:
        """Output of a layer, without the batch axis."""


class Looked(Protocol):
    """A network and its images, such as a `cw.Subject`."""

    module: nn.Module
    items: Items
    names: OutputNames
    prepare: Any

    def at(self, index: int) -> Any:
        """The image as the network sees it, a `Seen`."""


Asks: TypeAlias = Callable[[Any, Random], Question]
"""`ask(subject, random)` gives a question, or raises NothingToAsk with the reason."""


class NothingToAsk(ValueError):
    """A question does not apply to this network or these images; says why."""


def one_of(look: Looked, random: Random) -> Seen:
    """An image by lot; one that the network refuses is left out.

    Raises
    ------
    ForwardError
        It refuses all that were tried.
    """
    for attempt in range(TRIES):
        try:
            seen: Seen = look.at(random.randrange(len(look.items)))
            return seen
        except ForwardError:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def image_of(look: Looked, seen: Seen, **options: Any) -> Picture:
    """The image as it is seen."""
    if seen.item.image is None:
        raise NothingToAsk("the items of this data set hold no image that could be shown")
    image = look.items.picture(seen.item.image).float()
    text = f"image {seen.index}" + (f", {seen.item.text}" if seen.item.text else "")
    if len(image) not in CHANNELS:
        text, image = f"{text}, mean of {len(image)} channels", image.mean(0, keepdim=True)
    low, high = float(image.min()), float(image.max())
    if low < -SLACK or high > 1 + SLACK:
        image = (image - low) / ((high - low) or 1.0)
    return Picture(image, "image", **{"text": text} | options)


def scores(look: Looked, item: Item, module: nn.Module | None = None) -> torch.Tensor:
    """(K,): what the network, or a twin of it, puts out for an image."""
    images = look.items.batch(item)
    found = run(module or look.module, images, [OUTPUT], prepare=look.prepare, device="cpu").output
    output = scores_of(found)
    if output is None or predict(output) is None:
        raise NothingToAsk(f"{name_of(look)} puts out no scores of two or more classes")
    return output.detach().flatten().float()


def class_scores(output: Any) -> Any:
    """The class scores in what a network returned: a tensor, or one that holds it, as `scores` finds them."""
    return scores_of({path: value for path, value in leaves(output) if torch.is_tensor(value)})


def called(look: Looked, target: int, count: int) -> str:
    """What one of so many classes is called."""
    return look.names.called(target, count)


def maps(seen: Seen, rows: Sequence[Layer]) -> list[Layer]:
    """Those of the rows that put out maps (C, H, W) of more than one place."""
    return [
        row
        for row in rows
        if row.ran and row.reason is None and row.kind == "maps" and row.layout == "first" and min(row.size) > 1
    ]


def convolution(look: Looked, seen: Seen, layer: str | None) -> Layer:
    """The convolution that is asked about: the first one, or that of this name.

    Raises
    ------
    LookupError, TypeError
        The name is that of no layer, or of one that is no convolution.
    NothingToAsk
        There is none that puts out maps.
    """
    if layer is not None:
        name, _ = find_convolution(look.module, layer)
        found = maps(seen, [row for row in seen.modules if row.module == name])
        if not found:
            raise NothingToAsk(f"layer {layer!r} puts out no maps")
        return found[0]
    known = {row.module for row in convolutions(look.module)}
    found = maps(seen, [row for row in seen.modules if row.module in known])
    if not found:
        raise NothingToAsk(f"{name_of(look)} has no convolution that puts out maps, so no filter")
    return found[0]


def before(seen: Seen, row: Layer) -> Layer | None:
    """The layer that ran right before, where it put out maps."""
    rows = [each for each in seen.modules if each.ran and each.leaf]
    at = next((at for at, each in enumerate(rows) if each.name == row.name), 0)
    return rows[at - 1] if at and maps(seen, [rows[at - 1]]) else None


def name_of(look: Looked) -> str:
    """What the network is called."""
    return type(look.module).__name__


def named(layer: str) -> str:
    """What a layer is called in a sentence: `C1`; `layer 2` where its name is a number."""
    return f"layer {layer}" if layer.replace(".", "").replace(":", "").isdigit() else layer


def begun(words: str) -> str:
    """The words at the beginning of a sentence: `Layer 2`; other names keep their letters."""
    return words.replace("layer ", "Layer ", 1) if words.startswith("layer ") else words


def varying(values: torch.Tensor) -> list[int]:
    """Those of the maps (C, H, W) whose range is more than rounding, and can be seen beside the others."""
    known = values.float().nan_to_num(0, 0, 0)
    ranges = known.amax((1, 2)) - known.amin((1, 2))
    whole = values.isfinite().all(2).all(1) & (ranges > VARIES * known.abs().max())
    return whole.nonzero().flatten().tolist()


def spread(scores: torch.Tensor) -> float:
    """What a change of a class score is measured by: the range of all scores; 1 % of the largest at least."""
    return max(float(scores.max() - scores.min()), 0.01 * float(scores.abs().max()))


def number(value: float) -> str:
    """Three significant digits, with a real minus sign."""
    return f"{value + 0.0:.3g}".replace("-", "−")
