"""What the kernel says to a page that moves the patch by itself, and what it hears."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnwidgets import OcclusionView
from cnnwidgets.views.occlusion import moving
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import decoded, exported_by, passes_in_node

NODE = shutil.which("node")
Sent = list[tuple[dict[str, Any], list[bytes]]]

# The scores of `tiny` for image 0, which counts from 0 to 15, with a patch of 2 x 2 zeros at 2 x 2 places: 15 15 15 0.


@pytest.fixture
def view(model, dataset, passes, monkeypatch) -> OcclusionView:
    monkeypatch.setattr(moving, "possible", lambda: True)
    return OcclusionView(model, dataset, window=2, stride=2, target=0)


def script(view: OcclusionView) -> Any:
    return next(part for part in tree(view) if isinstance(part, moving.PatchScript))


def say(view: OcclusionView, **content: Any) -> None:
    script(view)._handle_custom_msg(content, [])


@pytest.fixture
def sent(view: OcclusionView, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the page is sent besides traits; it has asked for what is on the screen."""
    found: Sent = []
    monkeypatch.setattr(script(view), "send", lambda content, buffers=None: found.append((content, buffers)))
    say(view, kind="hello")
    view.flush()
    say(view, kind="want", key=script(view).key, holds="")
    return found


def parts(message: tuple[dict[str, Any], list[bytes]]) -> dict[str, bytes]:
    return dict(zip(message[0]["names"], message[1], strict=True))


def written(messages: list[Any]) -> set[str]:
    """Classes of what was written to, layouts and style sheets left out."""
    return {type(message.widget).__name__ for message in messages if message.traits - {"told"}}


def test_the_page_is_sent_the_photo_the_filling_and_the_numbers_once(view, sent):
    header, found = sent[0][0], parts(sent[0])
    assert (header["size"], header["window"], header["grid"]) == ((4, 4), (2, 2), (2, 2))
    assert header["spans"] == [(0, 2), (0, 2)]
    assert decoded(found["lit"])[0, :, 0].tolist() == [0, 17, 34, 51]  # 0 to 15 on 256 levels of grey
    assert not decoded(found["fill"])[..., :3].any() and found["known"] == bytes(4)


def test_a_move_in_the_page_is_the_trait_and_sends_no_picture(view, sent, messages, passes):
    part = script(view)
    view.redraw()
    passes()
    messages.clear()
    part.moved = [part.key, 1, 2, 2]
    view.flush()
    assert (view.top, view.left) == (2, 2) and part.told == [part.key, 1, 2, 2] and passes() == 1
    assert "Picture" not in written(messages) and len(sent) == 1
    assert view.panel("photo").marks == [(2, 2, 4, 4)] and view.panel("photo").resting  # what `save` draws is there
    assert "<span>rows</span><span>2 to 3</span>" in " ".join(str(each.content) for each in messages)  # scores follow
    part.moved = ["of something else", 2, 0, 0]
    assert (view.top, view.left) == (2, 2)


def test_a_cell_that_moves_the_patch_tells_the_page_where_and_which_moves_it_has_heard_of(view, sent):
    part = script(view)
    part.moved = [part.key, 7, 0, 1]
    view.top = 2
    assert part.told == [part.key, 7, 2, 1]


def test_another_opacity_or_a_grown_map_sends_what_has_changed(view, sent):
    whole = view.map
    view.flush()
    header, found = sent[-1][0], parts(sent[-1])
    assert header["kind"] == "grown" and set(found) == {"lit", "fall", "known"} and found["known"] == b"\1\1\1\1"
    assert np.frombuffer(found["fall"], "<f4").tolist() == whole.change.flatten().tolist() == [0, 0, 0, 15]
    count = len(sent)
    view.opacity = 0.2
    view.flush()
    assert set(parts(sent[count])) == {"lit"} and not sent[count][0]["heat"] and len(sent) == count + 1


def test_the_numbers_of_a_large_map_go_to_the_page_when_it_is_complete(view, sent, monkeypatch):
    monkeypatch.setattr(moving, "MOST", 3)
    view.target = 1
    view.flush()
    assert not parts(sent[-1]) and sent[-1][0]["heat"]  # those of the map before are no longer true
    assert view.map.complete
    assert set(parts(sent[-1])) == {"lit", "fall", "known"}


def test_other_settings_are_drawn_by_the_kernel_until_the_page_has_asked(view, sent):
    key, before = script(view).key, len(sent)
    view.window = 3
    view.flush()
    assert script(view).key != key and not view.panel("photo").resting and len(sent) == before
    say(view, kind="want", key=key, holds="")  # which is no longer shown
    assert len(sent) == before
    say(view, kind="want", key=script(view).key, holds="")
    view.left = 0
    view.flush()
    assert view.panel("photo").resting and sent[before][0]["window"] == (3, 3)


def test_a_disc_hides_a_span_of_each_row(model, dataset, monkeypatch):
    monkeypatch.setattr(moving, "possible", lambda: True)
    disc = OcclusionView(model, dataset, window=4, shape="disc")
    say(disc, kind="hello")
    disc.flush()
    spans = moving.PatchSheet("", disc.seen.occluder.patches, *[np.zeros((4, 4, 3), np.uint8)] * 2, None)
    monkeypatch.setattr(moving.PatchSheet, "_numbers", lambda self: {})
    assert spans.message()[0]["spans"] == [(1, 3), (0, 4), (0, 4), (1, 3)]


def test_a_page_that_runs_no_script_is_sent_pictures_as_ever(view, messages):
    messages.clear()
    view.move_to(2, 2)
    assert script(view).key == "" and "Picture" in written(messages)


def test_an_exported_page_has_every_score_of_the_map_and_that_of_the_place(view, tmp_path):
    view.move_to(1, 1)
    with_map = view.map.scores[0].tolist()
    assert with_map == [[15, 15], [15, 0]]
    moves = view.page_moves()
    score, names = moves.given["header"]["score"], moves.given["header"]["names"]
    fall = np.frombuffer(moves.buffers[names.index("fall")], "<f4").reshape(2, 2)
    assert (score["whole"] - fall).tolist() == with_map
    assert score["at"] == (1, 1) and score["found"] == float(view.scores[0])
    assert [(each["name"], each["most"], each["step"]) for each in moves.given["controls"]] == [
        ("row", 2, 2),
        ("column", 2, 2),
    ]
    assert "moves" in view.to_html(tmp_path / "view.html", progress=False).path.read_text("utf-8")


def test_without_a_whole_map_the_page_has_pictures(view):
    view.cancel()
    view.stride = 1
    view.flush()
    assert not view.partial_map.complete and view.page_moves() is None


def test_closing_the_view_closes_what_waits_for_a_page(view):
    part = script(view)
    view.close()
    assert part.comm is None


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_knows_where_a_patch_may_be():
    passes_in_node(Path(__file__).parent / "places.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(moving.code(), tmp_path / "patch.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'initialize',", "'render'", "]"]
    assert "import {" not in moving.code()
