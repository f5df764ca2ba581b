from __future__ import annotations

import numpy as np

from cnnwidgets.render.color.colormap import rgb
from cnnwidgets.render.mosaic.grid import Grid
from cnnwidgets.render.mosaic.titles import HEAD, INK, PLATE, title_width, titled
from tests.render.conftest import contrast


def test_a_title_is_written_into_the_head_of_its_cell_alone():
    grid = Grid(2, HEAD + 6, 30, columns=2, gap=2)
    ground = np.zeros((*grid.shape, 4), np.uint8)
    ground[HEAD:] = (10, 20, 30, 255)
    picture = titled(ground, grid, ["", "88"])
    inked = picture[..., 3] > 0
    assert np.array_equal(picture[HEAD:], ground[HEAD:])
    assert not inked[:HEAD, :32].any() and inked[:HEAD, 32:].sum() > 20
    letters = picture[:HEAD][inked[:HEAD]]
    assert (letters[:, 3] == 255).all()  # a plate of its own: what the page is like does not matter
    assert letters[:, :3].min(0).tolist() == list(rgb(INK)) and letters[:, :3].max(0).tolist() == list(rgb(PLATE))
    assert not ground[:HEAD].any()


def test_titles_can_be_read():
    assert contrast(INK, PLATE) > 4.5


def test_the_longest_title_says_the_width():
    assert title_width(["1", "512 · 512", "2"]) == title_width(["512 · 512"]) > 5 * title_width(["1"])
