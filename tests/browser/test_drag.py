"""What is painted while a slider is dragged: in every frame one state, at one size."""

from __future__ import annotations

import re
from typing import Any

import pytest
from page_tools import WATCH, drag_slider, in_kernel, no_errors, wait_until
from playwright.sync_api import Page

LENET = """
import torch
model, dataset = cnnwidgets.models.lenet5(pretrained=True), torch.utils.data.Subset(cnnwidgets.data.digits(), range(50))
view = cnnwidgets.ActivationView(model, dataset, layer="C1", index=3)
view
"""
RESNET = """
import torch, torchvision
torch.manual_seed(0)
model, dataset = torchvision.models.resnet18().eval(), torch.rand(12, 3, 64, 64)
view = cnnwidgets.ActivationView(model, dataset)
for index in range(12):
    view.index = index
view.index = 0
view
"""
LAYER, INDEX = 0, 1

# Reads the card in every frame, until `frames.stop` is set. A fingerprint stands for each picture.
READ = """() => {
    const card = document.querySelector('.cnnw');
    const seen = selector => [...card.querySelectorAll(selector)].filter(e => e.offsetParent !== null);
    const text = selector => seen(selector).map(e => e.textContent);
    const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight + 1;
    const print = e => {
        const source = e.getAttribute('src') ?? '';
        let sum = 0;
        for (let i = 0; i < source.length; i++) sum = (31 * sum + source.charCodeAt(i)) | 0;
        return `${e.naturalWidth}x${e.naturalHeight}:${source.length}:${sum}:${e.complete}`;
    };
    const known = new Map();
    const frames = window.frames_read = [];
    window.reading = true;
    const read = () => {
        frames.push({
            title: text('.cnnw-title').join('|'), headings: text('.cnnw-heading').join('|'),
            bars: text('.cnnw-bars').join('|'), facts: text('.cnnw-facts').join('|'),
            scales: text('.cnnw-scale').join('|'), pictures: seen('img.cnnw-side').map(print).join('|'),
            frames: seen('.cnnw-frames svg').map(e => e.innerHTML).join('|'),
            height: Math.round(card.getBoundingClientRect().height),
            places: seen('.cnnw-figure').map(e => Math.round(e.getBoundingClientRect().left
                - card.getBoundingClientRect().left)).join(','),
            scrolls: [...card.querySelectorAll('*')].filter(scrolls).length,
        });
        if (window.reading) requestAnimationFrame(read);
    };
    requestAnimationFrame(read);
}"""
STATE = ("title", "headings", "bars", "facts", "scales", "pictures", "frames")


def frames_of(page: Page, act: Any) -> list[dict[str, Any]]:
    page.evaluate(READ)
    act()
    page.wait_for_timeout(700)
    page.evaluate("() => { window.reading = false; }")
    return page.evaluate("() => window.frames_read")


def states(frames: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The states that were painted one after the other."""
    found: list[tuple[str, ...]] = []
    for frame in frames:
        state = tuple(frame[part] for part in STATE)
        if not found or found[-1] != state:
            found.append(state)
    return found


def truth(page: Page, trait: str, values: list[Any]) -> dict[Any, tuple[str, ...]]:
    """What the card looks like at rest in each of these states, by its title."""
    known = {}
    for value in values:
        in_kernel(page, f"view.{trait} = {value!r}")
        page.wait_for_timeout(300)
        [frame] = states(frames_of(page, lambda: None))[-1:]
        known[said(frame[0])] = frame
    return known


def said(title: str) -> str:
    """A title without how long it took."""
    return re.split(r"cached|computed", title)[0]


@pytest.mark.parametrize(("cell", "slider"), [(LENET, LAYER), (LENET, INDEX), (RESNET, LAYER), (RESNET, INDEX)])
def test_every_frame_of_a_drag_shows_one_state_at_one_size(run_cells, cell, slider):
    page = run_cells(WATCH, cell)
    page.locator(".cnnw .bqplot image").first.wait_for()
    page.wait_for_timeout(500)

    def there_and_back() -> None:
        for share in (1.0, 0.0):
            drag_slider(page, slider, share, steps=30)

    frames = frames_of(page, there_and_back)
    painted = states(frames)
    trait = ("layer", "index")[slider]
    in_kernel(page, "print()")
    values = eval(
        in_kernel(page, "print(list(view.layers.names) if %r == 'layer' else list(range(len(dataset))))" % trait)
    )
    seen = {said(state[0]) for state in painted}
    wanted = [
        value
        for value in values
        if any(
            re.search(rf"image {value}\b", title) if trait == "index" else title.startswith(f"{value} ·")
            for title in seen
        )
    ]
    known = truth(page, trait, wanted)
    assert len(painted) > 3
    for state in painted:
        assert state[1:] == known[said(state[0])][1:], state[0]
    assert len({frame["height"] for frame in frames}) == 1, sorted({frame["height"] for frame in frames})
    assert len({frame["places"] for frame in frames}) == 1
    assert not any(frame["scrolls"] for frame in frames)
    assert no_errors(page)
