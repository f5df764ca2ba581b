"""A page that to_html() wrote, opened from disk: its sliders choose what is shown, and it asks nobody for anything."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from every_view import CONTRAST
from page_tools import becomes, keep, soon, steady, wait_until
from painted_tools import painted
from playwright.sync_api import expect

import cnnwidgets as cw


class Pictures(cw.ActivationView):
    """A page of it has a picture for each state, as one of a view that no page can paint."""

    painted = ()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    images = cw.data.digits()
    view = Pictures(cw.models.lenet5(pretrained=True), images, layer="C3", index=3, channel=2)
    done = view.to_html(tmp_path_factory.mktemp("page") / "view.html", index=[3, 4])
    view.close()
    return done.path


@pytest.fixture(params=["light", "dark"])
def page(request, browser, path):
    """The page in a browser that has no network."""
    context = browser.new_context(color_scheme=request.param, offline=True, viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.asked, page.errors = [], []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text))
    page.goto(path.as_uri())
    yield page
    context.close()


def test_the_sliders_choose_what_is_shown(page, path):
    title, large = page.locator("h1"), page.locator("h2").nth(3)
    whole = "C3 · Conv2d(6, 16, 5×5) · 16 maps of 10 × 10 · image 3 · label: 3"
    becomes(page, title.inner_text, whole, "the title")
    shown = page.locator(".picture img").last.get_attribute("src")
    page.locator("input[name=channel]").press("ArrowRight")
    becomes(page, large.inner_text, "Channel 3 · 10 × 10", "the heading of the channel")
    expect(page.locator(".picture img").last).not_to_have_attribute("src", str(shown))
    page.locator("input[name=index]").press("ArrowRight")
    expect(title).to_have_text(re.compile("image 4 · label: 4$"), use_inner_text=True)
    for _ in range(4):  # func2, S4 and C5 lie between; flatten, which computes nothing, is not listed
        page.locator("input[name=layer]").press("ArrowRight")
    expect(title).to_have_text(re.compile(r"^F6 · Linear\(120, 84\) · 84 units"), use_inner_text=True)
    page.locator("input[name=layer]").press("Home")
    expect(title).to_have_text(re.compile("^C1 · "), use_inner_text=True)
    becomes(page, large.inner_text, "Channel 3 · 28 × 28", "the heading of the channel")
    assert [url for url in page.asked if not url.startswith("data:")] == [path.as_uri()]
    assert page.errors == []


def test_pictures_and_theme_are_on_the_screen(page):
    def on_the_screen() -> None:
        sizes = page.evaluate("Array.from(document.images, image => [image.naturalWidth, image.clientWidth])")
        assert len(sizes) == 3
        assert all(0 < own <= shown for own, shown in sizes)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    soon(page, on_the_screen, "three pictures")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground == ("rgb(27, 30, 37)" if dark else "rgb(255, 255, 255)")


def test_every_text_can_be_read(page):
    ((count, pale),) = page.evaluate(CONTRAST, "main")
    assert count > 20
    assert pale == []


def test_a_narrow_page_wraps(page):
    page.set_viewport_size({"width": 420, "height": 800})
    fits = "[innerWidth, document.documentElement.scrollWidth <= innerWidth]"
    becomes(page, lambda: page.evaluate(fits), [420, True], "the page fits")


def test_names_in_a_page_are_no_html(browser, tmp_path):
    class Evil(torch.nn.Sequential):
        pass

    evil = "<img src=x onerror=document.title='ran'>"
    model = Evil(torch.nn.Conv2d(1, 2, 3))
    data = [(torch.rand(1, 6, 6), 0)]
    view = cw.ActivationView(model, data, classes=[evil] * 32)
    page = browser.new_page()
    page.goto(view.to_html(tmp_path / "view.html").path.as_uri())
    wait_until(page, lambda: evil in page.locator("main").inner_text(), "the name as text")
    assert page.title() == "ActivationView · cnnwidgets"
    page.close()
    view.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_window_a_patch_and_points_answer_without_a_kernel(browser, tmp_path, theme):
    model, digits = cw.models.lenet5(pretrained=True), cw.data.digits()
    sums = cw.ConvolutionView(model, digits, layer="C3", index=3, channel=2, pixel=(5, 5))
    patch = cw.OcclusionView(model, digits, index=3)
    points = cw.EmbeddingView(model, digits, "F6", method="pca", count=40)
    maps = cw.AttributionView(model, digits, methods=["saliency"], index=3)
    play = cw.KernelPlayground(image="8 × 8 ramp", padding=1)
    at = {"layer": ["C3"], "index": [3], "channel": [2]}
    parts = [(sums, at), (patch, {}), (points, {}), (maps, {"index": [3]}), (play, {})]
    path = cw.page(parts, tmp_path / "moving.html", progress=False).path
    context = browser.new_context(color_scheme=theme, offline=True, viewport={"width": 700, "height": 800})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    # one to the right: the sum of that window, as the network has it
    first, second, third, fourth, fifth = (page.locator("main").nth(at) for at in range(5))
    first.locator(".cnnw-own").first.wait_for()
    first.locator("input[name=column]").press("ArrowRight")
    wanted = cw.explain(model, digits[3][0], "C3", 2, (5, 6))
    expect(first.locator(".cnnw-own .cnnw-facts").last).to_contain_text(f"{wanted.value:.5g}".replace("-", "−"))
    expect(first.locator(".cnnw-of-output .cnnw-own")).to_contain_text("row 5, column 6")
    first.get_by_role("button", name="Slide the window").click()
    expect(first.locator(".cnnw-of-output .cnnw-own")).not_to_contain_text("row 5, column 6")
    first.get_by_role("button", name="Slide the window").click()
    # a cell of the map: the score with the patch there
    room = second.locator(".cnnw-of-map .cnnw-slides > div")
    box, found = steady(room), patch.map
    row, column = 3, 6
    at = {
        "x": (column + 0.5) * box["width"] / found.scores.shape[-1],
        "y": (row + 0.5) * box["height"] / found.scores.shape[-2],
    }
    room.click(position=at)
    score = f"{float(found.scores[0, row, column]):.3g}".replace("-", "−")
    expect(second.locator(".cnnw-of-score tr").first).to_have_text(f"logit{score}")
    expect(second.locator("h1")).to_contain_text(f"→ {score}")
    expect(page.locator(".cnnw-says")).to_contain_text("rows 6 to 9, columns 12 to 15")
    # a point is named, and a group stands out
    third.locator(".cnnw-points circle").nth(7).hover(force=True)
    expect(page.locator(".cnnw-says")).to_contain_text("image ")
    third.locator(".cnnw-of-groups tr").first.press("Enter")
    count = (points.grouped(0)[0] == points.grouped(0)[0].min()).sum()
    expect(third.locator(".cnnw-points circle[opacity='1']")).to_have_count(int(count))
    # another sign, and less of it over the image
    fourth.locator("select[name=sign]").select_option("all")
    fourth.locator("input[name=opacity]").fill("0.5")
    expect(fourth.locator("footer")).to_contain_text("both signs")
    with maps.hold_trait_notifications():
        maps.sign, maps.opacity = "all", 0.5
    drawn = maps.panel("saliency").pixels[::8, ::8].astype(int)  # 28 x 28 pixels in a room of 224
    seen = fourth.locator("canvas.cnnw-pixels:visible")
    wait_until(page, lambda: np.abs(painted(seen)[..., :3] - drawn).max() <= 6, "the map as Python draws it")
    # what is typed is computed in the page
    box, facts = fifth.locator("textarea[name=kernel]"), fifth.locator(".cnnw-of-sum .cnnw-own")
    fifth.locator("select[name='kernel menu']").select_option("sharpen")
    expect(box).to_have_value(" 0 -1  0\n-1  5 -1\n 0 -1  0")
    box.fill("1 2\n3 1e99")
    expect(fifth.locator(".cnnw-editor")).to_contain_text("row 2: 1e+99 is beyond the largest float32")
    expect(fifth.locator("h1")).to_contain_text("8 × 8 output · 8 × 8 image · 3 × 3 kernel")
    box.fill("1 2\n3 1/4")
    for name, value in (("stride", "2"), ("dilation", "3"), ("bias", "-0.5")):
        fifth.locator(f"input[name={name}]").fill(value)
    expect(fifth.locator("h1")).to_contain_text(
        "4 × 4 output · 8 × 8 image · 2 × 2 kernel · stride 2, padding 1, dilation 3"
    )
    fifth.locator("input[name=row]").press("End")
    fifth.locator("input[name=column]").press("Home")
    found = cw.slide(play.image, [[1, 2], [3, 0.25]], stride=2, padding=1, dilation=3, bias=-0.5).output
    expect(facts).to_contain_text(f"sum + bias{found[3, 0]:.5g}".replace("-", "−"))
    fifth.locator("input[name=stride]").fill("")
    expect(fifth.locator(".cnnw-editor")).to_contain_text("stride must be a whole number from 1 to 8; it stays 2")
    fifth.locator("input[name=padding]").fill("0")
    fifth.locator("input[name=dilation]").fill("8")
    expect(fifth.locator(".cnnw-editor")).to_contain_text("the kernel, 9 high, does not fit into the image, 8 high")
    fifth.locator("input[name=dilation]").fill("7")
    expect(fifth.locator(".cnnw-of-output .cnnw-numbers text")).to_have_text([re.compile("^15.2")])
    room = fifth.locator(".cnnw-of-image .cnnw-slides > div")
    last = {"x": steady(room)["width"] * 15 / 16, "y": 5}  # of the first row, a pixel of 7
    room.click(position=last)
    expect(fifth.locator("textarea[name=image]")).to_have_value(re.compile("^0 1 2 3 4 5 6 0\n0 1"))
    expect(facts).to_contain_text("sum + bias1.25")
    keep(page, f"moving-{theme}", whole=True)
    becomes(page, lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), True, "the page fits")
    assert errors == []
    context.close()
    for view in (sums, patch, points):
        view.close()
