"""Attribution: which pixels a class score depends on, computed with Captum."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..core import Prepare, Report, listing, plain, unknown
from ..inputs import as_images
from ..layers import layer_table, mixes_images
from ..occlusion import baseline_images, patches
from ..scoring import Score, Scorer, choose_targets
from ..shadow import looking
from .cam import cam_layer
from .grid import grid_of
from .map import AttributionMap
from .methods import GRAD_CAM, METHODS, MODIFIED, Task, run_method
from .network import Attributed
from .relus import Relus


def attributions(
    model: nn.Module,
    images: torch.Tensor,
    *,
    method: str = "saliency",
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
    steps: int = 50,
    baseline: float | Sequence[float] | str | torch.Tensor = 0.0,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    score: Score = "logit",
    prepare: Prepare | None = None,
    progress: bool | Report = True,
) -> AttributionMap:
    """Contribution of each pixel to the score of a class.

    The network runs in evaluation mode and is left unchanged: no parameter gradients are computed, and Captum's hooks
    are registered on our own modules only. The map of an image does not depend on the others: a network that mixes the
    images of a batch gets one at a time.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    images : torch.Tensor
        (N, C, H, W), or (C, H, W) for a single one; copied to the model's device and type. Bytes become [0, 1].
    method : str
        `"saliency"`: absolute gradient of the score. `"input_x_gradient"`: the gradient times the image.
        `"integrated_gradients"`: the mean gradient on the path from the baseline to the image, times their difference.
        `"guided_backprop"` and `"deconvolution"`: the gradient without negative parts at each ReLU, with or without the
        ReLU's own. `"grad_cam"`: the maps of a layer, each weighted by its mean gradient, 0 where negative, enlarged
        bilinearly. `"guided_grad_cam"`: guided backpropagation times Grad-CAM (bilinear too, where Captum's own
        interpolates by nearest neighbour). `"occlusion"`: see `occlusion`.
    target : int or sequence of int, optional
        The class; one for all images or one for each. By default the predicted class of each image.
    against : int or sequence of int, optional
        Explain the score of `target` minus that of this class.
    layer : str, optional
        For Grad-CAM, named as in `layer_table`; by default the last before pooling whose maps lie over the image and
        count for the score. The tokens of a transformer are maps too, those on the grid; see `last_maps`.
    steps : int
        For integrated gradients: number of integration points (Gauss-Legendre). The note states the completeness error.
    baseline : float, sequence of float, str or torch.Tensor
        For integrated gradients and occlusion, in units of the network's input; see `baseline_images`.
    window, stride : int or (int, int), optional
        For occlusion.
    score : {"logit", "probability"} or callable
        What is explained; see `occlusion`.
    prepare : callable, optional
        `prepare(images)` gives the arguments of the model; gradients go through it.
    progress : bool or callable
        For occlusion: a bar on stderr where it takes longer than a second; `False` for none; or a function of
        (done, total) that returns whether to go on.

    Returns
    -------
    AttributionMap
        `values`, (N, C, H, W), or (N, 1, H, W) for Grad-CAM and occlusion, on the CPU; what they are of; a note.

    Raises
    ------
    TypeError, ValueError
        `images` are not images; unknown method, target or baseline; the output is not class scores; or the method is
        not valid for this model, with the reason.
    LookupError
        No such layer.
    ForwardError
        The model refused the images.

    Notes
    -----
    Simonyan et al., "Deep Inside Convolutional Networks", 2014 (saliency); Sundararajan et al., "Axiomatic Attribution
    for Deep Networks", 2017; Springenberg et al., "Striving for Simplicity", 2015; Zeiler and Fergus, 2014
    (deconvolution, occlusion); Selvaraju et al., "Grad-CAM", 2017. All ReLUs are found: modules, reused modules,
    in-place ones and functions; not in TorchScript, where guided methods are refused, nor in a custom
    `torch.autograd.Function`.
    """
    if method not in METHODS:
        raise ValueError(unknown(f"no method {method!r}", method, METHODS, f"there are {listing(list(METHODS))}"))
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps must be a whole number, 1 or more, not {steps!r}")
    module = plain(model)
    scorer = Scorer(module, layer=None, score=score, prepare=prepare)
    batch = as_images(module, images)
    size = (batch.shape[2], batch.shape[3])
    place = patches(size, window, stride)
    baselines = baseline_images(batch, baseline, place.window)
    row, grid = None, None
    doubts: list[str] = []
    if method in GRAD_CAM:
        if isinstance(module, torch.jit.ScriptModule):
            raise ValueError(f"{METHODS[method]} must see the maps of a layer, and the model is TorchScript")
        row, doubts = cam_layer(module, batch[:1], layer, scorer, prepare=prepare)
        grid = grid_of(row, size[1] / size[0])
    elif layer is not None:
        layer_table(module, batch[:1], operations=False, prepare=prepare).find(layer)  # unused, but it must exist
    batches = method != "occlusion" and (len(batch) > 1 or method == "integrated_gradients")
    alone = batches and mixes_images(module, batch[:1], prepare=prepare)
    relus: Relus | None = None
    with torch.inference_mode(False), looking(module) as shadow, torch.enable_grad():
        batch = batch.clone()  # a tensor created in inference mode has no gradient
        network = Attributed(shadow, scorer, prepare=prepare, layer=row, grid=grid, alone=alone)
        if method in MODIFIED:
            scripted = [name for name, part in module.named_modules() if isinstance(part, torch.jit.ScriptModule)]
            if scripted:
                raise ValueError(
                    f"{METHODS[method]} must see each ReLU, and {scripted[0] or 'the model'} is TorchScript"
                )
            with Relus() as relus:
                scores = network.scores(batch.requires_grad_()).detach()
        else:
            scores = network.scores(batch.requires_grad_(method != "occlusion")).detach()
        targets = choose_targets(scores, None)[:, 0] if target is None else _classes(scores, target, "target")
        others = None if against is None else _classes(scores, against, "against")
        if others is not None and bool((others == targets).any()):
            raise ValueError(f"target and against are the same class, {int(targets[others == targets][0])}")
        if relus is not None:
            _check_relus(relus, method)
            network.relus.extend(nn.ReLU() for _ in range(relus.count))
        task = Task(network, batch.detach(), targets, others, baselines, steps, place, score, prepare, progress)
        values, notes = run_method(method, task)
    if relus is not None and relus.others:
        count = relus.count // (len(batch) if alone else 1)
        notes.append(f"only its {count} ReLUs are modified, not {', '.join(sorted(relus.others))}")
    if row is not None and grid is not None:
        what = "tokens as maps" if row.kind == "tokens" else "maps"
        notes = [f"{row.name}, {what} of {grid.rows} × {grid.columns}", *doubts, *notes]
    return AttributionMap(
        values.detach().to("cpu", torch.float64 if values.dtype == torch.float64 else torch.float32),
        method,
        targets.cpu(),
        None if others is None else others.cpu(),
        None if row is None else row.name,
        "; ".join(notes),
        network.passes,
    )


def _check_relus(relus: Relus, method: str) -> None:
    if relus.count == 0:
        uses = f" (it uses {', '.join(sorted(relus.others))})" if relus.others else ""
        raise ValueError(
            f"{METHODS[method]} changes what ReLUs do to the gradient, and this network runs none{uses}: the "
            "result would equal the plain gradient"
        )


def _classes(scores: torch.Tensor, wanted: Any, what: str) -> torch.Tensor:
    """One class number per image, (N,)."""
    images, classes = scores.shape
    given = wanted.tolist() if isinstance(wanted, (torch.Tensor, np.ndarray)) else wanted
    numbers = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given] * images
    try:
        numbers = [operator.index(number) for number in numbers]
    except TypeError:
        raise TypeError(f"{what} is a class number, or one for each image, not {wanted!r}") from None
    if len(numbers) != images:
        raise ValueError(f"{what} has {len(numbers)} class numbers for {images} images; give one, or one for each")
    for number in numbers:
        if not 0 <= number < classes:
            raise ValueError(f"no {what} {number}; allowed: 0 to {classes - 1}")
    return torch.tensor(numbers, device=scores.device)
