"""How fast maps follow a hand that draws, and what a stability curve costs beside the bare batch.

    python benchmarks/own_image.py

Ratios, since times depend on the machine: how many strokes the kernel draws in a second, from message to answer; the
curve of 41 points by the batch of 41 images run bare.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.perturbation import CHANGES

STROKES, ROUNDS, POINTS = 60, 3, 41


def seconds(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Of one core, the median of several runs: other programs that run meanwhile do not count."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        found.append(time.process_time() - start)
    return statistics.median(found)


def strokes() -> float:
    """Strokes a second: each is a message with the whole canvas, which an ActivationView shows."""
    view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3")
    view.toggle_input()
    pad, canvas, number = view.input.pad, np.zeros((28, 28), np.uint8), 0
    assert pad is not None

    def stroke() -> None:
        nonlocal number
        canvas[5 + number // 18, 5 + number % 18 : 8 + number % 18] = 255
        number += 1
        pad._handle_custom_msg({"kind": "drawn", "number": number, "final": False}, [canvas.tobytes()])

    taken = seconds(stroke, STROKES)
    view.close()
    return 1 / taken


def curve(model: nn.Module, image: torch.Tensor) -> float:
    """Time of the curve by that of the bare batch."""
    low, high = CHANGES["rotate"].span
    values = [low + (high - low) * at / (POINTS - 1) for at in range(POINTS)]
    batch = torch.stack([image] * POINTS)
    model.eval()

    def bare() -> None:
        with torch.inference_mode():
            model(batch)

    def ours() -> None:
        cw.stability(model, image, "rotate", values)

    for action in (bare, ours):
        action()
    ratios = [seconds(ours, 1) / seconds(bare, 1) for _ in range(ROUNDS)]
    return statistics.median(ratios)


if __name__ == "__main__":
    import torchvision

    torch.set_num_threads(1)

    print(f"strokes a second, LeNet-5: {strokes():.0f}")
    lenet = cw.models.lenet5(pretrained=True)
    print(f"curve by bare batch, LeNet-5: {curve(lenet, cw.data.digits()[0][0]):.2f}")
    resnet = torchvision.models.resnet18().eval()
    print(f"curve by bare batch, ResNet-18 at 224 px: {curve(resnet, torch.rand(3, 224, 224)):.2f}")
