"""A network small enough to follow by hand, and a plain loop that trains it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from cnnwidgets.training.recording.recorder import Recorder


class Small(nn.Module):
    """One weight w: a convolution makes w x of 2 x 2 pixels x, behind it an in-place ReLU, then their sum."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(1)
        self.relu = nn.ReLU(inplace=True)
        nn.init.constant_(self.conv.weight, weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x)).flatten(1).sum(1)


def train(recorder: Recorder, epochs: int = 2, batches: int = 2, **told: int) -> None:
    """SGD with a rate of 1 on the loss -sum of the outputs / 10, so that each step adds 1 to w: images are ones."""
    model = recorder.model
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for epoch in range(epochs):
        for batch in range(batches):
            optimizer.zero_grad()
            loss = -model(torch.ones(5, 1, 2, 2)).sum() / 20
            loss.backward()
            optimizer.step()
            recorder.step(epoch, batch, of=batches, loss=loss)


def two_images() -> Tensor:
    """1 to 4, and their negatives."""
    image = torch.arange(1.0, 5).reshape(1, 1, 2, 2)
    return torch.cat([image, -image])


def filmed(path: Path) -> Path:
    """A film of four steps in two epochs, a frame a step: w is 1, 2, 3, 4, 5."""
    layers = ["conv", "relu"]
    with Recorder(Small(), layers, two_images(), path, every=1, gradients=True, inputs=True) as recorder:
        train(recorder)
    return path
