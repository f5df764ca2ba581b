"""The questions one asks of two networks, each as one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..core import Prepare, Report
from ..scan import Scan
from .changes import ResponseChanges
from .comparer import Comparer, Layers
from .disagreement import Disagreements
from .scanned import changes_of, disagreements_of, scans_of
from .similarity import Similarity


def cka(
    model_a: nn.Module,
    model_b: nn.Module,
    dataset: Any,
    layers: Layers = None,
    layers_b: Layers = None,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 32,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> Similarity:
    """How alike layers of two networks, or of one, are: linear CKA of what they make of the same images.

    CKA is 1 where one layer's responses are those of the other but for a rotation and a scale, and about 0 where they
    have nothing to do with each other; layers need not have the same shape. It is computed as Nguyen, Raghu and
    Kornblith (2021) do, from means over mini-batches of the unbiased estimator HSIC₁ (Song et al., 2012)::

        CKA(X, Y) = Σ_b HSIC₁(K_b, L_b) / sqrt(Σ_b HSIC₁(K_b, K_b) · Σ_b HSIC₁(L_b, L_b)),   K = X Xᵀ,   L = Y Yᵀ

    with each image's whole output as a row of X or Y. Of complex outputs K is the Hermitian X Xᴴ, so that a phase
    counts: CKA is then 1 for layers that are alike up to a unitary matrix and a scale. Memory does not grow with the
    number of images.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module
        Any networks that take these images; run in evaluation mode and left unchanged. The same one twice is run once.
    dataset : indexable
        Gives (image, label), or images, all of one size.
    layers : str or sequence of str, optional
        Layers of the first network, or blocks of them such as `layer1`; by default every module that gives something
        of its own.
    layers_b : str or sequence of str, optional
        Those of the second; by default the partners of `layers`, by name or else by order and shape. Without `layers`
        too, every module of the second that gives something of its own.
    indices : sequence of int, optional
        Which images; all of them by default.
    batch_size : int
        Images of a mini-batch, 4 or more. A last one of fewer than 4 joins the one before it.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the networks.
    progress : bool or callable
        A bar on stderr if it takes longer than a second; `False` for none; or a function of (done, total) that returns
        whether to go on.

    Returns
    -------
    Similarity

    Raises
    ------
    LookupError, IndexError
        No such layer or image.
    ValueError
        Fewer than 4 images; images of several sizes.
    ForwardError
        A network refuses an image.
    Stopped
        `progress` said so.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> model = cw.models.lenet5(pretrained=True)
    >>> found = cw.cka(model, model, cw.data.digits(), ["C1", "F6"], indices=range(64), progress=False)
    >>> found.values.shape, round(found["F6", "F6"], 5)
    (torch.Size([2, 2]), 1.0)
    """
    options: dict[str, Any] = {"indices": indices, "batch_size": batch_size, "prepare": prepare}
    made = Comparer(model_a, model_b, dataset, layers, layers_b, measures=["similarity"], **options)
    made.finish(progress)
    found = made.similarity
    assert found is not None
    return found


def response_changes(
    model_a: nn.Module | Scan,
    model_b: nn.Module | Scan,
    dataset: Any = None,
    layers: Layers = None,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 32,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> ResponseChanges:
    """How the responses of each layer differ between two networks, channel by channel, over a sample of images.

    A channel is compared with that of the same number in the layer's partner: 1 − correlation over all images and
    positions, and the mean of B − A. Of maps larger than 8 x 8, 8 x 8 evenly spread positions are taken. Of complex
    layers the correlation is the real part of the complex one, and the mean of B − A is complex: a phase counts.

    Two scans of the same images know the means and the spread of all positions, so that nothing is run: how far means
    shifted (`ResponseChange.shifts`). What they do not know, the correlations and the largest change, is NaN; of
    complex layers they know magnitudes.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module or Scan
        As for `cka`; or two scans, without `dataset` and `indices`.
    dataset, indices, batch_size, prepare, progress
        As for `cka`.
    layers : str or sequence of str, optional
        Layers of the first network, or blocks of them; by default every one that has a partner, by name or else by
        order and shape.

    Returns
    -------
    ResponseChanges
        Layers whose partner has another shape are in `left_out`.

    Raises
    ------
    LookupError, IndexError, ValueError, ForwardError, Stopped
        As for `cka`.

    Examples
    --------
    >>> import copy, torch
    >>> import cnnwidgets as cw
    >>> before = cw.models.lenet5(pretrained=True)
    >>> after = copy.deepcopy(before)
    >>> with torch.no_grad():
    ...     _ = after.C3.weight[5].neg_()
    >>> changes = cw.response_changes(before, after, cw.data.digits(), ["C1", "C3"], indices=range(32), progress=False)
    >>> changes.ranking, changes["C1"].change, int(changes["C3"].channels.argmax())
    (['C3', 'C1'], 0.0, 5)
    """
    if (scans := scans_of(model_a, model_b, dataset, indices)) is not None:
        return changes_of(*scans, layers)
    assert not isinstance(model_a, Scan) and not isinstance(model_b, Scan)
    options: dict[str, Any] = {"indices": indices, "batch_size": batch_size, "prepare": prepare}
    made = Comparer(model_a, model_b, dataset, layers, measures=["responses"], **options)
    made.finish(progress)
    found = made.responses
    assert found is not None
    return found


def disagreements(
    model_a: nn.Module | Scan,
    model_b: nn.Module | Scan,
    dataset: Any = None,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 32,
    classes: Any = None,
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> Disagreements:
    """The images on which two networks predict another class, those first on which they are surest.

    Classes are matched by name where both networks have names, so that they may come in another order; else by number.
    Two scans of the same images know all predictions, so that nothing is run; how the probabilities of the classes
    moved they do not know.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module or Scan
        As for `cka`; or two scans, without `dataset` and `indices`.
    dataset, indices, batch_size, prepare, progress
        As for `cka`.
    classes : sequence of str, or a pair of them, optional
        Names of the outputs of both networks, or of the first and of the second; by default as for `ActivationView`.

    Returns
    -------
    Disagreements
        The images with both predictions, the confusion between the two networks, and how the probability of each class
        moved.

    Raises
    ------
    ValueError
        A network gives no class scores; the classes cannot be matched.
    LookupError, IndexError, ForwardError, Stopped
        As for `cka`.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> one, other = cw.models.lenet5(pretrained=True), cw.models.lenet5()
    >>> found = cw.disagreements(one, other, cw.data.digits(), indices=range(64), progress=False)
    >>> found.images, int(found.confusion.sum()), len(found) > 0
    (64, 64, True)
    >>> scans = [cw.scan(model, cw.data.digits(), ["C1"], progress=False) for model in (one, other)]
    >>> cw.disagreements(*scans).images
    1797
    """
    if (scans := scans_of(model_a, model_b, dataset, indices)) is not None:
        return disagreements_of(*scans, classes)
    assert not isinstance(model_a, Scan) and not isinstance(model_b, Scan)
    options: dict[str, Any] = {"indices": indices, "batch_size": batch_size, "classes": classes, "prepare": prepare}
    made = Comparer(model_a, model_b, dataset, measures=["disagreements"], **options)
    made.finish(progress)
    found = made.disagreements
    if found is None:
        why = "; ".join(made.notes) or "the networks give no class scores (images x classes)"
        raise ValueError(f"{why}; a module around a network can make them of what it gives")
    return found
