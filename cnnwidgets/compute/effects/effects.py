"""How much each channel of a layer changes a score: every channel is switched off by itself."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import nn

from ..core import Prepare, Report, Stopped
from ..scoring import Score
from ..steps import finish
from .ablator import ChannelAblator
from .channels import ChannelEffects
from .replacing import Value


def channel_effects(
    model: nn.Module,
    images: Any,
    layer: str,
    *,
    target: int | None = None,
    value: Value = "zero",
    score: Score = "logit",
    batch_size: int | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> ChannelEffects:
    """How much each channel of a layer changes the score of a class: each is switched off by itself.

    Only what is behind the layer runs for each channel, where the graph that `torch.fx` traces can be cut there; the
    first batch runs whole too, and proves it. Otherwise the whole network runs. It is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one.
    layer : str
        As for `intervene`: modules, and operations such as `add`.
    target : int, optional
        The class; by default the predicted class of each image.
    value : {"zero", "mean"} or float
        What replaces a channel; `"mean"` is its mean over `images` and all places.
    score : {"logit", "probability"} or callable
        As for `occlusion`.
    batch_size : int, optional
        Edits per batch; adaptive by default. Halved when memory runs out.
    prepare : callable, optional
        As for `activations`, for each batch of images.
    progress : bool or callable
        A bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total) that returns
        whether to continue. Stopped so, it gives what is done.

    Returns
    -------
    ChannelEffects
        `change` for each channel, `ranking`, and the class that changes most.

    Raises
    ------
    LookupError
        The layer does not exist, did not run, or runs several times and the name does not say which call.
    TypeError, ValueError
        `images` are not images; unknown target; an output that is not class scores; a layer that does not give one
        output for each image.
    ForwardError
        The model raised an error.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> effects = cw.channel_effects(cw.models.lenet5(), cw.data.digits()[0][0], "C3", progress=False)
    >>> effects.change.shape, len(effects.ranking)
    (torch.Size([1, 16]), 16)
    """
    ablator = ChannelAblator(
        model, images, layer, target=target, value=value, score=score, batch_size=batch_size, prepare=prepare
    )
    with suppress(Stopped):
        finish(ablator, "channels", progress)
    return ablator.result
