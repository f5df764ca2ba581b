"""What an output shows at a glance: its most active maps, and what to look out for."""

from __future__ import annotations

import torch

from ..layers import Layer

ALIKE = 0.99
"""Mean correlation of all pairs of maps from which on they are said to be alike."""
SATURATED = 0.5
"""Share of the numbers at an end of the range of a function from which on it is said to be saturated."""
_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("Sigmoid", "sigmoid", "Hardsigmoid", "hardsigmoid"), (0, 1)),
    **dict.fromkeys(("Tanh", "tanh", "Hardtanh", "hardtanh", "Softsign", "softsign"), (-1, 1)),
}
_ENOUGH = 512
"""Numbers of a map that are looked at to tell whether maps are alike."""


def strongest(output: torch.Tensor, layer: Layer, count: int) -> list[int]:
    """The channels with the largest mean of absolute values, the largest first; those with NaN come last.

    Parameters
    ----------
    output : torch.Tensor
        Output of `layer` for one image, as `one_image` gives it.
    layer : Layer
        Its row in the layer table, which tells the axes.
    count : int
        Channels to give at most.

    Returns
    -------
    list of int
        Indices of maps, of units of a vector, or of the numbers of a token.
    """
    channels = _channels(output, layer)
    activity = channels.abs().mean(1)
    return activity.nan_to_num(-1, torch.inf).topk(min(count, len(activity))).indices.tolist()


def look_out(output: torch.Tensor, layer: Layer) -> list[str]:
    """What to look out for in the output of a layer for one image, worst first; empty for nothing.

    NaN and infinities; a sigmoid or tanh with half of its numbers at an end of its range; maps that are 0 everywhere,
    or one number everywhere; maps that are all alike (a mean correlation of 0.99 or more).

    Parameters
    ----------
    output, layer
        As for `strongest`.
    """
    channels = _channels(output, layer)
    low, high = channels.amin(1), channels.amax(1)  # `aminmax` takes ten times as long
    found: list[str] = []
    if not bool((low.isfinite() & high.isfinite()).all()):
        nans = int(channels.isnan().sum())
        infinite = int(channels.isinf().sum())
        found += [f"{nans:,} numbers are NaN"] * bool(nans) + [f"{infinite:,} numbers are infinite"] * bool(infinite)
        return found
    found += _saturated(channels, layer)
    single = channels.shape[1] == 1
    if layer.kind == "vector" or single:
        if len(low) > 1 and bool((low == low[0]).all()):
            found.append(f"all {len(low):,} numbers are {_number(low[0])}")
        return found
    flat = low == high
    dead = int((flat & (low == 0)).sum())
    level = int(flat.sum()) - dead
    things = "features" if layer.kind == "tokens" else "maps"
    if dead:
        found.append(f"{dead:,} of {len(low):,} {things} are 0 everywhere")
    if level:
        found.append(f"{level:,} of {len(low):,} {things} are one number everywhere")
    if len(low) - dead - level > 1 and not dead and not level and _alike(channels):
        found.append(f"all {len(low):,} {things} are nearly alike")
    return found


def _channels(output: torch.Tensor, layer: Layer) -> torch.Tensor:
    """The numbers of each channel, (C, N), as real floating point numbers; a stack is one long channel."""
    values = output.detach()
    if values.is_complex():
        values = values.abs()
    if not values.is_floating_point() or values.element_size() < 4:
        values = values.float()
    if layer.kind == "vector":
        return values.reshape(-1, 1)
    if layer.batch_axis is None and values.ndim > len(layer.shape):  # (stack, C, H, W)
        axis = 1 if layer.layout == "first" else -1
    else:
        axis = 0 if layer.layout == "first" else -1
    return values.movedim(axis, 0).reshape(values.shape[axis], -1)


def _saturated(channels: torch.Tensor, layer: Layer) -> list[str]:
    ends = _RANGES.get(layer.type)
    if ends is None:
        return []
    low, high = ends
    near = 0.001 * (high - low)
    share = float(((channels <= low + near) | (channels >= high - near)).float().mean())
    return [f"saturated: {share:.0%} of the numbers are at {low:g} or {high:g}"] if share >= SATURATED else []


def _alike(channels: torch.Tensor) -> bool:
    """Whether the mean correlation of all pairs of maps is near 1: that of each with the sum of all."""
    some = channels[:, :: max(1, channels.shape[1] // _ENOUGH)]
    centred = some - some.mean(1, keepdim=True)
    norms = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
    if bool((norms == 0).any()):
        return False
    together = torch.linalg.vector_norm((centred / norms).sum(0)) ** 2
    pairs = len(some) * (len(some) - 1)
    return float(together - len(some)) / pairs >= ALIKE


def _number(value: torch.Tensor) -> str:
    return f"{float(value):.3g}"
