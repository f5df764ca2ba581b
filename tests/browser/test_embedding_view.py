"""EmbeddingView as a person uses it: wait for t-SNE, play the states, hover and click points."""

from __future__ import annotations

import pytest
from page_tools import comm_count, focus_slider, in_kernel, no_errors, press, shown, state, wait_for, wait_until
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


def place(page: Page, point: int) -> tuple[float, float]:
    """Where a point is painted, in the window."""
    box = page.locator(".cnnw .bqplot .dot_grp, .cnnw .bqplot .object_grp").nth(point).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_appear_at_once_move_with_the_states_and_show_their_images(run_cells, theme):
    page = run_cells(VIEW)
    shown(page, "60 images as vectors of 84 numbers")
    in_kernel(page, "1 + 1")  # the notebook goes on meanwhile
    wait_for(page, "embedding.method", "tsne")
    shown(page, "neighbours are kept")

    slider = 1
    focus_slider(page, slider)
    press(page, "ArrowRight")
    wait_for(page, "frame", 1)
    shown(page, "state 1")
    page.wait_for_timeout(600)  # points are on their way

    point = int(in_kernel(page, "import numpy; print(numpy.argmax(view._plane.figure._points.x))"))
    mark = page.locator(".cnnw .bqplot .dot").nth(point + 1)  # behind the ring
    mark.hover(force=True)
    page.locator(".cnnw-tip img").wait_for()
    mark.click(force=True)
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
