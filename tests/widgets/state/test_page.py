"""A page keeps the place of the view that wrote it; what is no such page, broken or of a later version says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import cnnwidgets as cw
from cnnwidgets.files import SEAL, UNSEALED, sealed
from tests.widgets.test_opening import IMAGES, MODEL

PLACE = re.compile(r'(<script type="application/json" id="cnnwidgets-place">)(.*?)(</script>)', re.DOTALL)


@pytest.fixture
def view() -> cw.ActivationView:
    return cw.ActivationView(MODEL, IMAGES, layer="more", index=2, channel=1, colormap="magma", scale=(-1.0, 2.5))


@pytest.fixture
def page(view, tmp_path) -> Path:
    view.to_html(tmp_path / "page.html", index=[0, 2], progress=False)
    return tmp_path / "page.html"


def edited(page: Path, **changes: object) -> Path:
    """The page with other entries in its place, and the checksum of these."""
    text = page.read_text("utf-8")
    told = json.loads(PLACE.search(text)[2]) | changes | {SEAL: UNSEALED}
    new = sealed(json.dumps(told).encode()).decode()
    page.write_text(PLACE.sub(lambda found: found[1] + new + found[3], text), "utf-8")
    return page


@pytest.mark.parametrize("kind", [str, Path])
def test_a_page_opens_where_the_view_stood_when_it_wrote_it(view, page, kind):
    other = cw.open(kind(page), MODEL, IMAGES)
    assert type(other) is cw.ActivationView and repr(other) == repr(view)
    assert np.array_equal(other.picture(), view.picture())


def test_more_keywords_replace_traits_of_the_page(page):
    assert cw.open(page, MODEL, IMAGES, channel=0).channel == 0


def test_an_overview_keeps_its_place_too(tmp_path):
    view = cw.explore(MODEL, IMAGES, layer="conv", channel=2, tab="maps", find="conv")
    view.to_html(tmp_path / "all.html", index=[1], progress=False)
    assert repr(cw.open(tmp_path / "all.html", MODEL, IMAGES)) == repr(view)


def test_an_own_image_comes_along(view, tmp_path):
    view.show(torch.eye(8)[None])
    view.to_html(tmp_path / "own.html", layer="more", progress=False)
    other = cw.open(tmp_path / "own.html", MODEL, IMAGES)
    assert torch.equal(other.item.image, view.item.image)


def test_text_of_a_user_neither_ends_the_place_nor_is_run(view, tmp_path):
    evil = "</script><script>alert(1)</script>"
    view = cw.explore(MODEL, IMAGES, find=evil)
    view.to_html(tmp_path / "evil.html", index=[0], progress=False)
    text = (tmp_path / "evil.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert cw.open(tmp_path / "evil.html", MODEL, IMAGES).find == evil


def test_a_file_that_is_not_there_names_those_that_are(page):
    with pytest.raises(FileNotFoundError, match=r"pags\.html.*page\.html"):
        cw.open(page.with_name("pags.html"), MODEL, IMAGES)


def test_the_page_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "other.html").write_text("<html><body>news</body></html>")
    with pytest.raises(ValueError, match="is no page that to_html of a view wrote"):
        cw.open(tmp_path / "other.html", MODEL, IMAGES)
    (tmp_path / "bytes.html").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match="is no page that to_html of a view wrote"):
        cw.open(tmp_path / "bytes.html", MODEL, IMAGES)


def test_a_page_of_an_earlier_version_without_a_place_says_what_to_do(page):
    page.write_text(PLACE.sub("", page.read_text("utf-8")), "utf-8")
    with pytest.raises(ValueError, match=r"earlier cnnwidgets.*export the view again"):
        cw.open(page, MODEL, IMAGES)


def test_one_changed_letter_is_found_out(page):
    text = page.read_text("utf-8")
    page.write_text(text.replace('"layer":"more"', '"layer":"conv"', 1), "utf-8")
    with pytest.raises(ValueError, match="damaged: its checksum is wrong"):
        cw.open(page, MODEL, IMAGES)


def test_a_page_that_ends_in_the_middle_of_its_place_is_damaged(page):
    text = page.read_text("utf-8")
    page.write_text(text[: PLACE.search(text).end(2) - 5], "utf-8")
    with pytest.raises(ValueError, match="damaged: it is truncated"):
        cw.open(page, MODEL, IMAGES)


def test_a_page_that_is_truncated_behind_its_place_still_opens(page, view):
    text = page.read_text("utf-8")
    page.write_text(text[: PLACE.search(text).end() + 100], "utf-8")
    assert repr(cw.open(page, MODEL, IMAGES)) == repr(view)


def test_a_later_version_that_needs_a_later_reader_is_refused_and_one_that_does_not_is_read(page, view):
    assert repr(cw.open(edited(page, version=3, more="what is not known here"), MODEL, IMAGES)) == repr(view)
    with pytest.raises(ValueError, match=r"version 3 and needs a cnnwidgets that reads version 2.*a later cnnwidgets"):
        cw.open(edited(page, version=3, needs=2), MODEL, IMAGES)
    with pytest.raises(ValueError, match="damaged: it has version 'x'"):
        cw.open(edited(page, version="x", needs=1), MODEL, IMAGES)


def test_a_state_that_cannot_be_told_is_no_hindrance_to_the_page_and_says_why(tmp_path):
    view = cw.OcclusionView(MODEL, IMAGES, score=lambda outputs: outputs[:, 0])
    view.to_html(tmp_path / "score.html", index=[0], progress=False)
    with pytest.raises(ValueError, match="keeps no place: score is"):
        cw.open(tmp_path / "score.html", MODEL, IMAGES)


def test_a_text_that_is_neither_says_what_is_allowed():
    with pytest.raises(ValueError, match=r"no state of a view, nor the name of a page \(.html\)"):
        cw.open("page", MODEL, IMAGES)
