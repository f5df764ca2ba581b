"""`compare`: the view for what is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..compute.core import whole
from ..training.recording import Recorder, Recording
from .comparison import CompareFrames, CompareView


def compare(
    models: Any, dataset: Any = None, *, images: Sequence[Any] | None = None, **options: Any
) -> CompareView | CompareFrames:
    """Two to four networks, a network before and after edits, two images, or two moments of a training, side by side.

    Parameters
    ----------
    models : torch.nn.Module, Subject, or a list of them
        Networks that take the same images. One alone is compared under `edits`, or for `images`. A `Recording` gives
        two moments of the training: a `CompareFrames`.
    dataset : indexable, optional
        Gives (image, label), as for `ActivationView`; not needed with a `Subject`, or where `images` are tensors.
    images : sequence of int, or of tensors, optional
        Images of the data set by number, or (C, H, W) tensors where there is no data set: a column each.
    **options
        Other keywords of `CompareView`, such as `edits`, `classes`, `scans`, `layer`; for a recording, of
        `CompareFrames`.

    Returns
    -------
    CompareView or CompareFrames

    Raises
    ------
    TypeError, ValueError, LookupError, IndexError, ForwardError
        As for `CompareView`; `images` are fewer than two.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model, digits = cw.models.lenet5(pretrained=True), cw.data.digits()
    >>> view = cw.compare(model, digits, images=[3, 13], survey=False)
    >>> [column.name for column in view.columns]
    ['image 3 · label: 3', 'image 13 · label: 3']
    >>> edited = cw.compare(model, digits, edits={"C3": cw.Ablate(channels=[3])}, survey=False)
    >>> edited.columns[1].name
    'channel 3 of C3 set to 0'
    """
    if isinstance(models, (Recording, Recorder)):
        if dataset is not None or images is not None:
            raise TypeError("a recording has images of its own, the probes: probe= chooses one")
        return CompareFrames(models, **options)
    if images is None:
        return CompareView(models, dataset, **options)
    chosen = list(images)
    if len(chosen) < 2:
        raise ValueError(f"images are two to four, not {len(chosen)}")
    if all(isinstance(each, torch.Tensor) and each.ndim for each in chosen):
        if dataset is not None:
            raise TypeError("images are numbers of images in the data set; tensors are given without one")
        dataset, chosen = chosen, list(range(len(chosen)))
    elif any(whole(each) is None for each in chosen):
        raise TypeError(f"images are numbers of images in the data set, such as [3, 7], not {images!r:.80}")
    return CompareView(models, dataset, index=int(chosen[0]), beside=tuple(map(int, chosen[1:])), **options)
