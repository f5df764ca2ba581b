"""A page that lacks the code of a widget says what is needed, in place of a blank."""

from __future__ import annotations

import pytest
from page_tools import GRIDS, OLD, wait_until

BROKEN = """
import ipywidgets as W
import cnnwidgets as cw

class Foreign(W.DOMWidget):
    _model_name = _view_name = __import__("traitlets").Unicode("FigureModel").tag(sync=True)
    _model_module = _view_module = __import__("traitlets").Unicode("bqplot-of-the-future").tag(sync=True)

view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits())
view.children = (*view.children, Foreign())
view
"""
WHOLE = """
import cnnwidgets as cw
cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits())
"""
SAID = "getComputedStyle(document.querySelector('.cnnw'), '::after').content"


@pytest.mark.skipif(OLD, reason="the page of ipywidgets 7 shows no card at all where one of its widgets fails")
def test_a_widget_without_code_in_the_page_is_explained(run_cells):
    page = run_cells(BROKEN)
    page.locator(".cnnw .jupyter-widgets-error-widget").first.wait_for()
    wait_until(page, lambda: "bqplot 0.12.45 or later" in page.evaluate(SAID), "what is needed")


def test_a_whole_view_says_nothing_of_that(run_cells):
    page = run_cells(WHOLE)
    page.locator(GRIDS).first.wait_for()
    assert page.evaluate(SAID) == "none"
