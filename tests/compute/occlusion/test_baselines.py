"""What patches are filled with."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from cnnwidgets.compute.occlusion.baselines import baseline_images, blur

IMAGES = torch.arange(1.0, 17).reshape(2, 2, 2, 2)  # channel means 2.5, 6.5, 10.5, 14.5
WINDOW = (1, 1)


def test_a_number_fills_everything():
    assert torch.equal(baseline_images(IMAGES, 3, WINDOW), torch.full((2, 2, 2, 2), 3.0))


@pytest.mark.parametrize("given", [[3, 4], (3.0, 4.0), torch.tensor([3, 4]), np.array([3, 4])])
def test_numbers_are_one_a_channel(given):
    fill = baseline_images(IMAGES, given, WINDOW)
    assert (fill[:, 0] == 3).all() and (fill[:, 1] == 4).all()


def test_the_mean_is_each_images_own_a_channel():
    fill = baseline_images(IMAGES, "mean", WINDOW)
    assert fill[:, :, 1, 1].tolist() == [[2.5, 6.5], [10.5, 14.5]]
    assert (fill == fill[:, :, :1, :1]).all()


def test_an_image_is_taken_for_every_image_or_one_for_each():
    assert torch.equal(baseline_images(IMAGES, IMAGES[1], WINDOW), IMAGES[1].expand(2, 2, 2, 2))
    assert torch.equal(baseline_images(IMAGES, IMAGES.flip(0), WINDOW), IMAGES.flip(0))


def test_bytes_become_fractions_as_in_the_images():
    fill = baseline_images(IMAGES, torch.full((2, 2, 2), 51, dtype=torch.uint8), WINDOW)
    assert torch.allclose(fill, torch.tensor(0.2))


def test_a_blurred_dot_is_the_gaussian_with_its_height_and_width():
    dot = torch.zeros(1, 1, 21, 21)
    dot[0, 0, 10, 10] = 1
    soft = blur(dot, (2, 4))[0, 0]  # deviations 1 and 2
    assert float(soft[11, 10] / soft[10, 10]) == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert float(soft[10, 12] / soft[10, 10]) == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert float(soft.sum()) == pytest.approx(1, rel=1e-4)


def test_a_blurred_constant_is_the_same_up_to_the_borders():
    constant = torch.full((1, 3, 4, 5), 2.0)
    assert torch.allclose(baseline_images(constant, "blur", (4, 5)), constant)


def test_noise_has_the_images_mean_and_deviation_and_comes_from_the_generator():
    images = torch.randn(1, 2, 100, 100) * torch.tensor([1.0, 5.0]).reshape(1, 2, 1, 1) + 7
    before = torch.get_rng_state()
    first, again = (baseline_images(images, "noise", WINDOW, torch.Generator().manual_seed(3)) for _ in range(2))
    other = baseline_images(images, "noise", WINDOW)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.std((0, 2, 3)).tolist() == pytest.approx([1, 5], rel=0.05)
    assert first.mean((0, 2, 3)).tolist() == pytest.approx([7, 7], abs=0.2)


def test_noise_of_a_constant_image_is_that_constant():
    constant = torch.full((1, 1, 3, 3), 0.5)
    assert torch.equal(baseline_images(constant, "noise", WINDOW), constant)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("grey", ValueError, "no baseline 'grey'; allowed: a number, 'mean', 'blur', 'noise', an image"),
        ([1, 2, 3], ValueError, "the baseline has the shape 3; allowed: 2 numbers"),
        (torch.zeros(2, 3, 2), ValueError, "shape 2 x 3 x 2; allowed: .* image of 2 x 2 x 2"),
        (None, TypeError, "a baseline is a number, .* not NoneType"),
        (["a", "b"], TypeError, r"a baseline is a number, .* not \['a', 'b'\]"),
        ([None, 1], TypeError, r"a baseline is a number, .* not \[None, 1\]"),
        (math.nan, ValueError, "must be a finite number, not nan"),
        ([0, math.inf], ValueError, "the baseline holds NaN or infinite values"),
    ],
)
def test_a_bad_baseline_says_what_is_allowed(given, error, words):
    with pytest.raises(error, match=words):
        baseline_images(IMAGES, given, WINDOW)


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator, not int"):
        baseline_images(IMAGES, "noise", WINDOW, 3)
