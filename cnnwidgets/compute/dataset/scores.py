"""Class probabilities from what a network returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch

from ..core import are_probabilities


class Prediction(NamedTuple):
    """The most probable classes of one image, the best first.

    `targets` are class numbers, `probabilities` are in [0, 1], `source` is their origin: `softmax` of logits, or
    `probabilities` if the network returns them; `shares` are the probabilities of all classes.
    """

    targets: list[int]
    probabilities: list[float]
    source: str
    shares: list[float]


def predict(output: torch.Tensor | None, count: int = 5) -> Prediction | None:
    """Top classes of one image.

    Parameters
    ----------
    output : torch.Tensor or None
        (K,) or (1, K) logits or probabilities, K >= 2. Values that `are_probabilities` are treated as such.
    count : int
        Maximum number of classes.

    Returns
    -------
    Prediction or None
        None if `output` is not class scores: not a tensor, another shape, or not finite.
    """
    if output is None or output.is_complex() or output.numel() < 2 or output.numel() != output.shape[-1]:
        return None
    scores = output.detach().flatten().double()
    if not torch.isfinite(scores).all():
        return None
    given = are_probabilities(scores)
    probabilities = scores if given else scores.softmax(0)
    best = probabilities.topk(min(count, scores.numel()))
    source = "probabilities" if given else "softmax"
    return Prediction(best.indices.tolist(), best.values.tolist(), source, probabilities.tolist())


def scores_of(output: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
    """The class scores among the tensors that a network returned: `logits`, `out`, or the first."""
    for name in ("logits", "out", ""):
        if name in output:
            return output[name]
    return next(iter(output.values()), None)
