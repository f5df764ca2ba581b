"""A question about training: which curve belongs to a learning rate, as the last layer learns once more."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from torch import nn
from torch.nn import functional

from ..convolution import layer_pass
from ..core import ForwardError, get_layer
from .looked import Looked, NothingToAsk, begun, name_of, named, one_of
from .question import Choice, Picture, Question, apart

IMAGES, STEPS = 24, 24
FACTORS = (0.02, 0.15, 1.0, 6.0)
"""Learning rates, in units of 1 by the largest curvature of the loss; beyond 2 a step may raise it."""


def which_rate(look: Looked, random: Random, *, layer: str | None = None) -> Question:
    """Which curve belongs to this learning rate? The others are those of smaller and larger ones."""
    name, vectors, labels, index = _vectors(look, random, layer)
    # softmax regression: no curvature of the loss exceeds half the largest eigenvalue of the second moments
    whole = torch.cat([vectors, torch.ones(len(vectors), 1)], 1).double()
    steepest = float(torch.linalg.matrix_norm(whole, 2)) ** 2 / len(whole) / 2
    if not steepest > 0:
        raise NothingToAsk(f"what goes into {named(name)} is 0 for all images: nothing can be learned of it")
    rates = [float(f"{factor / steepest:.1g}") for factor in FACTORS]
    curves = [losses(vectors, labels, rate, STEPS) for rate in rates]
    top = 1.5 * float(curves[0][0])
    limits = (0.0, top)

    def choice(at: int) -> Choice:
        picture = Picture(curves[at].clamp(max=top), "curve", limits=limits)
        return Choice(picture=picture, said=f"learning rate {rates[at]:g}")

    right = random.randrange(len(rates))
    near = sorted((at for at in range(len(rates)) if at != right), key=lambda at: abs(at - right))
    wrong = apart(choice(right), map(choice, near))
    if not wrong:
        raise NothingToAsk(f"every learning rate gives the same curve for {named(name)}")
    ends = ", ".join(f"{rate:g} to {float(curve[-1]):.2g}" for rate, curve in zip(rates, curves, strict=True))
    why = (
        f"After {STEPS} steps the loss came from {float(curves[0][0]):.2g} with the rate {ends}. A small rate is safe "
        "and slow; a larger one is quicker; one that is too large steps over the valley, and the loss jumps."
    )
    ask = (
        f"{begun(named(name))}, the last layer, forgets all and learns {len(set(labels.tolist()))} classes from "
        f"{len(vectors)} images, in {STEPS} steps. Which is the curve of its loss with the learning rate "
        f"{rates[right]:g}?"
    )
    return Question(ask, choice(right), wrong, why, (), ("ActivationView", {"index": index, "layer": name}))


def losses(vectors: torch.Tensor, labels: torch.Tensor, rate: float, steps: int) -> torch.Tensor:
    """(steps + 1,): the loss of a linear layer that begins with zeros, before each step and at the end.

    Parameters
    ----------
    vectors : torch.Tensor
        (N, D): what goes into the layer.
    labels : torch.Tensor
        (N,): the right class of each, from 0.
    rate : float
        Learning rate.
    steps : int
        Steps over all N together.

    Examples
    --------
    >>> import torch
    >>> [round(loss, 3) for loss in losses(torch.eye(2), torch.tensor([0, 1]), 1.0, 1).tolist()]
    [0.693, 0.474]
    """
    whole = torch.cat([vectors, torch.ones(len(vectors), 1)], 1).double()
    truth = functional.one_hot(labels).double()
    weights = torch.zeros(truth.shape[1], whole.shape[1], dtype=torch.float64)
    found = []
    for _ in range(steps + 1):
        logits = whole @ weights.T
        found.append(functional.cross_entropy(logits, labels))
        weights = weights - rate * (logits.softmax(1) - truth).T @ whole / len(whole)
    return torch.stack(found).float()


def _vectors(look: Looked, random: Random, layer: str | None) -> tuple[str, torch.Tensor, torch.Tensor, int]:
    """The last linear layer, what goes into it for some images (N, D), their labels from 0 (N,), one image."""
    seen = one_of(look, random)
    rows = [row for row in seen.modules if row.kind == "vector" and row.ran]
    rows = [row for row in rows if type(get_layer(look.module, row.module)) is nn.Linear]  # a quantised one is another
    if layer is not None:
        rows = [row for row in rows if layer in (row.name, row.module)]
    if not rows:
        raise NothingToAsk(f"{name_of(look)} has no linear layer at its end that could learn once more")
    name = rows[-1].name
    count = min(IMAGES, len(look.items))
    vectors: list[torch.Tensor] = []
    labels: list[int] = []
    for index in random.sample(range(len(look.items)), count):
        try:
            item = look.items[index]
            if item.label is None:
                continue
            passed = layer_pass(look.module, look.items.batch(item), name, prepare=look.prepare, device="cpu")
        except ForwardError:
            continue
        vectors.append(passed.input.detach().flatten().float())
        labels.append(item.label)
    return name, _stacked(vectors), _numbered(labels), seen.index


def _stacked(vectors: Sequence[torch.Tensor]) -> torch.Tensor:
    if len(vectors) < 2:
        raise NothingToAsk("fewer than two images have the number of a class as label")
    return torch.stack(list(vectors)).nan_to_num(0, 0, 0)


def _numbered(labels: Sequence[int]) -> torch.Tensor:
    known = sorted(set(labels))
    if len(known) < 2:
        raise NothingToAsk(f"all {len(labels)} images that were drawn are of one class: there is nothing to learn")
    return torch.tensor([known.index(label) for label in labels])
