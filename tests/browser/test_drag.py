"""What is painted while a slider is dragged: in every frame one state, at one size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from page_tools import GRIDS, PICTURES, WATCH, at_rest, drag_slider, in_kernel, no_errors, soon
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
    const seen = selector => [...card.querySelectorAll(selector)].filter(e => e.getClientRects().length);
    const text = selector => seen(selector).map(e => e.textContent);
    const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowY)
        && e.scrollHeight > e.clientHeight + 1;
    const print = e => {
        const source = e.toDataURL?.() ?? e.getAttribute('src') ?? '';
        let sum = 0;
        for (let i = 0; i < source.length; i++) sum = (31 * sum + source.charCodeAt(i)) | 0;
        return `${e.naturalWidth}x${e.naturalHeight}:${source.length}:${sum}:${e.complete}`;
    };
    window.readCard = () => ({
        title: text('.cnnw-title').join('|'), headings: text('.cnnw-heading').join('|'),
        bars: text('.cnnw-bars').join('|'), facts: text('.cnnw-facts').join('|'),
        scales: text('.cnnw-scale').join('|'), pictures: seen('img.cnnw-side, canvas.cnnw-pixels').map(print).join('|'),
        frames: seen('.cnnw-frames svg').map(e => e.innerHTML).join('|'),
        height: Math.round(card.getBoundingClientRect().height),
        places: seen('.cnnw-heading').map(e => ['left', 'top'].map(side => Math.round(e.getBoundingClientRect()[side]
            - card.getBoundingClientRect()[side]))).join(','),
        figures: seen('.cnnw-figure').map(e => Math.round(e.getBoundingClientRect().left
            - card.getBoundingClientRect().left)).join(','),
        scrolls: [...card.querySelectorAll('*')].filter(scrolls).map(e => e.className).join('|'),
    });
    const frames = window.framesRead = [];
    window.reading = true;
    const read = () => {
        frames.push(window.readCard());
        if (window.reading) requestAnimationFrame(read);
    };
    requestAnimationFrame(read);
}"""
STATE = ("title", "headings", "bars", "facts", "scales", "pictures", "frames")


def frames_of(page: Page, act: Callable[[], None]) -> list[dict[str, Any]]:
    """The card in every frame while `act` runs, and until it has come to rest."""
    page.evaluate(READ)
    act()
    in_kernel(page, "")
    page.wait_for_timeout(1000)
    at_rest(page, lambda: page.evaluate("() => window.readCard()"), "the card is", looks=5)
    page.evaluate("() => { window.reading = false; }")
    return page.evaluate("() => window.framesRead")


def states(frames: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The states that were painted one after the other."""
    found: list[tuple[str, ...]] = []
    for frame in frames:
        state = state_of(frame)
        if not found or found[-1] != state:
            found.append(state)
    return found


def state_of(frame: dict[str, Any]) -> tuple[str, ...]:
    """What is seen in a frame."""
    return tuple(frame[part] for part in STATE)


def titled(trait: str, value: Any, title: str) -> bool:
    """Whether a title is that of a value of a trait."""
    pattern = {"layer": r"^{} ·", "index": r"\bimage {}\b"}[trait]
    return re.search(pattern.format(re.escape(str(value))), title) is not None


def said(title: str) -> str:
    """A title without how long it took."""
    return re.split(r"cached|computed", title)[0]


CASES = [(LENET, LAYER), (LENET, INDEX), (RESNET, LAYER), (RESNET, INDEX), *((PICTURES + LENET, n) for n in (0, 1))]


@pytest.mark.parametrize(("cell", "slider"), CASES)
def test_every_frame_of_a_drag_shows_one_state_at_one_size(run_cells, cell, slider):
    page = run_cells(WATCH, cell)
    pictures = page.locator(GRIDS if PICTURES in cell else ".cnnw canvas.cnnw-pixels:visible")
    pictures.nth(1).wait_for()
    page.wait_for_timeout(500)

    def there_and_back() -> None:
        for share in (1.0, 0.0):
            drag_slider(page, slider, share, steps=30)

    frames = frames_of(page, there_and_back)
    painted = states(frames)
    trait = ("layer", "index")[slider]
    listed = "view.layers.names" if slider == LAYER else "range(len(dataset))"
    assert len(painted) > 3
    for value in shown(page, listed, trait, painted):
        in_kernel(page, f"view.{trait} = {value!r}")
        of_it = [painted.pop(at) for at in reversed(range(len(painted))) if titled(trait, value, painted[at][0])]

        def as_at_rest(value: Any = value, of_it: list[tuple[str, ...]] = of_it) -> None:
            title, *rest = state_of(page.evaluate("() => window.readCard()"))
            assert titled(trait, value, title)
            for state in of_it:
                assert said(state[0]) == said(title)
                assert list(state[1:]) == rest, state[0]

        soon(page, as_at_rest, f"the card at rest, of {trait} {value}, as it was painted in the drag")
    assert painted == []  # each was of a value
    assert len({frame["height"] for frame in frames}) == 1, {frame["height"] for frame in frames}
    assert len({frame["places"] for frame in frames}) == 1, {frame["places"] for frame in frames}
    assert len({frame["figures"] for frame in frames} - {""}) <= 1  # a painted picture has no figure
    assert {frame["scrolls"] for frame in frames} == {""}
    assert no_errors(page)


def shown(page: Page, listed: str, trait: str, painted: list[tuple[str, ...]]) -> list[Any]:
    """The values of the trait whose titles were painted."""
    titles = {said(state[0]) for state in painted}
    values = json.loads(in_kernel(page, f"import json; print(json.dumps(list({listed})))"))
    return [each for each in values if any(titled(trait, each, title) for title in titles)]
