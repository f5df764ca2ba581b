"""Sanity check with random weights: an attribution that does not change is independent of the learned weights.

Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from ...late import imported
from ..core import check_numbers, describe, in_one_line, plain, same_random_state


def randomized(model: nn.Module, seed: int = 0) -> nn.Module:
    """A copy of a network with randomly reinitialised weights.

    Layers with `reset_parameters` are initialised as before training, including running means and variances. Other
    parameters, and those of normalised weights, are drawn from a normal distribution with their mean and standard
    deviation.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; unchanged, as is the global random state.
    seed : int
        Random seed.

    Returns
    -------
    torch.nn.Module
        The copy, without gradients, on the same device and in the same modes.

    Raises
    ------
    TypeError
        The model cannot be copied; the message gives the reason.
    """
    check_numbers(model)
    module = plain(model)
    try:
        network = copy.deepcopy(module)
    except Exception as error:
        raise TypeError(
            f"the sanity check needs a copy of {type(module).__name__}, which cannot be copied ({in_one_line(error)})"
        ) from error
    with same_random_state(), torch.no_grad():
        torch.manual_seed(seed)
        for part in network.modules():
            weights = [weight for weight in part._parameters.values() if weight is not None]
            before = [weight.clone() for weight in weights]
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
            for weight, old in zip(weights, before, strict=True):
                weight.grad = None
                if torch.equal(weight, old) and weight.is_floating_point():  # no reset_parameters, or weight norm
                    noise = torch.randn(weight.shape, dtype=weight.dtype).to(weight.device)
                    spread = weight.std(correction=0) if weight.numel() > 1 else weight.abs().mean()
                    weight.copy_(weight.mean() + spread * noise)
    return network


def rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Spearman's rank correlation of two maps: 1 for the same order of pixels, 0 for no relation.

    Parameters
    ----------
    one, other : torch.Tensor
        Of one shape.

    Returns
    -------
    float
        -1 to 1; NaN if either map is constant or holds a NaN.

    Raises
    ------
    ValueError
        The maps have different numbers of pixels.
    """
    if one.numel() != other.numel():
        raise ValueError(f"the maps must have the same shape, not {describe(one)} and {describe(other)}")
    first, second = (values.detach().cpu().flatten() for values in (one, other))
    if first.unique().numel() < 2 or second.unique().numel() < 2:  # constant: scipy would warn
        return float("nan")
    return float(imported("scipy.stats").spearmanr(first.numpy(), second.numpy()).statistic)
