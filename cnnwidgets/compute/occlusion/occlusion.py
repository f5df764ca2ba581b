"""Occlusion: slide a patch over an image and measure the change of the score.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ..core import Prepare, Report
from ..scoring import Score
from ..steps import finish
from .map import OcclusionMap
from .occluder import Occluder


def occlusion(
    model: nn.Module,
    images: torch.Tensor,
    *,
    target: int | Sequence[int] | None = None,
    layer: str | None = None,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    baseline: float | Sequence[float] | str | torch.Tensor = 0.0,
    shape: str = "square",
    score: Score = "logit",
    batch_size: int | None = None,
    generator: torch.Generator | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> OcclusionMap:
    """Scores of a class while a patch hides one part of the image after another.

    Every position needs a full forward pass, in evaluation mode and without gradients; the network is left unchanged.
    The map does not depend on the batch size, up to rounding errors.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one; copied to the model's device and type. Bytes become [0, 1].
    target : int or sequence of int, optional
        One or several classes, for every image; by default the predicted class of each image.
    layer : str, optional
        Measure the change of each map of this layer instead, named as in `layer_table`. Modules only.
    window, stride : int or (int, int), optional
        Height and width of the patch, and of a step, in pixels; a seventh of the image (32 of 224) and half the window
        by default. The last patch is clipped at the border. A stride larger than the window is allowed and leaves
        pixels between the patches that are never hidden.
    baseline : float, sequence of float, str or torch.Tensor
        Pixels of the patch, in units of the network's input: a number, one per channel, `"mean"`, `"blur"`,
        `"noise"`, or an image; see `baseline_images`.
    shape : {"square", "disc"}
        Whether the patch fills its window, or only the ellipse in it.
    score : {"logit", "probability"} or callable
        The model output itself, or its softmax (not applied if the output is probabilities already). A function maps
        the model output to scores (N, K) or (N,): for networks that return a dict, or a class per pixel.
    batch_size : int, optional
        Number of images per batch; adaptive by default. Halved when memory runs out.
    generator : torch.Generator, optional
        For `"noise"`; by default always the same noise.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model, from images that already contain the patch.
    progress : bool or callable
        A progress bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total)
        that returns whether to continue.

    Returns
    -------
    OcclusionMap
        `scores` at each position, (N, H', W'), or (N, K, H', W') for several classes or a layer; `boxes`, the patches
        in pixels; `change` relative to the unoccluded image; `upsample()` to the size of the image.

    Raises
    ------
    TypeError, ValueError
        `images` are not images; a window larger than the image, a stride of 0; unknown target; an output that is not
        class scores; NaN scores if the predicted class is needed.
    LookupError
        The layer does not exist.
    ForwardError
        The model raised an error, or memory does not suffice for a single image.
    """
    occluder = Occluder(
        model,
        images,
        target=target,
        layer=layer,
        window=window,
        stride=stride,
        baseline=baseline,
        shape=shape,
        score=score,
        batch_size=batch_size,
        generator=generator,
        prepare=prepare,
    )
    finish(occluder, "images", progress)
    return occluder.result
