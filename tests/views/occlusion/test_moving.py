"""What the kernel says to a page that moves the patch by itself, and what it hears."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import OcclusionView
from cnnwidgets.compute.occlusion import Occluder
from cnnwidgets.render.color import DIVERGING
from cnnwidgets.views.occlusion import moving
from cnnwidgets.views.occlusion.heat import Heat
from cnnwidgets.widgets.panels import padded_palette
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
    assert decoded(found["photo"])[0, :, 0].tolist() == [0, 17, 34, 51]  # 0 to 15 on 256 levels of grey
    assert not decoded(found["fill"])[..., :3].any() and found["known"] == bytes(4)
    assert (header["overlay"], header["opacity"]) == (True, 0.6) and len(found["colors"]) == 1024


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


def test_a_grown_map_sends_its_new_numbers_and_no_picture(view, sent, messages):
    whole = view.map
    view.flush()
    header, found = sent[-1][0], parts(sent[-1])
    assert header["kind"] == "grown" and set(found) == {"at", "fall"}
    assert np.frombuffer(found["at"], "<u4").tolist() == [0, 1, 2, 3]
    assert np.frombuffer(found["fall"], "<f4").tolist() == whole.change.flatten().tolist() == [0, 0, 0, 15]
    assert not {"Picture", "PixelFigure"} & written(messages)
    assert "+15" in " ".join(str(each.content) for each in messages)  # the ends of its colours follow


def test_a_map_that_was_there_before_sends_only_the_numbers_that_are_others(view, sent):
    before = view.map.change[0].flatten()
    view.flush()
    view.target = 1
    view.flush()
    others = view.map.change[0].flatten()
    at = (others != before).nonzero().flatten().tolist()
    found = parts(sent[-1])
    assert np.frombuffer(found["at"], "<u4").tolist() == at and 0 < len(at) < 4
    assert np.frombuffer(found["fall"], "<f4").tolist() == others[at].tolist()


@pytest.mark.parametrize("move", [("opacity", 0.2), ("overlay", False)])
def test_another_overlay_sends_nothing_and_is_drawn_by_save(view, sent, messages, move):
    _, count, before = view.map, len(sent), view.panel("photo").pixels
    view.flush()
    count = len(sent)
    messages.clear()
    setattr(view, *move)
    view.flush()
    assert len(sent) == count and not {"Picture", "PixelFigure"} & written(messages)
    assert not np.array_equal(view.panel("photo").pixels, before)
    assert parts(script(view)._sheet.message())["photo"] and script(view)._sheet.message()[0][move[0]] == move[1]


def test_the_picture_of_the_map_is_there_again_where_the_kernel_draws_it(view, sent, messages):
    _ = view.map
    assert view.panel("map").painted
    messages.clear()
    view.window = 3
    view.flush()
    assert not view.panel("map").painted and written(messages) & {"Picture", "PixelFigure"}


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
    say(disc, kind="want", key=script(disc).key, holds="")
    assert script(disc)._sheet.message()[0]["spans"] == [(1, 3), (0, 4), (0, 4), (1, 3)]


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


def lit_vector(window: int, stride: int, shape: str, done: int) -> dict[str, Any]:
    """A map as far as it is done, as `Heat` draws it; 10 x 12 pixels."""
    image = torch.rand(1, 3, 10, 12, generator=torch.Generator().manual_seed(7))
    network = nn.Sequential(nn.Flatten(), nn.Linear(360, 2))
    torch.manual_seed(3)
    nn.init.normal_(network[1].weight)
    occluder = Occluder(network, image, target=0, window=window, stride=stride, shape=shape, baseline=0.0)
    while occluder.done < min(done, occluder.total):
        occluder.step(0)
    heat, photo = Heat.of(occluder.result, "logit"), np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    header, buffers = moving.PatchSheet("", occluder.patches, photo, photo, heat, True, 0.7).message()
    sent = dict(zip(header["names"], buffers, strict=True))
    return header | {
        **{name: base64.b64encode(sent[name]).decode() for name in ("colors", "fall", "known")},
        "photo": base64.b64encode(opaque(photo)).decode(),
        "means": [None if np.isnan(each) else float(each) for each in heat.fine.ravel()],
        "lit": base64.b64encode(opaque(heat.over(photo, 0.7))).decode(),
        "cells": base64.b64encode(padded_palette(DIVERGING)[heat.pixels()].tobytes()).decode(),
        "limit": heat.limit,
        "whole": heat.complete,
    }


def opaque(pixels: np.ndarray) -> bytes:
    """RGB pixels as a canvas has them: RGBA."""
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]).tobytes()


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_draws_the_map_as_render_does(tmp_path):
    kinds = [(4, 2, "square"), (4, 4, "disc"), (3, 5, "square"), (5, 1, "disc")]
    vectors = [lit_vector(*kind, done) for kind in kinds for done in (1, 4, 1000)]
    assert {vector["whole"] for vector in vectors} == {True, False}
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(vectors))
    passes_in_node(Path(__file__).parent / "lit.test.mjs", VECTORS=str(path))


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_page_knows_where_a_patch_may_be():
    passes_in_node(Path(__file__).parent / "places.test.mjs")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(moving.code(), tmp_path / "patch.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'initialize',", "'render'", "]"]
    assert "import {" not in moving.code()
