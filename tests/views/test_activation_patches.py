"""ActivationView with a scan: the strongest patches of the chosen channel below its map."""

from __future__ import annotations

import asyncio

import pytest
import torch

import cnnwidgets as cw
from cnnwidgets.live import portions
from tests.widgets.conftest import said


@pytest.fixture
def scan(model, dataset) -> cw.Scan:
    return cw.scan(model, dataset, ["conv", "pool"], k=2, progress=False)


@pytest.fixture
def view(model, dataset, scan, passes) -> cw.ActivationView:
    view = cw.ActivationView(model, dataset, layer="pool")
    view.pick_by(scan)
    view.flush()
    return view


def headings(view: cw.ActivationView) -> list[str]:
    return [panel.heading for column in view.static().columns for panel in column]


def test_without_a_scan_there_is_none(model, dataset):
    view = cw.ActivationView(model, dataset, layer="pool")
    assert not any("patches" in heading for heading in headings(view))


def test_they_follow_layer_and_channel_and_a_click_looks_at_the_image(view, passes):
    assert view.panel("patches").heading == "Strongest patches · channel 0"
    passes()
    view.channel = 1
    assert view.panel("patches").describe(0) == "no. 1: 0, image 0 · label: 0, row 0, column 0" and passes() == 0
    view.layer = "conv"
    assert said(view.panel("patches")) == "Strongest patches · channel 1 click one conv: largest values in 6 images "
    view.channel = 0
    view.panel("patches").on_cell(1)
    assert view.index == 4 and view.panel("patches").marks == [view.panel("patches").cells.box(1)]


def test_what_the_scan_does_not_say_is_told(view, model):
    view.layer = "fc"
    assert said(view.panel("patches")) == "Strongest patches none: fc was not scanned "
    view.layer = "pool"
    view.switch(1)
    assert "of the network with every channel on" in said(view.panel("patches"))
    view.switch(1)
    weights = model.conv.weight.detach().clone()
    view.refresh()  # which finds nothing that has changed
    assert "largest values in 6 images" in said(view.panel("patches"))
    with torch.no_grad():
        model.conv.weight += 1
    view.refresh()
    assert said(view.panel("patches")) == "Strongest patches none: the weights have changed since the scan "
    with torch.no_grad():
        model.conv.weight.copy_(weights)
    view.refresh()
    assert "largest values in 6 images" in said(view.panel("patches"))


def test_a_move_does_not_wait_for_them_and_a_picture_has_them(view, tmp_path, monkeypatch):
    for name in ("PAUSE", "HOLD"):
        monkeypatch.setattr(portions, name, 0.0)

    async def main() -> None:
        view.channel = 1
        view.flush()
        assert view.panel("channel").heading.startswith("Channel 1")
        assert view.panel("patches").heading == "Strongest patches · channel 0"
        for _ in range(200):
            await asyncio.sleep(0.005)
            if "channel 1" in view.panel("patches").heading:
                break
        assert view.panel("patches").heading == "Strongest patches · channel 1"
        view.layer = "conv"
        view.save(tmp_path / "picture.png")
        patches = view.static().columns[-1][-1]
        assert patches.heading == "Strongest patches · channel 1" and patches.lines[0].startswith("conv: ")

    asyncio.run(main())


def test_a_page_for_all_channels_leaves_them_out_and_the_view_keeps_them(view, tmp_path):
    file = view.to_html(tmp_path / "page.html", progress=False, index=[0]).path
    assert "Strongest patches" not in file.read_text()
    assert "Strongest patches · channel 0" in headings(view)


def test_the_code_hands_the_scan_over(view, model, dataset, scan):
    names = {"model": model, "dataset": dataset, "scan": scan}
    given = names | {"cw": cw}
    exec(view.code(names), given)
    assert headings(given["view"]) == headings(view)
    assert "# scan: what the view was given" in view.code({"model": model, "dataset": dataset})
    with torch.no_grad():
        model.conv.weight += 1
    view.refresh()
    assert "pick_by" not in view.code(names)


def test_explore_hands_its_scan_on_to_its_tabs(model, dataset, scan):
    explorer = cw.explore(model, dataset, layer="pool", tab="maps")
    explorer.pick_by(scan)
    maps = explorer.tabs.made["maps"]
    maps.flush()
    assert maps.panel("patches").heading == "Strongest patches · channel 0"
    late = cw.explore(model, dataset, layer="pool")
    late.pick_by(scan)
    late.tab = "maps"
    late.tabs.made["maps"].flush()
    assert late.tabs.made["maps"].panel("patches").cells.count == 2


def test_closing_leaves_no_widget(model, dataset, scan, widgets):
    before = widgets()
    view = cw.ActivationView(model, dataset, layer="pool")
    view.pick_by(scan)
    view.flush()
    view.close()
    assert widgets() == before
