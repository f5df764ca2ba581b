"""EmbeddingView as a person uses it: wait for t-SNE, play the states, hover and click points."""

from __future__ import annotations

import numpy as np
import pytest
from page_tools import (
    at_rest,
    comm_count,
    focus_slider,
    in_kernel,
    no_errors,
    press,
    shown,
    state,
    wait_for,
    wait_until,
)
from playwright.sync_api import Page

VIEW = """
import cnnwidgets
faults = []
model, start = cnnwidgets.models.lenet5(pretrained=True), cnnwidgets.models.lenet5()
states = [start.state_dict(), model.state_dict()]
view = cnnwidgets.EmbeddingView(model, cnnwidgets.data.digits(), "F6", states=states, count=60)
beside = cnnwidgets.ActivationView(model, cnnwidgets.data.digits())
view.link(beside)
view
"""


PLACES = """() => [...document.querySelectorAll('.cnnw .bqplot .dot_grp, .cnnw .bqplot .object_grp')].map(mark => {
    const {x, y, width, height} = mark.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
})"""


def places(page: Page) -> np.ndarray:
    """Where the ring and the points behind it are painted, in the window."""
    return np.array(page.evaluate(PLACES))


def moved(page: Page, before: np.ndarray) -> np.ndarray:
    """Wait until the points have left their places and are at rest in new ones, which are returned."""
    wait_until(page, lambda: not np.array_equal(places(page), before), "the points have left their places")
    return at_rest(page, lambda: places(page), "the points are", looks=5)


def loneliest(points: np.ndarray) -> int:
    """The one of (N, 2) points whose nearest neighbour is farthest away: no other lies above it."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(apart.min(axis=1).argmax())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_appear_at_once_move_with_the_states_and_show_their_images(run_cells, theme):
    page = run_cells(VIEW)
    shown(page, "60 images as vectors of 84 numbers")
    in_kernel(page, "1 + 1")  # the notebook goes on meanwhile
    wait_for(page, "embedding.method", "tsne")
    shown(page, "neighbourhoods are preserved")

    before = moved(page, np.zeros(0))
    focus_slider(page, 1)
    press(page, "ArrowRight")
    wait_for(page, "frame", 1)
    shown(page, "state 1")

    points = moved(page, before)[1:]
    point = loneliest(points)
    across, down = points[point]

    def told() -> bool:
        for x in (across - 1, across):
            page.mouse.move(x, down)
        return page.locator(".cnnw-tip img").is_visible()

    wait_until(page, told, "the mouse is shown the image of the point")
    page.mouse.click(*points[point])
    wait_for(page, "selected", in_kernel(page, f"print(view.indices[{point}], end='')"))
    assert in_kernel(page, "print(beside.index == view.selected)").strip() == "True"
    shown(page, f"Image {state(page, 'selected')}")

    page.locator(".cnnw select").filter(has_text="cluster").select_option("cluster")
    wait_for(page, "color", "cluster")
    shown(page, "cluster 4")
    page.locator(".cnnw select").filter(has_text="PCA").select_option("PCA")
    wait_for(page, "method", "pca")
    shown(page, "of the variance")
    page.locator(".cnnw select").filter(has_text="channels").select_option("channels")
    shown(page, "84 channels as vectors of 60 numbers")

    in_kernel(page, "view.frame = 0")
    page.locator(".cnnw .widget-play button").first.click()
    wait_until(page, lambda: state(page, "frame") == "1", "the film plays")
    assert no_errors(page)
    in_kernel(page, "view.close(); beside.close()")
    assert comm_count(page) == 0
