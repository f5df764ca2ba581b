"""A page that to_html() wrote, opened from disk: its sliders choose what is shown, and it asks nobody for anything."""

from __future__ import annotations

import re

import pytest
import torch
from every_view import CONTRAST
from page_tools import becomes, soon, wait_until
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
