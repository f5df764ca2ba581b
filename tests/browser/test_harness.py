"""The browser tests' own tools, tried on plain ipywidgets and bqplot."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from page_tools import (
    becomes,
    blobs,
    comm_count,
    focus_slider,
    in_kernel,
    press,
    shown_pixels,
    wait_until,
    widget_count,
)

SLIDER_AND_IMAGE = """
import io
import bqplot, ipywidgets, numpy
from PIL import Image

def png(grey):
    file = io.BytesIO()
    Image.fromarray(numpy.full((8, 8), grey, numpy.uint8)).save(file, "png")
    return file.getvalue()

pictures = [ipywidgets.Image(value=png(0)), ipywidgets.Image(value=png(0))]
scales = {axis: bqplot.LinearScale(min=0, max=8, allow_padding=False) for axis in "xy"}
mark = bqplot.Image(image=pictures[0], scales=scales, x=(0, 8), y=(0, 8))
figure = bqplot.Figure(
    marks=[mark], padding_x=0, padding_y=0, fig_margin=dict(top=0, bottom=0, left=0, right=0),
    layout=ipywidgets.Layout(width="400px", height="400px"),
)
slider = ipywidgets.IntSlider(max=200)

def redraw(change):
    hidden = pictures[mark.image is pictures[0]]
    hidden.value = png(change["new"])
    mark.image = hidden

slider.observe(redraw, "value")
display(slider, figure)
"""


def test_a_key_on_the_slider_redraws_the_image(run_cells):
    page = run_cells(SLIDER_AND_IMAGE)
    image = page.locator(".bqplot image")
    image.wait_for()
    focus_slider(page)
    press(page, "ArrowRight", times=90)
    wait_until(page, lambda: int(in_kernel(page, "print(slider.value)")) == 90, "slider.value is 90")
    wait_until(page, lambda: shown_pixels(image)[200, 200].tolist() == [90, 90, 90], "the image is grey 90")
    assert page.errors == []


def test_the_counts_see_what_a_cell_makes_and_closes(run_cells):
    page = run_cells("import ipywidgets", "display(ipywidgets.HTML('<b>ready</b>'))")
    page.locator("b", has_text="ready").wait_for()
    widgets, comms = widget_count(page), comm_count(page)
    in_kernel(page, "box = ipywidgets.VBox([ipywidgets.Label('one'), ipywidgets.Label('two')])")
    # Each of the three widgets brings a layout, each label a style too.
    wait_until(page, lambda: widget_count(page) == widgets + 8, "eight models more")
    assert comm_count(page) == comms + 8
    in_kernel(page, "[part.close() for label in box.children for part in (label.style, label.layout, label)]")
    in_kernel(page, "box.layout.close(); box.close()")
    wait_until(page, lambda: widget_count(page) == widgets, "no model more than before")
    assert comm_count(page) == comms


def test_blob_urls_are_counted_until_they_are_revoked(run_cells):
    page = run_cells("")
    before = blobs(page)
    page.evaluate("window.kept = [1, 2, 3].map(n => URL.createObjectURL(new Blob(['x'.repeat(n)])))")
    page.evaluate("URL.revokeObjectURL(window.kept[0])")
    becomes(page, lambda: np.subtract(blobs(page), before).tolist(), [3, 2, 2 + 3], "made, alive, and their bytes")


def test_a_kernel_runs_on_the_python_that_runs_the_tests_with_none_of_jupyters_modules_and_is_interrupted(run_cells):
    page = run_cells("import sys, time")
    assert in_kernel(page, "print(sys.executable)").strip() == sys.executable
    assert in_kernel(page, "print({'bqplot', 'cnnwidgets', 'ipywidgets'} & set(sys.modules))").strip() == "set()"
    raised = page.evaluate(
        """async () => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const begun = new Promise(r => kernel.iopubMessage.connect((_, m) => m.content.text === 'begun' && r()));
            const future = kernel.requestExecute({code: "print('begun', end='', flush=True); time.sleep(60)"});
            await begun;
            await kernel.interrupt();
            return (await future.done).content.ename;
        }"""
    )
    assert raised == "KeyboardInterrupt"


def test_each_notebook_has_a_process_of_its_own_in_which_nothing_is_left_of_another(run_cells):
    page = run_cells("import os, torch; torch.left, left = 1, 2")
    first = in_kernel(page, "print(os.getpid())")
    page = run_cells("import os, torch")
    second, *left = in_kernel(page, "print(os.getpid(), hasattr(torch, 'left'), 'left' in globals())").split()
    assert second != first.strip()
    assert left == ["False", "False"]


@pytest.mark.parametrize(("theme", "lightest"), [("light", True), ("dark", False)])
def test_the_theme_is_the_one_asked_for(run_cells, theme, lightest):
    page = run_cells("")
    panel = page.locator(".jp-NotebookPanel")
    wait_until(page, lambda: (shown_pixels(panel).mean() > 128) == lightest, "the notebook has the theme")


def test_a_cell_that_fails_fails_the_test_with_its_traceback(run_cells):
    with pytest.raises(pytest.fail.Exception, match="ZeroDivisionError"):
        run_cells("1 / 0")


def test_the_console_errors_of_the_page_are_kept(run_cells):
    page = run_cells("")
    page.evaluate("console.error('first'); setTimeout(() => { throw new Error('second') })")
    wait_until(page, lambda: len(page.errors) == 2, "two errors")
    assert page.errors[0] == "first"
    assert "second" in page.errors[1]
