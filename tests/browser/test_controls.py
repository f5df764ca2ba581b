"""The hand at the controls: Enter, names for a screen reader, what is hidden because there is nothing to choose."""

from __future__ import annotations

import pytest
from page_tools import (
    HANDLE,
    WATCH,
    becomes,
    drag_slider,
    focus_slider,
    in_kernel,
    keep,
    no_errors,
    press,
    shown,
    wait_for,
    wait_until,
)
from playwright.sync_api import expect

VIEW = """
import cnnwidgets as cw
view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits(), layer="C3")
view
"""
MANY = """
import torch
from collections import OrderedDict
from torch import nn
import cnnwidgets as cw
layers = OrderedDict((f"conv{n}", nn.Conv2d(1, 1 + n % 3, 1) if n == 19 else nn.Conv2d(1, 1, 1)) for n in range(20))
view = cw.ActivationView(nn.Sequential(layers), [(torch.rand(1, 4, 4), 0)])
view
"""


def test_enter_in_a_number_box_counts_and_columns_say_auto(run_cells):
    page = run_cells(WATCH, VIEW)
    box = page.get_by_label("Image").locator("visible=true").and_(page.locator("input")).first
    box.fill("12")
    box.press("Enter")
    wait_for(page, "index", 12)
    columns = page.get_by_label("Columns")
    expect(columns).to_have_value("auto")
    columns.fill("5")
    columns.press("Enter")
    wait_for(page, "columns", 5)
    columns.fill("Auto")
    columns.press("Enter")
    wait_for(page, "columns", 0)
    wait_until(page, lambda: columns.input_value() == "auto", "the box says auto again")
    assert no_errors(page)


def test_the_handle_of_a_slider_has_the_name_that_stands_beside_it(run_cells):
    page = run_cells(WATCH, VIEW)
    handles = page.locator(f".cnnw {HANDLE}:visible")
    handles.first.wait_for()
    names = lambda: handles.evaluate_all("all => all.map(handle => handle.getAttribute('aria-label'))")  # noqa: E731
    wait_until(page, lambda: names() == ["Layer", "Image", "Channel"], "each handle has a name")
    in_kernel(page, "view.layer = 'F6'")
    wait_until(page, lambda: names() == ["Layer", "Image", "Unit"], "a vector has units")
    assert no_errors(page)


def test_search_says_what_it_finds_and_what_has_no_choice_is_hidden_until_it_has(run_cells):
    page = run_cells(WATCH, MANY)
    search = page.get_by_label("Search layers")
    search.wait_for()
    card = page.locator(".cnnw")
    expect(page.get_by_text("random").locator("visible=true")).to_have_count(0)
    expect(card.get_by_text("Channel", exact=True).first).to_be_hidden()
    search.press_sequentially("zzz")
    shown(page, "no layer matches 'zzz'")
    search.fill("v1")
    shown(page, "11 layers · Enter: the first")
    search.press("Enter")
    wait_for(page, "layer", "conv1")
    search.fill("conv19")
    search.press("Enter")
    wait_for(page, "layer", "conv19")
    label = card.locator(".cnnw-label", has_text="Channel")
    wait_until(page, label.is_visible, "the layer of several maps has a slider for them")
    handles = page.locator(f".cnnw {HANDLE}:visible")
    expect(handles).to_have_count(1)  # that of the channel: a single layer is listed
    search.fill("")
    wait_until(page, lambda: handles.count() == 2, "all layers are listed again")
    assert no_errors(page)


MIXED = """
import torch
from torch import nn
import cnnwidgets as cw
torch.manual_seed(0)
blocks = [nn.Sequential(nn.Conv2d(1 if n == 0 else 4, 4, 3, padding=1), nn.ReLU(), nn.Dropout()) for n in range(6)]
view = cw.ActivationView(nn.Sequential(*blocks), [(torch.rand(1, 12, 12), 0), (torch.rand(1, 12, 12), 0)])
view
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_click_lists_all_layers_and_another_the_main_ones_and_the_layer_stays(run_cells, theme):
    page = run_cells(WATCH, MIXED)
    box, menu = page.get_by_label("main layers"), page.locator(".cnnw select").first
    box.wait_for()
    names = lambda which: [text.split()[0] for text in menu.locator(which).all_inner_texts()]  # noqa: E731
    listed, chosen = lambda: names("option"), lambda: names("option:checked")
    wait_until(page, lambda: len(listed()) == 12, "convolutions and ReLUs are listed")
    expect(box).to_be_checked()
    becomes(page, lambda: listed()[:4], ["0.0", "0.1", "1.0", "1.1"], "the first of them")
    keep(page, f"main-layers-{theme}")
    shown(page, "12 of 24")
    drag_slider(page, 0, 1.0)
    wait_for(page, "layer", "5.1")
    press(page, "ArrowLeft")
    wait_for(page, "layer", "5.0")
    box.click()
    wait_for(page, "main_layers", False)
    shown(page, "all 24")
    wait_until(page, lambda: len(listed()) == 24, "all layers are listed")
    becomes(page, chosen, ["5.0"], "the layer is chosen as before")
    wait_for(page, "layer", "5.0")
    keep(page, f"all-layers-{theme}")
    drag_slider(page, 0, 1.0)
    wait_for(page, "layer", "5")
    wait_until(page, lambda: chosen() == ["5"], "the menu follows the slider to its new end")
    box.focus()
    press(page, "Space")
    wait_for(page, "main_layers", True)
    wait_until(page, lambda: len(listed()) == 13, "the main layers are listed, and the one that is looked at")
    becomes(page, chosen, ["5"], "the layer is chosen as before")
    wait_for(page, "layer", "5")
    focus_slider(page)
    press(page, "ArrowLeft")
    wait_for(page, "layer", "5.1")
    wait_until(page, lambda: len(listed()) == 12, "the main layers alone are listed")
    in_kernel(page, "view.layer = '2.2'")
    wait_until(page, lambda: chosen() == ["2.2"], "a layer that a cell names is listed")
    page.set_viewport_size({"width": 700, "height": 1400})
    keep(page, f"main-layers-700-{theme}")
    wide = "() => { const card = document.querySelector('.cnnw'); return card.scrollWidth - card.clientWidth; }"
    wait_until(page, lambda: page.evaluate(wide) <= 1, "nothing is wider than the card")
    assert no_errors(page)
