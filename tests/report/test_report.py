"""The page of a scan holds the tables and the patches of every channel."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

import cnnwidgets as cw


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 2, 3))


IMAGES = [(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(at)), at % 2) for at in range(12)]


@pytest.fixture(scope="module")
def model() -> nn.Sequential:
    return network()


@pytest.fixture(scope="module")
def scan(model) -> cw.Scan:
    return cw.scan(model, IMAGES, ["0", "2"], classes=["cat", "dog"], k=2, progress=False)


def test_it_holds_every_channel_with_its_tables_and_patches(scan, model, tmp_path):
    written = cw.report(scan, model, IMAGES, tmp_path / "scan.html", target="dog", progress=False)
    page = written.path.read_text(encoding="utf-8")
    assert written.frames == 3 + 2 and written.left_out == "" and written.bytes == len(page.encode())
    assert "Know dog" in page and "2 strongest" in page and "ranked by the largest value" in page


def test_a_budget_cuts_it_off_and_the_page_says_so(scan, model, tmp_path):
    whole = cw.report(scan, model, IMAGES, tmp_path / "scan.html", progress=False)
    less = cw.report(scan, model, IMAGES, tmp_path / "less.html", budget=whole.bytes - 5000, progress=False)
    assert less.bytes <= whole.bytes - 5000 and less.frames < whole.frames
    assert "beyond the budget" in less.left_out and "Left out of this page" in less.path.read_text(encoding="utf-8")


def test_only_the_layers_that_are_asked_for_are_in_it(scan, model, tmp_path):
    assert cw.report(scan, model, IMAGES, tmp_path / "scan.html", layers=["2"], progress=False).frames == 2
    with pytest.raises(LookupError, match="'1' was not scanned"):
        cw.report(scan, model, IMAGES, tmp_path / "scan.html", layers=["1"], progress=False)


def test_a_single_layer_is_given_as_text_and_none_at_all_is_refused(tmp_path):
    model = nn.Sequential(OrderedDict(c1=nn.Conv2d(1, 3, 3), c2=nn.Conv2d(3, 2, 3)))
    scan = cw.scan(model, IMAGES, progress=False)
    assert cw.report(scan, model, IMAGES, tmp_path / "scan.html", layers="c2", progress=False).frames == 2
    with pytest.raises(ValueError, match="layers is empty: give names, or None for all"):
        cw.report(scan, model, IMAGES, tmp_path / "none.html", layers=[], progress=False)
    assert not (tmp_path / "none.html").exists()


def test_a_scan_of_other_weights_and_a_path_that_is_no_page_are_refused_and_nothing_is_written(scan, model, tmp_path):
    other = network()
    with torch.no_grad():
        other[0].weight.add_(1)
    with pytest.raises(ValueError, match="of other weights"):
        cw.report(scan, other, IMAGES, tmp_path / "scan.html")
    with pytest.raises(ValueError, match=r"written as \.html"):
        cw.report(scan, model, IMAGES, tmp_path / "scan.pdf")
    assert list(tmp_path.iterdir()) == []
