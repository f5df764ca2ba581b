"""Feature visualisation by optimisation, as a generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from ..core import Prepare
from .goal import PlaceOf
from .maximizer import Maximizer
from .picture import MaximizedPicture


def maximize(
    model: nn.Module,
    layer: str | None = None,
    *,
    channel: int | None = None,
    direction: Any = None,
    target: int | None = None,
    place: PlaceOf = None,
    dataset: Any = None,
    size: int | tuple[int, int] | None = None,
    normalization: tuple[Any, Any] | None = None,
    start: torch.Tensor | None = None,
    near: float = 0.0,
    count: int = 1,
    diversity: float = 0.5,
    steps: int = 256,
    every: int = 16,
    jitter: float | None = None,
    rotate: float | None = None,
    scale: float | None = None,
    generator: torch.Generator | None = None,
    prepare: Prepare | None = None,
) -> Iterator[MaximizedPicture]:
    """Pictures that drive a channel, a unit, a class or a direction as far as they can, while they are optimised.

    Each step of the optimisation moves the pictures a little about, runs the network, and goes up the gradient of what
    is driven. Leave the loop to stop; what was given last is kept. The network runs in evaluation mode and is left
    unchanged; others can run it between two pictures.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that takes (N, C, H, W) images, of any number of channels.
    layer : str, optional
        A module, named as in `layer_table`; None with `target`.
    channel : int, optional
        A channel of it, a unit of a vector, or a feature of tokens.
    direction : sequence of float, optional
        (C,) instead of a channel: a weight for each, brought to length 1.
    target : int, optional
        A class instead: its score before softmax.
    place : None, "centre", int or tuple of int
        What of the channel: its mean over all places, the unit in the middle, or that at (row, column), of tokens at a
        number.
    dataset : indexable, optional
        Images as the network takes them: the pictures get their size, range and normalisation.
    size : int or (int, int), optional
        Height and width in pixels; by default those of `start`, of the first image of the data set, or else
        the first of 64, 32, 28 and 224 that the network takes.
    normalization : (mean, std), optional
        Of the input: numbers, or one for each channel; by default that of the data set. Without either, black and white
        are 0 and 1.
    start : torch.Tensor, optional
        (C, H, W): an image to begin with, as the network takes it, which is then accentuated; by default noise.
    near : float
        How much an image that is accentuated is held: a mean squared difference of 0.01 (of pixels from 0 to 1) costs
        so many times the activation.
    count : int
        How many pictures.
    diversity : float
        How much pictures are kept apart: if all were alike, that would cost so many times the activation. Alike are
        pictures for which the same channels of the layer fire together: the mean cosine between their Gram matrices.
    steps : int
        Of the optimisation.
    every : int
        Steps from one picture to the next. Each takes a pass more, for what the picture gives as it is.
    jitter, rotate, scale : float, optional
        How far the pictures are moved (pixels), turned (degrees) and resized (share) before each step, either way: what
        drives the network then does not hang on single pixels. By default 1/16 of the longer side of what a unit of the
        layer sees, 5 and 0.05, each only where it moves some of that by half a pixel. 0 for not at all.
    generator : torch.Generator, optional
        Of all that is random, on the CPU; by default a new one with seed 0.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model; gradients go through it.

    Yields
    ------
    MaximizedPicture
        Before the first step, then after every `every` steps, and after the last.

    Raises
    ------
    LookupError, IndexError
        No such layer, channel or place.
    TypeError, ValueError
        Not one of `channel`, `direction` and `target`; the network takes no images; a number out of range.
    ForwardError
        The network refused the picture; `size` may be another.
    RuntimeError
        While it runs: what is to be driven has no gradient, as a channel behind a ReLU that never opens, whatever was
        tried (see the notes); or is NaN, however small the steps. A first NaN begins anew with half the steps, as
        `note` says, and so it does where none of fewer than 16 steps had a gradient. Or the network was trained.

    Notes
    -----
    Olah, Mordvintsev and Schubert, "Feature Visualization", Distill, 2017: spectra in place of pixels, colours that are
    not correlated, moved pictures, diversity. Hamblin et al., "Feature Accentuation", 2024. The picture shows what
    drives the channel, and not what it means: images of a data set that fire it most may look quite different.

    Where the first picture has no gradient, since ReLUs are closed for it, the steps drive what these cut off until
    there is one, 64 at most; where nothing is cut off, 16 random pictures of more and more contrast are tried. After
    these, the picture begins with the image of 32 of the data set that gives most. `note` says what was done.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model = cw.models.lenet5(pretrained=True)
    >>> for picture in cw.maximize(model, "C3", channel=3, dataset=cw.data.digits(), steps=32):
    ...     pass
    >>> picture.step, picture.images.shape
    (32, torch.Size([1, 1, 28, 28]))
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be a whole number, 1 or more, not {every!r}")
    maximizer = Maximizer(
        model,
        layer,
        channel=channel,
        direction=direction,
        target=target,
        place=place,
        dataset=dataset,
        size=size,
        normalization=normalization,
        start=start,
        near=near,
        count=count,
        diversity=diversity,
        steps=steps,
        jitter=jitter,
        rotate=rotate,
        scale=scale,
        generator=generator,
        prepare=prepare,
    )
    return _pictures(maximizer, every)


def _pictures(maximizer: Maximizer, every: int) -> Iterator[MaximizedPicture]:
    yield maximizer.picture()
    while maximizer.done < maximizer.total:
        maximizer.step(min(every, maximizer.total - maximizer.done))
        yield maximizer.picture()
