"""scikit-learn's digits, drawn as MNIST draws them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

import cnnwidgets.data
from cnnwidgets.data import digits
from cnnwidgets.data.digits import draw_like_mnist


def test_there_are_1797_digits_in_order_with_ink_from_0_to_1():
    dataset = digits()
    assert len(dataset) == 1797
    assert dataset.targets[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert dataset.targets.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert dataset.classes == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert tuple(dataset.images.shape) == (1797, 1, 28, 28)
    assert (dataset.images.min().item(), dataset.images.max().item()) == (0.0, 1.0)


def test_like_mnists_the_median_digit_is_twenty_pixels_high():
    rows = (digits().images > 0.1).any(dim=3).sum(dim=(1, 2))
    assert rows.median().item() == 20


def test_the_centre_of_mass_is_the_middle_of_the_image_to_the_nearest_pixel():
    images = digits().images.squeeze(1)
    position = torch.arange(28.0)
    mass = images.sum(dim=(1, 2))
    for axis in (1, 2):
        centre = (images.sum(dim=3 - axis) * position).sum(dim=1) / mass
        assert (centre - 13.5).abs().max().item() <= 0.5 + 1e-4


def test_a_blank_and_a_corner_are_drawn_without_harm():
    ink = torch.zeros(2, 1, 8, 8)
    ink[1, 0, 0, 0] = 1
    drawn = draw_like_mnist(ink)
    assert drawn[0].abs().sum() == 0
    assert drawn[1].sum().item() > 0
    assert ink.sum() == 1


def test_importing_the_data_sets_does_not_load_scikit_learn():
    program = "import sys, cnnwidgets.data; print('sklearn' in sys.modules)"
    home = Path(cnnwidgets.data.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr
