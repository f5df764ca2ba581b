from __future__ import annotations

import numpy as np

from cnnwidgets.render import Grid
from cnnwidgets.render.titles import HEAD, title_width, titled


def test_a_title_is_written_into_the_head_of_its_cell_alone():
    grid = Grid(2, HEAD + 6, 30, columns=2, gap=2)
    ground = np.zeros((*grid.shape, 4), np.uint8)
    ground[HEAD:] = (10, 20, 30, 255)
    picture = titled(ground, grid, ["", "88"])
    inked = picture[..., 3] > 0
    assert np.array_equal(picture[HEAD:], ground[HEAD:])
    assert not inked[:HEAD, :32].any() and inked[:HEAD, 32:].sum() > 20
    assert (picture[:HEAD][inked[:HEAD]][:, :3] == 0x80).all()  # edges, too: no dark fringe on a light page
    assert not ground[:HEAD].any()


def test_the_longest_title_says_the_width():
    assert title_width(["1", "512 · 512", "2"]) == title_width(["512 · 512"]) > 5 * title_width(["1"])
