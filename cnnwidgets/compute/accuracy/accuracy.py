"""How often a network is right over a data set, class by class, before and after an intervention."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from torch import nn

from ..core import Prepare, Report, Stopped
from ..interventions import Edits
from ..steps import finish
from .meter import AccuracyMeter
from .result import AccuracyEffects


def accuracy_effects(
    model: nn.Module,
    dataset: Any,
    edits: Edits | nn.Module,
    *,
    most: int | None = None,
    classes: Sequence[str] | None = None,
    batch_size: int | None = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> AccuracyEffects:
    """How often a network is right over a data set, class by class, before and after an intervention.

    The images are taken in a random order, the same each time, so that what is known early is of all classes. The edits
    are on a twin of the model; the network is left unchanged.

    Parameters
    ----------
    model : torch.nn.Module
        Any network that gives class scores.
    dataset : indexable
        Gives (image, label), as for `ActivationView`.
    edits : mapping of str to Edit, or torch.nn.Module
        As for `intervene`; or another network for the same images, whose accuracy is that after.
    most : int, optional
        Take only so many images; all by default.
    classes : sequence of str, optional
        Names of the network's outputs, by which labels are understood; by default as for `ActivationView`.
    batch_size : int, optional
        Images per batch; adaptive by default. Halved when memory runs out.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, for networks that take more than one image tensor.
    progress : bool or callable
        A bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total) that returns
        whether to continue. Stopped so, it gives what is done.

    Returns
    -------
    AccuracyEffects
        `accuracy_before`, `accuracy_after` and `change` for each class, `overall`; `to_frame()`.

    Raises
    ------
    LookupError, TypeError, ValueError
        As for `intervene`; the data set is none; its labels are none of the network's classes; an output that is not
        class scores; the model cannot be copied.
    ForwardError
        The model raised an error.

    Warns
    -----
    UserWarning
        At the end, for each layer that was not edited, with the reason.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> found = cw.accuracy_effects(
    ...     cw.models.lenet5(pretrained=True), cw.data.digits(), {"C1": cw.Ablate()}, most=40, progress=False
    ... )
    >>> found.names[3], len(found.change), found.overall[0] > 0.9 > found.overall[1]
    ('class 3', 10, True)
    """
    options: Any = {"most": most, "classes": classes, "batch_size": batch_size, "prepare": prepare}
    meter = AccuracyMeter(model, dataset, edits, **options)
    with suppress(Stopped):
        finish(meter, "images", progress)
    meter.tell()
    return meter.result
