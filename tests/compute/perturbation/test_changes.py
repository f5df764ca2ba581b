"""Changed images: values worked out by hand on a few pixels."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import cnnwidgets as cw
from cnnwidgets.compute.perturbation import CHANGES
from cnnwidgets.compute.perturbation.changes import series

PHOTO = torch.linspace(0, 1, 3 * 6 * 8).reshape(3, 6, 8)


def dot(height: int = 5, width: int = 5, at: tuple[int, int] = (2, 1)) -> torch.Tensor:
    image = torch.zeros(1, height, width)
    image[0, at[0], at[1]] = 1
    return image


@pytest.mark.parametrize("name", CHANGES)
def test_the_value_that_changes_nothing_gives_the_same_pixels_in_another_memory(name):
    made = cw.perturb(PHOTO, **{name: CHANGES[name].none})
    assert torch.equal(made, PHOTO) and made.data_ptr() != PHOTO.data_ptr()


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("end", [0, 1])
def test_each_end_of_a_slider_keeps_size_type_and_range_and_leaves_the_image_as_it_was(name, end):
    before = PHOTO.clone()
    made = cw.perturb(PHOTO, **{name: CHANGES[name].span[end]})
    assert (made.shape, made.dtype) == (PHOTO.shape, PHOTO.dtype)
    assert made.min() >= 0 and made.max() <= 1 and made.isfinite().all()
    assert torch.equal(PHOTO, before)


def test_a_shift_moves_right_and_down_and_black_comes_in():
    assert_close(cw.perturb(dot(), shift_right=0.4, shift_down=-0.2), dot(at=(1, 3)))
    assert cw.perturb(torch.ones(1, 4, 4), shift_right=0.25)[0].tolist() == [[0.0, 1.0, 1.0, 1.0]] * 4


def test_a_quarter_turn_is_anticlockwise():
    assert_close(cw.perturb(dot(at=(2, 4)), rotate=90), dot(at=(0, 2)), atol=1e-5, rtol=0)


def test_twice_the_size_moves_what_is_beside_the_centre_twice_as_far():
    made = cw.perturb(dot(9, 9, (4, 6)), scale=2)
    assert made[0].argmax() == 4 * 9 + 8


def test_brightness_multiplies_and_white_is_the_limit():
    assert_close(cw.perturb(torch.tensor([[[0.2, 0.8]]]), brightness=1.5), torch.tensor([[[0.3, 1.0]]]))


def test_contrast_multiplies_the_distance_from_the_mean():
    assert_close(cw.perturb(torch.tensor([[[0.4, 0.6]]]), contrast=2), torch.tensor([[[0.3, 0.7]]]))
    assert_close(cw.perturb(torch.tensor([[[0.4, 0.6]]]), contrast=0), torch.tensor([[[0.5, 0.5]]]))


def test_without_colour_each_channel_is_the_brightness_of_bt_601():
    image = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)
    assert_close(cw.perturb(image, gray=1).flatten(), torch.full((3,), 0.299))
    assert_close(cw.perturb(image, gray=0.5).flatten(), torch.tensor([0.6495, 0.1495, 0.1495]))


def test_blur_keeps_the_sum_of_what_is_far_from_the_border():
    made = cw.perturb(dot(21, 21, (10, 10)), blur=1)
    assert_close(made.sum(), torch.tensor(1.0))
    assert_close(made[0, 10, 10], torch.tensor(0.1592), atol=1e-3, rtol=0)  # 1 / (2 pi)


def test_a_blur_wider_than_the_image_is_no_error():
    assert cw.perturb(torch.rand(3, 4, 5), blur=100).std(dim=(1, 2)).max() < 0.1


def test_noise_has_the_deviation_asked_for_and_the_same_pattern_for_the_same_seed():
    gray = torch.full((1, 200, 200), 0.5)
    one, same, other = (cw.perturb(gray, noise=0.1, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert_close(one.std(), torch.tensor(0.1), atol=2e-3, rtol=0)


def test_noise_draws_no_number_of_the_user():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    cw.perturb(PHOTO, noise=0.1)
    assert torch.equal(torch.rand(3), expected)


def test_the_patch_is_a_grey_square_in_the_centre():
    made = cw.perturb(torch.zeros(1, 4, 6), patch=0.5)
    assert made[0].tolist() == [[0] * 6, [0, 0, 0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5, 0, 0], [0] * 6]


def test_several_changes_are_made_in_one_order_however_they_are_named():
    one = cw.perturb(PHOTO, rotate=20, brightness=0.5, noise=0.1)
    assert torch.equal(one, cw.perturb(PHOTO, noise=0.1, brightness=0.5, rotate=20))


def test_a_normalised_image_stays_between_its_lowest_and_highest_value():
    image = torch.randn(3, 8, 8)
    made = cw.perturb(image, brightness=2, noise=0.5)
    assert made.min() >= image.min() - 1e-5 and made.max() <= image.max() + 1e-5
    assert cw.perturb(image, brightness=0).unique().tolist() == pytest.approx([float(image.min())])


def test_limits_that_are_given_are_black_and_white():
    assert cw.perturb(torch.zeros(1, 1, 2), limits=(-1, 1), brightness=0).flatten().tolist() == [-1, -1]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_a_picture_of_pillow_gives_one_of_its_size_and_mode(mode):
    image = Image.fromarray(np.full((4, 6, 3), 100, np.uint8)).convert(mode)
    made = cw.perturb(image, brightness=0.5)
    assert (made.size, made.mode) == (image.size, image.mode)
    assert abs(int(np.asarray(made.convert("L")).mean()) - 50) <= 1


def test_arrays_and_bytes_give_their_own_kind():
    image = np.full((1, 2, 2), 100, np.uint8)
    made = cw.perturb(image, brightness=0.5)
    assert isinstance(made, np.ndarray) and made.dtype == np.uint8 and (made == 50).all()


def test_a_batch_is_changed_image_by_image_alike():
    batch = torch.stack([PHOTO, PHOTO.flip(-1)])
    made = cw.perturb(batch, rotate=30, limits=(0, 1))
    assert_close(made[1], cw.perturb(batch[1], rotate=30, limits=(0, 1)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_keep_their_type(dtype):
    assert cw.perturb(PHOTO.to(dtype), rotate=10, noise=0.1).dtype == dtype


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"rotation": 3}, TypeError, "did you mean 'rotate'|rotate"),
        ({"noise": -1}, ValueError, "noise must be from 0 to 10"),
        ({"scale": 0}, ValueError, "scale must be from 0.05 to 20"),
        ({"blur": float("nan")}, ValueError, "blur must be from 0 to 100"),
        ({"rotate": "10"}, TypeError, "rotate must be a number"),
        ({"gray": True}, TypeError, "gray must be a number"),
        ({"limits": (1, 0)}, ValueError, "limits must be"),
    ],
)
def test_a_change_that_is_not_allowed_is_named_with_what_is(changes, error, words):
    with pytest.raises(error, match=words):
        cw.perturb(PHOTO, **changes)


@pytest.mark.parametrize("image", ["photo.jpg", None, torch.rand(3), [[1, 2]]])
def test_what_is_no_picture_is_named(image):
    with pytest.raises(TypeError, match="image must be"):
        cw.perturb(image, rotate=10)


@pytest.mark.parametrize("name", CHANGES)
def test_a_series_is_each_of_its_changes_together_with_others_or_alone(name):
    low, high = CHANGES[name].span
    values = [low, (low + high) / 3, CHANGES[name].none, high]
    for others in ({}, {"rotate": 20.0, "brightness": 0.7, "noise": 0.1}):
        fixed = {other: value for other, value in others.items() if other != name}
        made = series(PHOTO[None], (0.0, 1.0), fixed, name, values, 3)
        for at, value in enumerate(values):
            assert_close(made[at], cw.perturb(PHOTO, seed=3, **{**fixed, name: value}), atol=1e-5, rtol=0)


def test_a_turn_about_the_centre_of_a_shifted_image_is_made_before_the_shift():
    both = cw.perturb(dot(9, 9, (4, 6)), rotate=90, shift_right=1 / 9)
    assert both[0].argmax() == 2 * 9 + 5
