from __future__ import annotations

import numpy as np

from cnnwidgets.render.static.scatter import NO_GROUP, extent, group_color, scatter, silhouette


def color(group: int) -> tuple[int, ...]:
    return tuple(bytes.fromhex(group_color(group)[1:]))


def test_groups_have_the_colours_of_tab10_then_others_and_none_is_grey():
    assert [group_color(group) for group in (0, 3, 9)] == ["#1f77b4", "#d62728", "#17becf"]
    assert len({group_color(group) for group in range(20)}) == 20
    assert group_color(-1) == NO_GROUP


def test_the_extent_is_a_square_around_all_frames():
    points = np.array([[[0.0, 0.0]], [[10.0, 2.0]]])
    assert np.allclose(extent(points), (-0.4, -4.4, 10.4, 6.4))
    assert extent(np.zeros((1, 1, 2))) == (-1, -1, 1, 1)


def test_points_stand_where_they_belong_with_y_upwards():
    points = np.array([[-0.5, 0.5], [0.5, -0.5]])
    pixels = scatter(points, [0, 3], (-1, -1, 1, 1), size=80)
    assert tuple(pixels[20, 20]) == (*color(0), 255)  # upper left
    assert tuple(pixels[60, 60]) == (*color(3), 255)
    assert not pixels[20, 60].any()
    ringed = scatter(points, [0, 3], (-1, -1, 1, 1), size=80, chosen=1)
    assert ringed[60, 66, 3] == 255 and pixels[60, 66, 3] == 0


def test_silhouettes_are_bars_from_the_middle_the_longest_of_a_group_first():
    pixels = silhouette(np.array([0.2, 1.0, -0.5, np.nan]), np.array([0, 0, 1, 1]), width=100, height=33)
    assert pixels[2, 95, 3] == 255 and pixels[2, 30, 3] == 0  # 1.0
    assert pixels[15, 55, 3] == 255 and pixels[15, 70, 3] == 0  # 0.2
    assert tuple(pixels[30, 30]) == (*color(1), 255) and pixels[30, 20, 3] == 0  # -0.5
    assert not silhouette(np.full(2, np.nan), np.array([0, 0]), width=10, height=4)[:, :5].any()
