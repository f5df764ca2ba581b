"""A training that a cell runs is held, looked at and stopped from the page, while the cell runs."""

from __future__ import annotations

from page_tools import WATCH, focus_slider, no_errors, press, shown, wait_until
from playwright.sync_api import Page
from test_training_view import SHOW, STEPS, TRAINER, button, hold, steps

TRAIN = "history = trainer.train(40); print('ended after', len(history.steps))"
NEXT = "print('then', trainer.running)"

# Puts a cell below the last one and starts it; nobody waits for its end.
START_CELL = """(code) => {
    const panel = window.jupyterapp.shell.currentWidget, cells = panel.content;
    panel.context.model.sharedModel.addCell({cell_type: 'code', source: code});
    cells.activeCellIndex = cells.widgets.length - 1;
    cells.deselectAll();
    window.jupyterapp.commands.execute('notebook:run-cell');
}"""
PRINTED = """() => window.jupyterapp.shell.currentWidget.context.model.toJSON().cells.slice(-2).map(
    cell => cell.outputs.map(output => output.text ?? output.traceback.join('\\n')).join(''))"""


def printed(page: Page) -> list[str]:
    """What the last two cells printed."""
    return page.evaluate(PRINTED)


def test_a_cell_that_trains_is_held_and_stopped_from_the_page(run_cells):
    page = run_cells(WATCH, TRAINER, SHOW)
    shown(page, "not yet trained")
    page.evaluate(START_CELL, TRAIN)
    page.evaluate(START_CELL, NEXT)
    wait_until(page, lambda: steps(page) >= 4, "four steps are done")
    done = hold(page)
    focus_slider(page, 0)
    press(page, "ArrowLeft")
    shown(page, f"after {done} steps · S2")
    button(page, "Resume").click()
    wait_until(page, lambda: steps(page) > done, "the training goes on")
    focus_slider(page, 0)
    press(page, "ArrowLeft")
    shown(page, "steps · func1")
    assert printed(page) == ["", ""]
    button(page, "Stop").click()
    shown(page, "stopped")
    wait_until(
        page, lambda: printed(page) == [f"ended after {steps(page)}\n", "then False\n"], "both cells ended, in turn", 30
    )
    assert steps(page) < 40 * STEPS
    assert no_errors(page)
