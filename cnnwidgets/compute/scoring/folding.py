"""A faster copy of a network: BatchNorm folded into the preceding convolution, weights channels-last."""

from __future__ import annotations

import torch
from torch import nn

from ...late import imported

TOLERANCE = 1e-5
"""Relative to the largest score: maximum deviation of the copy; beyond it the network itself is used."""

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")


def folded(model: nn.Module, *, channels_last: bool = True) -> nn.Module | None:
    """A faster equivalent copy of `model`, or None if there is nothing to fold or it cannot be traced.

    In evaluation mode BatchNorm is an affine map per channel, which can be merged into the weights of the convolution
    (Jacob et al., "Quantization and training of neural networks ...", CVPR 2018, section 3.2). The output of the
    copy must be compared with that of `model` before use.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode, within `evaluating`; neither it nor its weights are changed.
    channels_last : bool
        Store the folded weights channels-last; not for a network that cannot process channels-last maps.
    """
    if not any(isinstance(part, nn.BatchNorm2d) for part in model.modules()):
        return None
    if isinstance(model, torch.jit.ScriptModule) or any(
        getattr(part, name, None) for part in model.modules() for name in _HOOKS
    ):  # a hook may change an output and depends on the original layers
        return None
    fuse = imported("torch.fx.experimental.optimization").fuse
    try:
        quick = fuse(model, inplace=True)  # "in place" in the graph: it shares every layer but the folded ones
    except Exception:  # untraceable networks raise any kind of error
        return None
    own = {id(part) for part in model.modules()}
    # fx's own __call__ prints a traceback when a layer raises; the class belongs to this network alone
    type(quick).__call__ = nn.Module.__call__
    for part in quick.modules() if channels_last else ():
        if id(part) not in own and isinstance(part, nn.Conv2d):
            part.to(memory_format=torch.channels_last)
    return quick


def agrees(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether two results agree to `TOLERANCE` times the largest value; NaN agrees with nothing."""
    return found.shape == wanted.shape and bool((found - wanted).abs().max() <= TOLERANCE * wanted.abs().max())
