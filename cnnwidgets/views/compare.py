"""`compare`: the view for what is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..compute.core import whole
from ..compute.scan import Scan
from ..training.recording import Recorder, Recording
from ..widgets.state import Subject
from .comparison import MOST, CompareFrames, CompareView

OF_NETWORKS = "edits", "classes", "scans", "denormalize", "prepare", "index", "beside"
"""Keywords that say nothing of a recording."""


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
        As for `CompareView`; `images` are fewer than two, or stand beside several networks or edits.

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
    listed = list(models) if isinstance(models, (list, tuple)) else [models]
    if isinstance(models, (Recording, Recorder)):
        given = [name for name, value in (("dataset", dataset), ("images", images)) if value is not None]
        given += [name for name in OF_NETWORKS if options.get(name) is not None]
        if given:
            raise TypeError(
                "a recording has images of its own, the probes (probe= chooses one), and knows no network: leave out "
                + ", ".join(given)
            )
        return CompareFrames(models, **options)
    if any(isinstance(each, (Recording, Recorder)) for each in listed):
        raise TypeError("a recording is compared with itself, at two moments: give one alone, not in a list")
    if any(isinstance(each, Scan) for each in listed):
        raise TypeError(
            "models are networks, and scans= takes a scan of each; cw.response_changes(a, b) and "
            "cw.disagreements(a, b) compare two scans without a network"
        )
    if isinstance(models, (str, Path)):
        raise TypeError(
            f"models are networks, or a recording, which is opened first: cw.Recording.open({str(models)!r})"
        )
    if isinstance(dataset, (torch.nn.Module, Subject)):
        raise TypeError("several networks are a list: cw.compare([a, b], dataset)")
    if images is None:
        return CompareView(models, dataset, **options)
    if not isinstance(images, Iterable) or isinstance(images, (str, bytes)):
        raise TypeError(f"images are numbers of images in the data set, such as [3, 7], not {images!r:.80}")
    chosen = list(images)
    _check_alone(chosen, listed, options)
    if not 2 <= len(chosen) <= MOST:
        raise ValueError(f"images are two to four, not {len(chosen)}")
    if all(isinstance(each, torch.Tensor) and each.ndim for each in chosen):
        if dataset is not None or isinstance(listed[0], Subject):
            raise TypeError("images are numbers of images in the data set; tensors are given without one")
        dataset, chosen = chosen, list(range(len(chosen)))
    elif (wrong := next((each for each in chosen if whole(each) is None), None)) is not None:
        raise TypeError(f"images are numbers of images in the data set, such as [3, 7], not {type(wrong).__name__}")
    elif dataset is None and not isinstance(listed[0], Subject):
        raise TypeError(
            f"images={images!r:.80} are numbers of images in a data set: give dataset, or images as tensors"
        )
    return CompareView(models, dataset, index=int(chosen[0]), beside=tuple(map(int, chosen[1:])), **options)


def _check_alone(images: Sequence[Any], models: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Raise where images side by side are asked for with something else side by side."""
    asked = "tensors as images" if any(isinstance(each, torch.Tensor) for each in images) else f"images={images!r:.60}"
    if places := [name for name in ("index", "beside") if name in options]:
        raise TypeError(f"{asked} says which images are shown: leave out {' and '.join(places)}")
    if len(models) > 1:
        raise ValueError(
            f"{asked} stand side by side for one network, and {len(models)} were given: give one, or index= for the "
            "image that all of them see"
        )
    if options.get("edits") is not None:
        raise ValueError(
            f"{asked} stand side by side for one network as it is, and edits= give it further columns: leave out one "
            "of the two; index= chooses the image that is seen with and without edits"
        )
    if options.get("scans") is not None:
        raise ValueError(
            f"{asked} stand side by side for one network, and scans tell two networks apart: leave out scans"
        )
