"""TrainingView as a person uses it: train LeNet-5 in the page, hold it, stop it, and look at the film that it left."""

from __future__ import annotations

import re

import pytest
from page_tools import (
    WATCH,
    at_rest,
    focus_slider,
    in_kernel,
    next_frames,
    no_errors,
    press,
    shown,
    shown_pixels,
    state,
    steady_pixels,
    wait_for,
    wait_until,
    widget_count,
)
from playwright.sync_api import Locator, Page

TRAINER = """
import time
import ipywidgets, torch
torch.manual_seed(0)
digits, model = cnnwidgets.data.digits(), cnnwidgets.models.lenet5()
train, valid = torch.utils.data.random_split(digits, [1536, 261])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
trainer = cnnwidgets.Trainer(model, torch.nn.CrossEntropyLoss(), optimizer, progress=False)
trainer.set_loaders(torch.utils.data.DataLoader(train, 64), torch.utils.data.DataLoader(valid, 64))
trainer.recorder = cnnwidgets.Recorder(
    model, ["C1", "C3", "F6"], [digits[i] for i in range(40)], every=6, classes=digits.classes
)
trainer.listeners.append(lambda step: time.sleep(0.25))  # so slow that buttons can be pressed in between
"""
STEPS = 24
"""In an epoch."""

SHOW = """
view = cnnwidgets.TrainingView(trainer, digits, layer="C3", epochs=2)
stage = ipywidgets.VBox([view])
stage
"""


def button(page: Page, name: str) -> Locator:
    return page.locator(".cnnw button", has_text=name)


def steps(page: Page) -> int:
    """How many steps the page says are done; asks no kernel, which may be busy with them."""
    found = re.search(r"after (\d+) steps", page.locator(".cnnw").first.inner_text())
    return int(found[1]) if found else 0


def hold(page: Page) -> int:
    """Press Pause, see that no step follows; how many are done."""
    button(page, "Pause").click()
    button(page, "Resume").wait_for()
    shown(page, "paused")
    done = at_rest(page, lambda: steps(page), "the steps are", looks=10)  # the present one ends and is drawn
    page.wait_for_timeout(400)
    assert steps(page) == done
    return done


def swap(page: Page, view: str) -> None:
    """Put another view in place of the one that is seen, away from the mouse: a page sends what it rests on."""
    page.mouse.move(0, 0)
    next_frames(page)
    in_kernel(page, f"view.close(); view = {view}; stage.children = [view]")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lenet5_learns_in_the_page_is_held_and_stopped_and_leaves_a_film(run_cells, theme):
    page = run_cells(WATCH, TRAINER, SHOW)
    grid = page.locator(".cnnw img.cnnw-pixels:visible").first
    shown(page, "not yet trained")
    before = steady_pixels(grid)

    button(page, "Train").click()
    wait_until(page, lambda: steps(page) >= 4, "four steps are done")
    done = hold(page)
    assert done < 2 * STEPS
    wait_until(page, lambda: (shown_pixels(grid) != before).any(), "the maps of a step are painted")
    focus_slider(page, 0)
    press(page, "ArrowLeft")  # the model is looked at while the training is held
    wait_for(page, "layer", "S2")
    shown(page, f"after {done} steps · S2")
    button(page, "Resume").click()
    wait_until(page, lambda: steps(page) == 2 * STEPS, "two epochs are done", seconds=30)
    shown(page, "2 of 2 done")

    button(page, "Train").click()
    wait_until(page, lambda: steps(page) > 2 * STEPS, "the third epoch has begun")
    button(page, "Stop").click()
    shown(page, "stopped")
    done = int(state(page, "trainer.history.steps.__len__()"))
    assert 2 * STEPS < done < 4 * STEPS
    wait_until(page, lambda: steps(page) == done, "the last step is drawn")
    assert no_errors(page)

    swap(page, "cnnwidgets.FilmView(trainer.recorder, layer='C3', speed=10)")
    shown(page, "before training")
    last = int(in_kernel(page, "print(len(trainer.recorder.recording) - 1)"))
    assert last == -(-done // 6)  # a frame each six steps behind the first, and one where it was stopped
    grid = page.locator(".cnnw canvas.cnnw-pixels:visible").first
    untrained = steady_pixels(grid)
    focus_slider(page, 0)
    press(page, "ArrowRight", 4)
    wait_for(page, "frame", 4)
    shown(page, "end of epoch 0")
    wait_until(page, lambda: (shown_pixels(grid) != untrained).any(), "the maps of another frame")
    press(page, "Home")
    wait_until(page, lambda: (shown_pixels(grid) == untrained).all(), "those of the first again")
    page.locator(".cnnw .widget-play button, .cnnw .jupyter-widget-play button").first.click()
    wait_for(page, "frame", last)
    assert no_errors(page)

    swap(page, "cnnwidgets.EmbeddingView(trainer.recorder.recording, layer='F6', method='pca')")
    shown(page, "40 images as vectors of 84 numbers")
    focus_slider(page, 1)
    press(page, "End")
    wait_for(page, "frame", last)
    shown(page, in_kernel(page, "print(trainer.recorder.recording.frames[-1].name, end='')"))
    assert no_errors(page)
    in_kernel(page, "view.close(); stage.layout.close(); stage.close()")
    wait_until(page, lambda: widget_count(page) == 0, "no widget left in the page")
