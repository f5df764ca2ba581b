"""Calls of Captum for each attribution method."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch

from ...late import imported
from ..core import Prepare, Report
from ..occlusion import Patches, occlusion
from ..scoring import Score
from .network import Attributed

METHODS = {
    "saliency": "saliency",
    "input_x_gradient": "input × gradient",
    "integrated_gradients": "integrated gradients",
    "guided_backprop": "guided backpropagation",
    "deconvolution": "deconvolution",
    "grad_cam": "Grad-CAM",
    "guided_grad_cam": "guided Grad-CAM",
    "occlusion": "occlusion",
}
"""Method -> display name."""
MODIFIED = ("guided_backprop", "deconvolution", "guided_grad_cam")
"""Methods that modify the gradient at ReLUs."""
GRAD_CAM = ("grad_cam", "guided_grad_cam")
"""Methods that use the maps of a layer."""

UNREACHED = ("appears to not have been used", "does not require grad", "'NoneType' object has no attribute 'device'")
"""What PyTorch, or a hook of Captum, says where no gradient reaches what it is asked for."""
_AT_ONCE = 2**20
"""Pixels in one batch of the network for integrated gradients."""


class Task(NamedTuple):
    """Inputs of one attribution."""

    network: Attributed
    images: torch.Tensor
    targets: torch.Tensor
    against: torch.Tensor | None
    baseline: torch.Tensor
    steps: int
    patches: Patches
    score: Score
    prepare: Prepare | None
    progress: bool | Report

    @property
    def chosen(self) -> tuple[torch.Tensor, ...]:
        """Further arguments of the network."""
        return (self.targets,) if self.against is None else (self.targets, self.against)


def run_method(method: str, task: Task) -> tuple[torch.Tensor, list[str]]:
    """Values (N, C, H, W) or (N, 1, H, W), and notes.

    Raises
    ------
    ValueError
        The score has no gradient with respect to the layer or the image; the message gives the reason.
    """
    if method == "occlusion":
        return _occlusion(task)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Captum warns about our own modules; the caller need not know
            return _captum(method, task)
    except (RuntimeError, AttributeError) as error:
        if "modified by an inplace operation" in str(error):
            raise ValueError(
                f"{METHODS[method]}: an in-place operation overwrites values that the gradient needs: the network "
                "could not be trained either; occlusion needs no gradient"
            ) from error
        if not any(words in str(error) for words in UNREACHED):
            raise
        where = "the layer" if method in GRAD_CAM else "the image"
        raise ValueError(f"{METHODS[method]}: the score has no gradient with respect to {where}") from error


def _captum(method: str, task: Task) -> tuple[torch.Tensor, list[str]]:
    attr = imported("captum.attr")

    network, images = task.network, task.images.clone().requires_grad_()
    options: dict[str, Any] = {"additional_forward_args": task.chosen}
    size = tuple(images.shape[2:])
    if method == "saliency":
        return attr.Saliency(network).attribute(images, **options), []
    if method == "input_x_gradient":
        return attr.InputXGradient(network).attribute(images, **options), []
    if method == "guided_backprop":
        return attr.GuidedBackprop(network).attribute(images, **options), []
    if method == "deconvolution":
        return attr.Deconvolution(network).attribute(images, **options), []
    if method == "integrated_gradients":
        baseline = task.baseline.expand_as(images).contiguous()
        at_once = max(len(images), _AT_ONCE // (size[0] * size[1]))
        values, delta = attr.IntegratedGradients(network).attribute(
            images,
            baselines=baseline,
            n_steps=task.steps,
            internal_batch_size=at_once,
            return_convergence_delta=True,
            **options,
        )
        return values, [f"the sum differs from the difference of the scores by {float(delta.abs().max()):.2g}"]
    cam = attr.LayerGradCam(network, network.tap)
    at_once = 1 if network.alone else len(images)
    parts = zip(*(each.split(at_once) for each in (images, *task.chosen)), strict=True)  # the tap takes one pass each
    coarse = torch.cat(
        [cam.attribute(part, additional_forward_args=tuple(chosen), relu_attributions=True) for part, *chosen in parts]
    )
    empty = [] if bool((coarse > 0).any()) else ["no map contributes positively to the score: all 0"]
    cam = attr.LayerAttribution.interpolate(coarse, size, "bilinear")
    if method == "grad_cam":
        return cam, empty
    return attr.GuidedBackprop(network).attribute(images, **options) * cam, empty


def _occlusion(task: Task) -> tuple[torch.Tensor, list[str]]:
    module = task.network.module
    maps = []
    for number, image in enumerate(task.images):
        wanted = [int(chosen[number]) for chosen in task.chosen]
        found = occlusion(
            module,
            image[None],
            target=wanted,
            window=task.patches.window,
            stride=task.patches.stride,
            baseline=task.baseline[number % len(task.baseline)],
            score=task.score,
            prepare=task.prepare,
            progress=task.progress,
        )
        task.network.passes += 1 + found.done[0].numel()
        change = found.change[0]
        maps.append(found.upsample((change[0] if len(wanted) == 1 else change[0] - change[1])[None])[0])
    notes = ["patch of {} × {} pixels".format(*task.patches.window)]
    return torch.stack(maps)[:, None], notes
