"""Occlusion: slide a patch over an image and see how much the network cares.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .forward import Prepare
from .occluder import Occluder
from .occlusion_map import OcclusionMap
from .progress import Bar, Report
from .scorer import Score


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
    """Score of a class while a patch hides one place of the image after another.

    Every place is run through the network in full, in evaluation mode and without gradients; the network is
    afterwards as it was. The map does not depend on the size of the batches, to the rounding of floats.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are looked through.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one; copied to the model's device and type. Bytes become [0, 1].
    target : int or sequence of int, optional
        The class, or several that are looked at for every image; by default each image's own highest one.
    layer : str, optional
        Look at a layer instead, named as in `layer_table`: how much each of its maps changes. Modules only.
    window, stride : int or (int, int), optional
        Height and width of the patch, and of a step, in pixels; a seventh of the image (32 of 224) and half the window
        by default. The last patch is cut off at the border. A stride larger than the window is allowed and leaves
        pixels between the patches that are never hidden.
    baseline : float, sequence of float, str or torch.Tensor
        What the patch is filled with, in units of the network's input: a number, one a channel, `"mean"`, `"blur"`,
        `"noise"`, or an image; see `baseline_images`.
    shape : {"square", "disc"}
        Whether the patch fills its window, or only the ellipse in it.
    score : {"logit", "probability"} or callable
        What the model returns as it is, or its softmax (left out where it gives probabilities already). A function
        takes what the model returns and gives (N, K) scores or (N,) single ones: for networks that give a dict, or a
        class a pixel.
    batch_size : int, optional
        Images at a time; by default found as the work goes on. Halved when memory runs out.
    generator : torch.Generator, optional
        For `"noise"`; by default always the same noise.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model, from images in which the patch is already.
    progress : bool or callable
        A bar on stderr where it takes longer than a second; `False` for none; or a function of (done, total) that
        returns whether to go on.

    Returns
    -------
    OcclusionMap
        `scores` at each place, (N, H', W'), or (N, K, H', W') for several classes or a layer; `boxes`, the places in
        pixels; `change` against the whole image; `upsample()` to the size of the image.

    Raises
    ------
    TypeError, ValueError
        `images` are no images; a window larger than the image, a stride of 0; no such target; an output that is no
        class scores; scores that are NaN where the highest is looked for.
    LookupError
        No such layer.
    ForwardError
        The model raised, or even one image needs more memory than there is.
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
    with Bar(occluder.total, "images", progress) as bar:
        done = 0
        for _ in occluder:
            bar.add(occluder.done - done)
            done = occluder.done
    return occluder.result
