"""From which maps of its input one number of a layer came."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..arithmetic import agrees, is_plain
from ..convolution import EXPLAINED, LayerPass

ONE_BY_ONE = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.Mish, nn.ReLU, nn.ReLU6,
    nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip
"""Activations of torch that make each number of one."""


def input_shares(
    module: nn.Module, given: torch.Tensor, output: torch.Tensor, channel: int, unit: Sequence[int]
) -> list[tuple[int, float]]:
    """How much of one output number of a layer came from each channel of a tensor that may be its input.

    Of a convolution, the sum of |weight x input| over the window, as a share of that over all channels; pooling,
    BatchNorm and activations take everything from their own channel.

    Parameters
    ----------
    module : torch.nn.Module
        The layer; nothing is run but one number through an activation.
    given, output : torch.Tensor
        (1, C, H, W): what may be its input, and what it put out.
    channel : int
        Of the output.
    unit : (int, int)
        Row and column of the output.

    Returns
    -------
    list of (int, float)
        Channels and shares, the largest first, none that is 0. Empty where it is not known: the layer is another, the
        number is 0, or the layer makes another number of `given`, which so was not its input.

    Examples
    --------
    >>> layer = nn.Conv2d(2, 1, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[[[1.0]], [[-3.0]]]]))
    >>> given = torch.ones(1, 2, 4, 4)
    >>> input_shares(layer, given, layer(given), 0, (1, 1))
    [(1, 0.75), (0, 0.25)]
    """
    given, output = given.detach(), output.detach()
    if given.ndim != output.ndim or float(output[(0, channel, *unit)]) == 0:
        return []
    if type(module) in ONE_BY_ONE and is_plain(module):
        same = given.shape == output.shape and agrees(
            type(module).forward(module, given[(0, channel, *unit)].double()), output[(0, channel, *unit)]
        )
        return [(channel, 1.0)] if same else []
    if not isinstance(module, EXPLAINED) or isinstance(module, nn.Linear):
        return []
    try:
        found = LayerPass("", module, given, output).explain(channel, unit)
    except (LookupError, ValueError, RuntimeError):  # the layer cannot have been given this
        return []
    if not found.agrees:
        return []
    if found.product is None:
        return [(channel, 1.0)]
    parts = found.product.abs().reshape(len(found.inputs), -1).sum(1)
    total = float(parts.sum())
    order = parts.argsort(descending=True, stable=True).tolist()
    return [(found.inputs[at], float(parts[at]) / total) for at in order if total > 0 and float(parts[at]) > 0]
