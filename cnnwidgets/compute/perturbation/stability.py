"""Scores of one image while it is changed more and more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..core import are_probabilities, call, describe, plain
from ..inputs import as_images
from ..layers import apart
from ..shadow import looking
from .changes import checked_change, checked_limits, limits_of, series

MOST, AT_ONCE = 1000, 64
"""Values of one curve, and images of one batch."""


@dataclass(frozen=True)
class Stability:
    """How the scores of an image follow a change.

    Attributes
    ----------
    change : str
        Which change.
    values : list of float
        V values of it.
    scores : torch.Tensor
        (V, K) probabilities of all classes, in [0, 1].
    """

    change: str
    values: list[float]
    scores: torch.Tensor

    @property
    def targets(self) -> list[int]:
        """The class with the highest score at each value."""
        found: list[int] = self.scores.argmax(1).tolist()
        return found

    @property
    def flips(self) -> list[tuple[float, int, int]]:
        """Where the prediction becomes another: half-way between two values, the class before, and the one after."""
        pairs = zip(self.values, self.values[1:], self.targets, self.targets[1:], strict=False)
        return [((low + high) / 2, before, after) for low, high, before, after in pairs if before != after]


def stability(
    model: nn.Module,
    image: Any,
    change: str,
    values: Sequence[float],
    *,
    limits: tuple[float, float] | None = None,
    seed: int = 0,
    transform: Callable[[torch.Tensor], torch.Tensor] | None = None,
    **others: float,
) -> Stability:
    """Scores of a classifier for one image as one change runs over a range, in batches of 64 images.

    Parameters
    ----------
    model : torch.nn.Module
        Run in evaluation mode and left unchanged. It puts out (N, K) logits or probabilities.
    image : torch.Tensor or numpy.ndarray
        (C, H, W) or (1, C, H, W), as the model takes it.
    change : str
        A name of those that `perturb` takes: `"rotate"`.
    values : sequence of float
        V of its values, 1 to 1000.
    limits : tuple of float, optional
        As of `perturb`.
    seed : int
        Of the noise, whose pattern is the same for each value.
    transform : callable, optional
        Of the changed images (N, C, H, W), before the model takes them: a normalisation, so that it is the picture that
        is changed.
    **others : float
        Changes that are the same for each value.

    Returns
    -------
    Stability

    Raises
    ------
    TypeError, ValueError
        As of `perturb`; there is more than one image, or no value; the model puts out no class scores.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> found = cw.stability(cw.models.lenet5(pretrained=True), cw.data.digits()[0][0], "rotate", range(-90, 91, 30))
    >>> tuple(found.scores.shape)
    (7, 10)
    """
    given = [checked_change(change, value) for value in values]
    if not 0 < len(given) <= MOST:
        raise ValueError(f"values must be 1 to {MOST} numbers, not {len(given)}")
    if change in others:
        raise TypeError(f"{change} is what runs over `values`; it cannot have another value too")
    fixed = {name: checked_change(name, value) for name, value in others.items()}
    module = plain(model)
    pixels = as_images(module, image)
    if len(pixels) != 1:
        raise ValueError(f"stability is of one image, not of {len(pixels)}")
    ends = limits_of(pixels) if limits is None else checked_limits(limits)
    batch = series(pixels, ends, fixed, change, given, seed)
    if transform is not None:
        batch = transform(batch)
    found: list[torch.Tensor] = []
    with looking(model) as shadow:
        for part in apart(module, batch, at_once=AT_ONCE):
            found.append(_scores(call(shadow, part), len(part)))
    logits = torch.cat(found).detach().double().cpu()
    return Stability(change, given, logits if are_probabilities(logits) else logits.softmax(1))


def _scores(output: Any, count: int) -> torch.Tensor:
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != count or output.is_complex():
        found = describe(output) if isinstance(output, torch.Tensor) else f"a {type(output).__name__}"
        raise TypeError(f"stability needs a model that puts out class scores (N, K), not {found}")
    return output
