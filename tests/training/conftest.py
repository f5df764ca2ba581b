"""Small trainings whose numbers can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from cnnwidgets.training.loop.trainer import Trainer

from .films import Small, filmed, two_images


@pytest.fixture
def small():
    """A network of one weight."""
    return Small()


@pytest.fixture
def probes():
    """Two images for it."""
    return two_images()


@pytest.fixture
def film(tmp_path):
    """The folder of a recording of it."""
    return filmed(tmp_path / "film")


@pytest.fixture
def line():
    """y = w x with w = 1, in training mode."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    nn.init.ones_(model[0].weight)
    return model


@pytest.fixture
def batches():
    """Two batches, x = 1 and x = 2, whose target is 0."""
    return [(torch.tensor([[1.0]]), torch.zeros(1, 1)), (torch.tensor([[2.0]]), torch.zeros(1, 1))]


@pytest.fixture
def trainer(line, batches):
    """Trains `line` with lr 0.25: after x = 1 (loss 1, gradient 2) w is 0.5, after x = 2 (1, 4) it is -0.5."""
    made = Trainer(line, nn.MSELoss(), torch.optim.SGD(line.parameters(), lr=0.25), progress=False)
    made.set_loaders(batches)
    return made


class Noisy(torch.utils.data.Dataset):
    """20 examples of 4 numbers, each time with other noise, and their class."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        torch.rand(index % 3)  # so that the order of the examples matters
        return torch.full((4,), index / 20) + torch.rand(4), index % 2


@pytest.fixture
def chancy():
    """Makes a trainer in which everything depends on random numbers: order, noise, dropout."""

    def make(*, scheduler="step", own=False, workers=0, checkpoint=None, valid=True):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        kinds = {
            "step": lambda: torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5),
            "cycle": lambda: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=15),
            "plateau": lambda: torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0),
        }
        made = Trainer(
            model, nn.CrossEntropyLoss(), optimizer, kinds[scheduler](), checkpoint=checkpoint, progress=False
        )
        generator = torch.Generator().manual_seed(5) if own else None
        train = DataLoader(Noisy(), 4, shuffle=True, generator=generator, num_workers=workers)
        made.set_loaders(train, DataLoader(Noisy(), 8) if valid else None)
        return made

    return make
