"""Which kernel is where on a sheet, and in which colours, on layers small enough to count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.filters.filters import Filters, filters
from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.mosaic.titles import title_width
from cnnwidgets.views.filter.sheets import PAGE, ROOM, Kernels, lay_out, titles_for


def kernels(weights: torch.Tensor, scale: str = "layer", plane: int = 0) -> Kernels:
    kind = nn.Conv3d if weights.ndim == 5 else nn.Conv2d
    conv = kind(weights.shape[1], len(weights), tuple(weights.shape[2:]), bias=False)
    conv.weight.data = weights
    return Kernels(filters(nn.Sequential(conv), "0"), plane, scale)


def counted(filters: int, channels: int, height: int = 1, width: int = 1) -> torch.Tensor:
    """Weight k is k, for the k-th number of all."""
    return torch.arange(float(filters * channels * height * width)).reshape(filters, channels, height, width)


def index(count: int) -> np.ndarray:
    return np.arange(count)


def level(value: float, limit: float) -> int:
    """The palette index of a value between -limit and limit."""
    return int((value + limit) / (2 * limit) * 253 + 0.5)


# ---------------------------------------------------------------------- colours


def test_each_scale_has_its_limits():
    # filter 0: kernels 0 and -1 1; filter 1: kernels 2 -4 and 0 8
    weights = torch.tensor([[0.0, 0.0], [-1.0, 1.0], [2.0, -4.0], [0.0, 8.0]]).reshape(2, 2, 1, 2)
    limits = {"kernel": [1, 1, 4, 8], "filter": [1, 1, 8, 8], "layer": [8, 8, 8, 8]}
    for scale, expected in limits.items():
        made = kernels(weights, scale)
        assert [made.limit(f, c, "collated") for f in (0, 1) for c in (0, 1)] == expected  # all 0: -1 to 1
        assert made.tiles[1, 0].tolist() == [[level(2, expected[2]), level(-4, expected[2])]]
        assert made.tiles[0, 0].tolist() == [[127, 127]]  # 0 is the middle


def test_in_colour_a_kernel_has_the_scale_of_its_filter():
    weights = torch.tensor([[1.0, -2.0, 0.0], [8.0, 4.0, 0.0]]).reshape(2, 3, 1, 1)
    for scale, limits in (("kernel", [2, 8]), ("filter", [2, 8]), ("layer", [8, 8])):
        made = kernels(weights, scale)
        assert [made.limit(f, c, "rgb") for f in (0, 1) for c in (0, 2)] == [limits[0]] * 2 + [limits[1]] * 2
    sheet = lay_out(kernels(weights, "kernel"), index(2), "rgb", 2, 0, 1, (0, 0))
    assert sheet.pixels[0, 0].tolist() == [191, 0, 128, 255]  # 1 and -2 and 0 of 2
    assert sheet.pixels[-1, -1].tolist() == [255, 191, 128, 255]


def test_a_slice_of_a_volume_is_drawn():
    weights = torch.arange(8.0).reshape(1, 2, 2, 1, 2)
    assert kernels(weights, plane=1).values.tolist() == [[[[2, 3]], [[6, 7]]]]


# ---------------------------------------------------------------------- places


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1]])
@pytest.mark.parametrize(("mode", "each"), [("rgb", 1), ("single", 3), ("collated", 3)])
def test_every_kernel_is_in_its_box_and_hovering_and_clicking_find_it(order, mode, each):
    made = kernels(counted(4, 3, 2, 2))
    sheet = lay_out(made, np.array(order), mode, 0, 0, 1, (0, 0))
    places = [(filter, channel) for filter in order for channel in range(each)]
    assert [sheet.hovered(cell) for cell in range(sheet.grid.count)] == places
    for filter, channel in places:
        left, top, right, bottom = sheet.box(filter, channel)
        assert sheet.kernel_at((left + right) / 2, (top + bottom) / 2) == (filter, channel)
        shown = sheet.pixels[int(top) + sheet.head : int(bottom), int(left) : int(right)]
        if mode != "rgb":
            zoom = shown.shape[0] // 2
            assert np.array_equal(shown[::zoom, ::zoom], made.tiles[filter, channel])
    assert sheet.kernel_at(-1, 0) is None
    assert sheet.box(4, 0) is None  # of a larger layer


def test_single_kernels_are_titled_with_filter_and_channel_where_there_is_room():
    sheet = lay_out(kernels(counted(4, 3, 2, 2)), np.array([2, 0, 3, 1]), "single", 0, 0, 1, (0, 0))
    assert sheet.titles[:2] == ["filter 2 · channel 0", "filter 2 · channel 1"] and len(sheet.titles) == 12
    assert (sheet.pixels[: sheet.head] == GAP).all() and sheet.pixels.shape[0] <= 480
    depthwise = lay_out(kernels(counted(3, 1, 2, 2)), index(3), "single", 0, 0, 1, (0, 0))
    assert (depthwise.titles, depthwise.legend) == (["filter 0", "filter 1", "filter 2"], "")
    crowded = lay_out(kernels(counted(1, 300, 9, 9)), index(1), "single", 30, 0, 1, (0, 0))
    assert crowded.titles == [] and crowded.head == 0


def test_titles_say_as_much_as_there_is_room_for_and_a_legend_says_the_rest():
    page = np.array([7, 12])
    few, grouped = kernels(counted(13, 2)).filters, Filters("c", "", counted(13, 2), None, groups=2)
    widths = [title_width([f"filter 12 · {what} 1"]) for what in ("input channel", "channel")]
    assert titles_for(page, few, widths[0])[0][-1] == "filter 12 · input channel 1"
    assert titles_for(page, few, widths[1])[0][-1] == "filter 12 · channel 1"
    assert titles_for(page, few, widths[1] - 1) == (
        ["F7 · C0", "F7 · C1", "F12 · C0", "F12 · C1"], "F: filter, C: input channel"
    )  # fmt: skip
    assert titles_for(page, grouped, widths[1])[0][-1] == "filter 12 · channel 1"
    assert titles_for(page, few, title_width(["12 · 1"])) == (
        ["7 · 0", "7 · 1", "12 · 0", "12 · 1"], "filter · input channel"
    )  # fmt: skip
    assert titles_for(page, few, 5) == ([], "")


def test_in_colour_any_channel_is_in_the_box_of_its_filter():
    sheet = lay_out(kernels(counted(2, 3)), index(2), "rgb", 0, 0, 1, (0, 0))
    assert sheet.box(1, 0) == sheet.box(1, 2)
    assert sheet.heading == "All 2 filters in colour"


def test_a_page_holds_as_many_whole_filters_as_it_takes():
    made = kernels(counted(10, 20))  # three filters of 20 are 60 kernels
    sheets = [lay_out(made, index(10), "single", 0, filter, 1, (0, 0)) for filter in (0, 2, 3, 9)]
    assert [sheet.heading for sheet in sheets] == [
        "3 filters · page 1 of 4 · 60 kernels",
        "3 filters · page 1 of 4 · 60 kernels",
        "3 filters · page 2 of 4 · 60 kernels",
        "Filter 9 · page 4 of 4 · 20 kernels",
    ]
    assert [sheet.hovered(0) for sheet in sheets] == [(0, 0), (0, 0), (3, 0), (9, 0)]
    assert sheets[0].box(3, 0) is None and sheets[2].box(2, 0) is None and sheets[2].box(5, 19) is not None
    by_order = lay_out(made, index(10)[::-1], "single", 0, 9, 1, (0, 0))
    assert by_order.hovered(20) == (8, 0)


def test_a_filter_of_many_kernels_has_a_page_of_its_own():
    made = kernels(counted(3, PAGE + 1))
    sheet = lay_out(made, index(3), "single", 0, 1, 1, (0, 0))
    assert sheet.heading == f"Filter 1 · page 2 of 3 · {PAGE + 1} kernels"
    assert lay_out(kernels(counted(6, 1)), index(6), "single", 0, 1, 1, (0, 0)).heading == "All 6 filters · 6 kernels"


def test_columns_are_kernels_in_a_row():
    for mode in ("single", "collated"):
        sheet = lay_out(kernels(counted(4, 2)), index(4), mode, 5, 0, 1, (0, 0))
        assert (sheet.grid.columns, sheet.grid.rows) == (5, 2)
    wide = lay_out(kernels(counted(1000, 1)), index(1000), "single", 1000, 0, 1, (0, 0))
    assert wide.pixels.shape[1] <= ROOM


def test_the_mosaic_shows_what_the_window_says():
    made = kernels(counted(4, 4))
    sheet = lay_out(made, np.array([3, 2, 1, 0]), "collated", 0, 0, 2, (0, 3))
    assert [sheet.hovered(cell) for cell in range(4)] == [(1, 2), (1, 3), (0, 2), (0, 3)]
    assert (sheet.heading, sheet.box(3, 0)) == ("4 of 16 kernels", None)
    whole = lay_out(made, index(4), "collated", 0, 0, 1, (0, 0))
    assert (whole.heading, (whole.pixels == GAP).any()) == ("All 16 kernels", True)


def test_more_kernels_than_pixels_are_found_without_cells_to_hover():
    made = kernels(torch.zeros(600, 600, 1, 1))
    sheet = lay_out(made, index(600), "collated", 0, 0, 1, (0, 0))
    assert sheet.pixels.shape == (ROOM, ROOM) and sheet.grid is None
    left, top, right, bottom = sheet.box(599, 300)
    assert sheet.kernel_at((left + right) / 2, (top + bottom) / 2) == (599, 300)
    assert lay_out(made, index(600), "collated", 0, 0, 1024, (17, 400)).hovered(0) == (17, 400)
