from __future__ import annotations

import numpy as np
import pytest

from cnnwidgets.render.mosaic.titles import HEAD
from cnnwidgets.render.static.sheet import SPACE, sheet


def test_maps_stand_in_rows_enlarged_to_whole_squares_with_titles_above():
    maps = np.array([[[0, 1]], [[1, 1]], [[0, 0]]], float)
    panel = sheet("three", maps, ["a", "b", "c"], columns=2, side=40, colormap="gray")
    pixels = panel.pixels
    assert pixels is not None
    assert pixels.shape == (2 * (HEAD + 20) + SPACE, 40 + SPACE + 40, 4) and panel.width == pixels.shape[1]
    first = pixels[HEAD : HEAD + 20, :40, 0]
    assert (first[:, :20] == 0).all() and (first[:, 20:] == 255).all()
    assert (pixels[HEAD : HEAD + 20, 48:88, 0] == 255).all()
    heads = pixels[:HEAD, :, 3] > 0
    assert heads[:, :40].any() and heads[:, 48:].any()
    assert not pixels[HEAD + 20 + SPACE :, 40:, 3].any()  # no fourth map
    assert panel.colorbar == ("gray", "0", None, "1")


def test_a_sheet_tells_its_scale_with_zero_in_the_middle_where_values_are_signed():
    panel = sheet("signed", np.array([[[-2.0]], [[1.0]]]), ["#0", "#1"], columns=9)
    assert panel.colorbar is not None and panel.colorbar[1:] == ("−2", "0", "2")
    assert sheet("fixed", np.ones((1, 1, 1)), [""], columns=1, scale=(0, 4)).colorbar[1:] == ("0", None, "4")


def test_titles_must_be_as_many_as_maps():
    with pytest.raises(ValueError, match="2 maps, 1 titles"):
        sheet("two", np.zeros((2, 3, 3)), ["only"], columns=2)
