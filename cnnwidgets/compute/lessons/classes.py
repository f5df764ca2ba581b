"""Questions about classes: which loses most without a channel, and what softmax makes of their scores."""

from __future__ import annotations

from random import Random

import torch

from ..filters import convolutions
from ..interventions import Ablate, EditedTwin
from .looked import (
    TRIES,
    Looked,
    NothingToAsk,
    Seen,
    called,
    convolution,
    image_of,
    name_of,
    named,
    number,
    one_of,
    scores,
    spread,
)
from .question import Choice, Picture, Question, apart, limits

CLEAR = 0.85
"""The class that comes second loses at most this share of what the first one does."""
COUNTS = 0.01
"""A channel is asked about that takes at least this share of the range of all scores from a class."""
SHOWN = 4


def which_class(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Which class loses most when a channel is off? The others lose nearly as much, or are what the network says."""
    seen = one_of(look, random)
    whole = scores(look, seen.item)
    known = {row.module for row in convolutions(look.module)}
    rows = [
        row for row in seen.modules if row.module in known and row.ran and row.reason is None and row.kind == "maps"
    ]
    if layer is not None:
        rows = [convolution(look, seen, layer)]
    if not rows:
        raise NothingToAsk(f"{name_of(look)} has no convolution, so no channel to be switched off")
    for _ in range(TRIES):
        row = random.choice(rows)
        channel = random.randrange(row.channels)
        if not float(seen.output(row.name)[channel].abs().max()) > 0:
            continue
        twin = EditedTwin(look.module, {row.name: Ablate(channels=[channel])}, prepare=look.prepare)
        change = scores(look, seen.item, twin.module) - whole
        order = change.argsort(stable=True).tolist()
        if float(change[order[0]]) <= -COUNTS * spread(whole) and float(change[order[1]]) > CLEAR * float(
            change[order[0]]
        ):
            break
    else:
        raise NothingToAsk(f"no channel that was tried takes clearly more from one class for image {seen.index}")

    def choice(target: int) -> Choice:
        return Choice(called(look, target, len(whole)), said=number(float(change[target])))

    best = whole.argsort(descending=True, stable=True).tolist()
    near = list(dict.fromkeys([order[1], best[0], best[1], *order[2:]]))
    wrong = apart(choice(order[0]), [choice(target) for target in near if target != order[0]])
    told = ", ".join(f"{each.text} {each.said}" for each in (choice(order[0]), *wrong))
    why = (
        f"Without channel {channel} of {named(row.name)} the scores change by: {told}. A channel is no class of its "
        "own: all later layers build on it, and each class goes by many."
    )
    shown = [image_of(look, seen)]
    values = seen.output(row.name)[channel].float()
    if values.ndim == 2:
        shown.append(Picture(values, text=f"channel {channel} of {named(row.name)}", limits=limits(values)))
    opens = ("InterventionView", {"index": seen.index, "layer": row.name, "channel": channel, "off": (channel,)})
    ask = f"Channel {channel} of {named(row.name)} is switched off: all of its map becomes 0. Which class loses most?"
    return Question(ask, choice(order[0]), wrong, why, shown, opens)


def softmax(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """How probable is the first class by softmax? The others share the scores out otherwise."""
    seen, output = _least_certain(look, random)
    best = output.topk(min(SHOWN, len(output)))
    first, second = (called(look, int(target), len(output)) for target in best.indices[:2])
    shares = output.double().softmax(0)
    top = float(shares.max())
    rest = output.clamp(min=0).double()
    misses = [
        float((output.double() / 2).softmax(0).max()),
        float(rest.max() / rest.sum()) if float(rest.sum()) > 0 else 0.5,
        float(shares.topk(2).values[1]),
        1 / len(output),
        0.5,
    ]
    right = Choice(_percent(top), said="softmax")
    names = [
        "half the scores",
        "its part of all scores above 0",
        f"the probability of {second}",
        "one of all classes",
        "half",
    ]
    wrong = apart(right, [Choice(_percent(share), said=said) for share, said in zip(misses, names, strict=True)])
    gap = float(best.values[0] - best.values[1])
    told = ", ".join(
        f"{called(look, int(at), len(output))} {number(float(value))}" for value, at in zip(*best, strict=True)
    )
    ask = f"The highest of {len(output)} scores are {told}. How probable is {first}, by softmax?"
    factor = torch.tensor(gap).exp()
    why = (
        f"Softmax raises e to each score and divides by the sum. Here {first} is ahead of {second} by {number(gap)}, "
        f"which makes it e to the {number(gap)} = {number(float(factor))} times as probable: {_percent(top)}. "
        "All probabilities together are 100 %."
    )
    last = [row.name for row in seen.modules if row.ran and row.leaf and row.kind == "vector"]
    opens = ("ActivationView", {"index": seen.index, "layer": last[-1]}) if last else None
    return Question(ask, right, wrong, why, [image_of(look, seen)], opens)


def _least_certain(look: Looked, random: Random) -> tuple[Seen, torch.Tensor]:
    """Of some images that with the least certain prediction: of one that is certain there is nothing to work out."""
    found: list[tuple[float, int, Seen]] = []
    for attempt in range(TRIES):
        seen = one_of(look, random)
        if seen.prediction is None:
            raise NothingToAsk(f"{name_of(look)} puts out no scores of two or more classes")
        if seen.prediction.source != "softmax":
            raise NothingToAsk(f"{name_of(look)} puts out probabilities, so no softmax comes behind it")
        found.append((seen.prediction.probabilities[0], attempt, seen))
    seen = min(found)[2]
    return seen, scores(look, seen.item)


def _percent(share: float) -> str:
    if share >= 0.9995:
        return "100 %"
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{number(100 * share)} %"
