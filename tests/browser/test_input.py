"""An own image in a real page: drawn with the mouse, pasted, uploaded, dropped, changed, and taken back."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from page_tools import HANDLE, WATCH, becomes, in_kernel, keep, no_errors, press, state, steady, wait_until
from painted_tools import LENET
from PIL import Image
from playwright.sync_api import Locator, Page

SEVEN = [(7, 7), (20, 7), (13, 22)]  # corners, in px of the network's image
OPEN = WATCH, LENET + "view"
PASTE = """(canvas, [type, data]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], 'pasted.png', {type}));
    canvas.dispatchEvent(new ClipboardEvent('paste', {clipboardData: files, bubbles: true, cancelable: true}));
}"""
DROP = """(canvas, [type, data]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], 'dropped.png', {type}));
    canvas.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
}"""


def picture(pixels: np.ndarray) -> list[str]:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return ["image/png", base64.b64encode(file.getvalue()).decode()]


def opened(run_cells) -> Page:
    page = run_cells(*OPEN)
    page.get_by_role("button", name="own image").first.click()
    pad(page).wait_for()
    return page


def pad(page: Page) -> Locator:
    return page.locator("canvas.cnnw-pad").first


def words(page: Page) -> str:
    return page.locator(".cnnw-pad-words").first.inner_text()


def draw(page: Page, corners=SEVEN, steps: int = 12) -> None:
    box = steady(pad(page))
    places = [(box["x"] + (x + 0.5) * box["width"] / 28, box["y"] + (y + 0.5) * box["height"] / 28) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def predicted(page: Page) -> str:
    return state(page, "snapshot.prediction.targets[0]")


def own(page: Page) -> bool:
    return int(state(page, "index")) < 0


def wait_for_the_last_stroke(page: Page) -> None:
    """Wait until the view shows what is on the canvas."""
    same = """
import base64
print(base64.b64encode((view.item.image[0] * 255).round().byte().numpy().tobytes()).decode())
"""
    read = """canvas => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, 28, 28);
        return btoa(String.fromCharCode(...Array.from({length: 784}, (_, at) => data[4 * at])));
    }"""
    wait_until(
        page, lambda: own(page) and in_kernel(page, same).strip() == pad(page).evaluate(read), "canvas and image agree"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_drawn_seven_is_a_seven_and_the_view_follows_the_hand(run_cells, theme):
    page = opened(run_cells)
    draw(page)
    wait_until(page, lambda: own(page) and predicted(page) == "7", "the drawn 7 is predicted")
    wait_until(page, lambda: "own image" in page.locator(".cnnw-title").first.inner_text(), "the title says so")
    pixels = "print(float(view.item.image[0, 7, 14]), float(view.item.image[0, 25, 2]))"
    wanted = [pytest.approx(1, abs=0.2), 0]
    becomes(page, lambda: [float(each) for each in in_kernel(page, pixels).split()], wanted, "one pixel drawn, one not")
    keep(page, f"drawn-{theme}")
    assert no_errors(page)


def test_the_last_stroke_arrives_however_fast_the_hand_was(run_cells):
    page = opened(run_cells)
    draw(page, [(4, 4), (24, 4), (4, 24), (24, 24), (4, 4), (26, 26)], steps=16)
    wait_for_the_last_stroke(page)
    assert no_errors(page)


def test_a_picture_is_pasted_and_dropped(run_cells):
    page = opened(run_cells)
    bright, dark = np.full((40, 60, 3), 255, np.uint8), np.full((28, 28), 51, np.uint8)
    pad(page).evaluate(PASTE, picture(bright))
    wait_until(page, lambda: own(page) and float(state(page, "item.image.min()")[7:-1]) == 1, "the pasted picture")
    told = "resized and cut from 60 × 40 px"
    wait_until(page, lambda: told in page.locator(".cnnw-title").first.inner_text(), "the title tells of the picture")
    pad(page).evaluate(DROP, picture(dark))
    wait_until(page, lambda: state(page, "item.image.max()").startswith("tensor(0.2"), "the dropped picture")
    assert no_errors(page)


def test_a_broken_file_is_told_and_the_view_stays(run_cells, tmp_path):
    page = opened(run_cells)
    draw(page)
    wait_for_the_last_stroke(page)
    before = state(page, "index")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG no picture")
    page.locator("input[type=file][accept='image/*']").first.set_input_files(tmp_path / "cut.png")
    wait_until(page, lambda: "cut.png" in words(page) and "broken" in words(page), "the words about the file")
    assert state(page, "index") == before
    Image.new("L", (28, 28), 255).save(tmp_path / "white.png")
    page.locator("input[type=file][accept='image/*']").first.set_input_files(tmp_path / "white.png")
    wait_until(page, lambda: state(page, "item.image.min()") == "tensor(1.)", "the uploaded picture")


def test_changes_are_made_by_keys_and_taken_back_by_a_click(run_cells):
    page = opened(run_cells)
    sliders = page.locator(f".cnnw-changes {HANDLE}")
    sliders.nth(2).focus()
    press(page, "ArrowRight", 5)
    wait_until(page, lambda: own(page) and "rotate" in state(page, "notes()"), "the image is turned")
    page.locator(".cnnw-input-panel select").first.select_option("rotate")
    page.locator(".cnnw-input-panel svg[role=img]").wait_for()
    keep(page, "changed-light")
    page.get_by_role("button", name="reset").first.click()
    wait_until(page, lambda: state(page, "index") == "3", "the image of the data set")
    assert no_errors(page)


def test_delete_clears_the_canvas_and_the_data_set_image_comes_back(run_cells):
    page = opened(run_cells)
    page.get_by_role("button", name="data set").click()
    filled = "canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28).data.some((v, i) => i % 4 < 3 && v > 100)"
    wait_until(page, lambda: pad(page).evaluate(filled), "the image is on the canvas")
    pad(page).focus()
    press(page, "Delete")
    wait_until(page, lambda: own(page) and state(page, "item.image.max()") == "tensor(0.)", "the empty image")
    page.locator(".cnnw button", has_text=">").first.click()
    wait_until(page, lambda: state(page, "index") == "4", "the next image of the data set")
    assert no_errors(page)


def test_without_a_camera_that_is_said(run_cells):
    page = opened(run_cells)
    page.get_by_role("button", name="camera").click()
    wait_until(page, lambda: "camera" in words(page), "what is said of the camera")
    assert no_errors(page)


def test_it_fits_into_a_narrow_page(run_cells):
    page = opened(run_cells)
    page.set_viewport_size({"width": 700, "height": 1400})
    draw(page)
    wait_until(page, lambda: own(page) and predicted(page) == "7", "the drawn 7 is predicted")
    beyond = (
        "card => [...card.querySelectorAll('.cnnw-input-panel *')].filter(e => e.getClientRects().length &&"
        " e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1).length"
    )
    becomes(page, lambda: page.locator(".cnnw").first.evaluate(beyond), 0, "nothing stands over the edge")
    keep(page, "narrow-light")
    page.set_viewport_size({"width": 1200, "height": 1400})
