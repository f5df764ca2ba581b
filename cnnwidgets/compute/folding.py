"""A quicker copy of a network: every BatchNorm folded into the convolution before it, weights channels-last."""

from __future__ import annotations

import torch
from torch import nn

TOLERANCE = 1e-5
"""Of the largest score: how far the copy may be off before the network itself is taken."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def folded(model: nn.Module, *, channels_last: bool = True) -> nn.Module | None:
    """A copy of `model` that gives the same numbers sooner, or None where there is nothing to fold or no way to.

    In evaluation a BatchNorm is a factor and a summand a channel, which the weights of the convolution can take over
    (Jacob et al., "Quantization and training of neural networks ...", CVPR 2018, section 3.2). What the copy gives must
    be compared with what `model` gives before it is used.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode, within `evaluating`; neither it nor its weights are changed.
    channels_last : bool
        Lay the folded weights channels-last: not for a network that cannot take maps which lie so.
    """
    if not any(isinstance(part, nn.BatchNorm2d) for part in model.modules()):
        return None
    if isinstance(model, torch.jit.ScriptModule) or any(
        getattr(part, name, None) for part in model.modules() for name in _HOOKS
    ):  # a hook may change what a layer gives, and folded layers no longer are what it knows
        return None
    from torch.fx.experimental.optimization import fuse

    try:
        quick = fuse(model, inplace=True)  # "in place" in the graph: it shares every layer but the folded ones
    except Exception:  # a network that cannot be traced, each in its own way
        return None
    own = {id(part) for part in model.modules()}
    # fx's own prints a traceback to the page when a layer refuses: the class is this one network's
    type(quick).__call__ = nn.Module.__call__  # type: ignore[method-assign]
    for part in quick.modules() if channels_last else ():
        if id(part) not in own and isinstance(part, nn.Conv2d):
            part.to(memory_format=torch.channels_last)
    return quick


def agrees(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether two results are the same to `TOLERANCE` of the largest value; NaN agrees with nothing."""
    return found.shape == wanted.shape and bool((found - wanted).abs().max() <= TOLERANCE * wanted.abs().max())
