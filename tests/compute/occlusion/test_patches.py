"""The places of a patch: the whole image, coarse to fine, height and width each in its place."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.compute.occlusion.patches import middles, patches

SIDE = st.integers(1, 30)


def test_the_places_of_a_small_image_are_worked_out_by_hand():
    grid = patches((4, 7), window=(2, 3), stride=(1, 2))
    assert grid.grid == (3, 3)
    assert grid.boxes[:, 0].tolist() == [[0, 0, 2, 3], [1, 0, 3, 3], [2, 0, 4, 3]]
    assert grid.boxes[0].tolist() == [[0, 0, 2, 3], [0, 2, 2, 5], [0, 4, 2, 7]]


def test_a_patch_beyond_the_border_is_cut_off_there():
    grid = patches((2, 7), window=(2, 4), stride=2)
    assert grid.boxes[0].tolist() == [[0, 0, 2, 4], [0, 2, 2, 6], [0, 4, 2, 7]]


def test_a_photo_of_224_has_15_places_each_way_with_the_usual_window():
    grid = patches((224, 224), window=32, stride=14)
    assert grid.grid == (15, 15)
    assert grid.boxes[-1, -1].tolist() == [196, 196, 224, 224]


def test_by_default_the_window_is_a_seventh_of_each_side_and_the_stride_half_of_it():
    grid = patches((224, 112))
    assert (grid.window, grid.stride) == ((32, 16), (16, 8))
    assert patches((3, 3)).window == (1, 1)


def test_a_stride_larger_than_the_window_leaves_gaps_and_no_patch_outside():
    grid = patches((1, 10), window=(1, 2), stride=(1, 5))
    assert grid.boxes[0].tolist() == [[0, 0, 1, 2], [0, 5, 1, 7]]


@given(size=st.tuples(SIDE, SIDE), data=st.data())
def test_every_pixel_is_hidden_and_every_place_is_visited_once(size, data):
    window = tuple(data.draw(st.integers(1, side)) for side in size)
    stride = tuple(data.draw(st.integers(1, side)) for side in window)
    grid = patches(size, window, stride)
    hidden = torch.zeros(size)
    for top, left, bottom, right in grid.boxes.reshape(-1, 4).tolist():
        assert 0 <= top < bottom <= size[0] and 0 <= left < right <= size[1]
        hidden[top:bottom, left:right] = 1
    assert hidden.all()
    visited = [place for stage in grid.order() for place in stage]
    assert sorted(visited) == [(row, column) for row in range(grid.grid[0]) for column in range(grid.grid[1])]


def test_the_first_stage_is_spread_over_the_frame_and_a_16th_of_all():
    stages = patches((224, 224), window=32, stride=14).order()
    assert stages[0] == [(row, column) for row in (2, 7, 12) for column in (2, 7, 12)]
    assert [len(stage) for stage in stages] == [9, 60, 156]


def test_the_middle_of_a_block_stands_for_it():
    assert middles(7, 3) == [1, 1, 1, 4, 4, 4, 6]
    assert middles(3, 1) == [0, 1, 2]


def test_painting_hides_the_box_and_nothing_else():
    image, fill = torch.zeros(1, 3, 4), torch.full((1, 3, 4), 5.0)
    patches((3, 4), window=(2, 1), stride=1).paint(image, fill, 1, 2)
    assert image.tolist() == [[[0, 0, 0, 0], [0, 0, 5, 0], [0, 0, 5, 0]]]


@pytest.mark.parametrize(("top", "left", "pixels"), [(-1, -1, 1), (2, 3, 1), (-2, 0, 0), (9, 9, 0), (0, -1, 2)])
def test_a_patch_partly_outside_hides_what_lies_inside(top, left, pixels):
    image = torch.zeros(1, 3, 4)
    patches((3, 4), window=2, stride=1).paint(image, torch.ones(1, 3, 4), top, left)
    assert image.sum() == pixels


def test_a_disc_leaves_the_corners():
    image = torch.zeros(1, 4, 4)
    patches((4, 4), window=4, stride=4, shape="disc").paint(image, torch.ones(1, 4, 4), 0, 0)
    assert image[0].tolist() == [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]


def test_a_disc_partly_outside_keeps_its_place():
    image = torch.zeros(1, 4, 4)
    patches((4, 4), window=4, stride=4, shape="disc").paint(image, torch.ones(1, 4, 4), -2, -2)
    assert image[0].tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"window": 6}, ValueError, "window of 6 x 6 is larger than the image of 5 x 8"),
        ({"window": (2, 9)}, ValueError, "window of 2 x 9 is larger"),
        ({"window": 0}, ValueError, "window must be 1 pixel or more, not 0"),
        ({"stride": 0}, ValueError, "stride must be 1 pixel or more, not 0"),
        ({"stride": (1, -2)}, ValueError, "stride must be 1 pixel or more"),
        ({"window": (1, 2, 3)}, ValueError, "not 3 numbers"),
        ({"window": 2.5}, TypeError, "window is a whole number of pixels"),
        ({"stride": "two"}, TypeError, "stride is a whole number of pixels"),
        ({"shape": "star"}, ValueError, "no shape 'star'; allowed: 'square', 'disc'"),
    ],
)
def test_a_bad_window_says_what_is_allowed(options, error, words):
    with pytest.raises(error, match=words):
        patches((5, 8), **options)
