"""The hand at the controls: Enter, names for a screen reader, what is hidden because there is nothing to choose."""

from __future__ import annotations

from page_tools import HANDLE, WATCH, in_kernel, no_errors, shown, wait_for, wait_until
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
    assert page.get_by_text("random").count() == 0 or not page.get_by_text("random").first.is_visible()
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
