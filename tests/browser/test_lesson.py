"""A lesson in the page: answered by the mouse in the picture and by the keyboard, in a notebook and in a page alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from every_view import CONTRAST
from page_tools import WATCH, at_rest, in_kernel, keep, no_errors, press, soon, state, wait_for, wait_until
from playwright.sync_api import Page, expect

LESSON = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.Lesson(model, dataset, topics=("receptive_field", "filters", "stride"), seed=2)
"""
ASK = ".cnnw-lesson-ask"
VERDICT = ".cnnw-lesson-says b"
# A place of a box that no other box covers.
FREE = """choice => {
    const box = document.querySelector(`.cnnw-lesson-box[data-choice='${choice}']`), at = box.getBoundingClientRect();
    for (let i = 0.04; i < 1; i += 0.04)
        for (let j = 0.04; j < 1; j += 0.04) {
            const x = at.left + i * at.width, y = at.top + j * at.height;
            if (box.contains(document.elementFromPoint(x, y))) return [x, y];
        }
}"""


def opened(run_cells: Callable[..., Page]) -> Page:
    page = run_cells(WATCH, LESSON + "view")
    page.locator(ASK).wait_for()
    return page


def readable(page: Page, least: int) -> None:
    """Assert that at least so many texts are there, and all can be read."""
    count, low = page.evaluate(CONTRAST, ".cnnw-lesson")[0]
    assert count >= least and low == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_click_in_the_picture_and_a_key_answer_and_the_view_that_explains_opens(run_cells, theme):
    page = opened(run_cells)
    page.set_viewport_size({"width": 1000, "height": 1300})
    keep(page, f"lesson-asks-{theme}")
    right = int(state(page, "right"))

    def free() -> list[list[float]] | None:
        places = [page.evaluate(FREE, choice) for choice in range(4)]
        return places if all(places) else None

    page.mouse.click(*at_rest(page, free, "a free place of each answer is")[right])
    expect(page.locator(VERDICT)).to_contain_text("is right")
    wait_for(page, "score", (1, 1))
    keep(page, f"lesson-answered-{theme}")
    page.get_by_role("button", name="Look closer: ReceptiveFieldView").click()
    page.locator(".cnnw-lesson-below .cnnw").wait_for()
    keep(page, f"lesson-explained-{theme}")
    press(page, "Escape")
    page.locator(".cnnw-lesson").focus()
    press(page, "ArrowRight")
    wait_for(page, "number", 1)
    expect(page.locator(ASK)).to_have_text("Which of these filters made this map?")
    wait_until(page, lambda: page.locator(".cnnw-lesson-below .cnnw").count() == 0, "the view is closed")
    wrong = (int(state(page, "right")) + 1) % 4
    press(page, "abcd"[wrong])  # and no cell is inserted above, as JupyterLab would
    expect(page.locator(VERDICT)).to_contain_text("is not right")
    wait_for(page, "score", (1, 2))
    wait_until(page, lambda: page.locator(".jp-Cell").count() <= 3, "no cell is inserted")
    keep(page, f"lesson-wrong-{theme}")
    press(page, "Enter")
    wait_for(page, "number", 2)
    press(page, "1")
    wait_for(page, "answered", 0)
    expect(page.locator(".cnnw-lesson-score")).to_contain_text("of 3 right")
    soon(page, lambda: readable(page, 9), "every text can be read")
    page.get_by_role("button", name="Ask again").click()
    wait_for(page, "score", (0, 0))
    in_kernel(page, "view.seed = 5")
    wait_until(page, lambda: page.locator(".cnnw-is-right, .cnnw-is-wrong").count() == 0, "other questions")
    assert no_errors(page)


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_alone_asks_and_counts(browser, tmp_path, dark):
    import cnnwidgets as cw

    lesson = cw.Lesson(topics=("occlusion", "channels"), seed=1)
    filters = cw.FilterView(lesson.subject.module)
    parts = ["# Filters\nEach **filter** of `C1`:", filters, "*Your turn*:\n\n- click\n- count", lesson]
    path = cw.page(parts, tmp_path / "class.html", title="Our first network", progress=False).path
    options = {"color_scheme": "dark" if dark else "light", "viewport": {"width": 700, "height": 800}}
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    page.locator("input[name=layer]").press("End")
    expect(page.locator("main").first.locator("h1")).to_contain_text(filters.choices("layer")[-1])
    expect(page.locator("header h1")).to_have_text("Our first network")
    page.locator(f".cnnw-lesson-box[data-choice='{lesson.right}']").click()
    expect(page.locator(VERDICT)).to_contain_text("is right")
    keep(page, f"lesson-page-{'dark' if dark else 'light'}", whole=True)
    page.get_by_role("button", name="Next question").click()
    press(page, "ABCD"[lesson.posed[1].right])
    expect(page.locator(".cnnw-lesson-score")).to_have_text("2 of 2 right")
    keep(page, f"lesson-page-2-{'dark' if dark else 'light'}", whole=True)
    soon(page, lambda: readable(page, 1), "every text can be read")
    wait_until(page, lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page fits")
    assert errors == []
    context.close()
