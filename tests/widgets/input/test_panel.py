"""The input panel: what the page tells it, what the view shows then, and what is told back."""

from __future__ import annotations

import io
from datetime import datetime, timezone

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.perturbation import CHANGES
from cnnwidgets.testing.state import deep_state, different
from cnnwidgets.widgets.input import panel as panels
from cnnwidgets.widgets.input.curve import shown_classes, told
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import Refusing

TRAINED, DIGITS = cw.models.lenet5(pretrained=True), cw.data.digits()
SEVEN = (DIGITS[7][0][0] * 255).round().to(torch.uint8).numpy()


@pytest.fixture
def view():
    view = cw.ActivationView(TRAINED, DIGITS, index=3)
    yield view
    view.close()


@pytest.fixture
def sent(view, monkeypatch):
    """What the canvas is told."""
    found: list[tuple[dict, list]] = []
    monkeypatch.setattr(view.input.pad, "send", lambda content, buffers=None: found.append((content, buffers or [])))
    return found


def hear(view, content, *buffers) -> None:
    view.input.pad._handle_custom_msg(content, list(buffers))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_view_that_does_not_use_it_makes_none_of_its_widgets(view):
    before = len(tree(view))
    view.toggle_input()
    assert len(tree(view)) > before + 40
    view.toggle_input()
    assert len(tree(view)) == before


def test_closing_the_view_closes_it_too_in_the_card_or_not():
    for opened in (False, True):
        view = cw.ActivationView(TRAINED, DIGITS)
        parts = tree(view.input)
        if opened:
            view.toggle_input()
        view.close()
        assert [part for part in parts if part.comm is not None] == []


def test_the_canvas_has_the_size_of_the_network_and_the_pen_of_the_data(view):
    pad = view.input.pad
    assert pad.size == (28, 28, 1)
    assert 2 <= pad.brush <= 3.5
    assert (pad.ground, pad.ink) == ("#000000", "#ffffff")


def test_what_is_drawn_is_shown_and_answered(view, sent):
    before = deep_state(TRAINED)
    hear(view, {"kind": "drawn", "number": 4, "final": False}, SEVEN.tobytes())
    assert view.snapshot.prediction.targets[0] == 7
    assert torch.allclose(view.item.image * 255, torch.from_numpy(SEVEN).float()[None])
    assert sent == [({"kind": "seen", "number": 4, "words": ""}, [])]
    assert not different(before, deep_state(TRAINED))


def test_a_file_is_shown_and_put_on_the_canvas(view, sent):
    hear(view, {"kind": "file", "name": "white.png"}, png(np.full((28, 28), 255, np.uint8)))
    assert float(view.item.image.min()) == 1
    ((content, buffers),) = sent
    assert (content["kind"], buffers) == ("image", [bytes([255] * 784)])


def test_what_the_page_reduced_is_told(view, sent):
    hear(view, {"kind": "file", "name": "a.png", "words": "reduced from 9 × 9 px"}, png(SEVEN))
    assert view.static().title.endswith("own image · reduced from 9 × 9 px")


def test_a_broken_file_is_told_and_the_view_stays(view, sent):
    before = view.picture()
    hear(view, {"kind": "file", "name": "cut.png"}, b"nothing")
    assert sent[0][0] == {
        "kind": "words",
        "words": "cut.png is no picture of a kind that can be read: broken, or not one",
    }
    assert (view.index, view.error) == (3, "")
    assert np.array_equal(view.picture(), before)


def test_a_network_that_fails_is_told_in_the_view_and_answered():
    view = cw.ActivationView(Refusing(), torch.zeros(2, 1, 8, 8))
    before = view.picture()
    view.input.drawn(np.full((8, 8), 255, np.uint8))
    assert "too bright for me" in view.error
    assert np.array_equal(view.picture(), before)
    view.input.drawn(np.zeros((8, 8), np.uint8))
    assert view.error == ""


def test_one_begins_with_the_image_of_the_data_set(view, sent):
    view.input.drawn(SEVEN)
    hear(view, {"kind": "start"})
    assert view.index == 3
    (_, buffers), *_ = [each for each in sent if each[0]["kind"] == "image"]
    assert np.allclose(np.frombuffer(buffers[0], np.uint8), DIGITS[3][0].flatten() * 255, atol=1)


def test_changes_are_combined_named_and_taken_back(view):
    changes = view.input.changes
    changes.sliders["brightness"].value = 0.5
    assert torch.allclose(view.item.image, DIGITS[3][0] * 0.5, atol=1e-6)
    assert (view.item.label, view.static().title.split(" · ")[-1]) == (3, "brightness 0.5")
    changes.sliders["shift_right"].value = 0.25
    wanted = cw.perturb(DIGITS[3][0], brightness=0.5, shift_right=0.25)
    assert torch.allclose(view.item.image, wanted, atol=1e-6)
    assert view.static().title.split(" · ")[-1] == "shift right 0.25, brightness 0.5"
    changes.reset()
    assert (view.index, changes.values) == (3, {})


def test_a_change_is_made_before_the_normalisation():
    view = cw.ActivationView(nn.Conv2d(1, 1, 1), 4 * torch.rand(1, 1, 4, 4) - 2, denormalize=((0.5,), (0.25,)))
    image = view.item.image
    view.input.changes.sliders["brightness"].value = 0.0
    assert torch.allclose(view.item.image, torch.full_like(image, -2.0))


def test_changes_stay_while_one_draws_and_go_with_another_image(view):
    changes = view.input.changes
    changes.sliders["brightness"].value = 0.5
    view.input.drawn(SEVEN)
    assert torch.allclose(view.item.image * 510, torch.from_numpy(SEVEN).float()[None], atol=1e-3)
    view.index = 8
    assert changes.values == {}
    assert torch.equal(view.item.image, DIGITS[8][0])


def test_every_slider_begins_where_it_changes_nothing_and_can_be_put_there(view):
    for name, slider in view.input.changes.sliders.items():
        assert slider.value == CHANGES[name].none
        assert (slider.value - slider.min) / slider.step == pytest.approx(
            round((slider.value - slider.min) / slider.step)
        )


def test_the_noise_has_another_pattern_when_asked_for(view):
    changes = view.input.changes
    changes.sliders["noise"].value = 0.3
    first = view.item.image
    (again,) = [part for part in tree(changes) if getattr(part, "description", "") == "other noise"]
    again.click()
    assert not torch.equal(view.item.image, first)


def test_the_curve_is_that_of_stability(view):
    changes = view.input.changes
    changes.sliders["blur"].value = 1.0
    changes.chosen.value = "rotate"
    values = [-180 + 9 * at for at in range(41)]
    found = cw.stability(TRAINED, DIGITS[3][0], "rotate", values, blur=1.0)
    html = next(part.value for part in tree(changes) if "<svg" in str(getattr(part, "value", "")))
    assert html.count("<polyline") == len(shown_classes(found)) <= 4
    assert html.count('class="cnnw-flip"') == len(found.flips) > 0
    assert told(found, lambda at: f"class {at}") in html.replace("&gt;", ">")
    changes.chosen.value = ""
    assert not any("<svg" in str(getattr(part, "value", "")) for part in tree(changes))


def test_dragging_the_slider_of_the_curve_asks_the_network_once(view):
    changes = view.input.changes
    changes.chosen.value = "rotate"
    rows = []
    hook = TRAINED.register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0])))
    try:
        before = len(rows)
        for value in (10.0, 20.0, 30.0):
            changes.sliders["rotate"].value = value
        assert max(rows[before:]) == 1
    finally:
        hook.remove()


def test_a_network_without_class_scores_has_no_curve_and_that_is_said():
    view = cw.ActivationView(nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 8, 8))
    changes = view.input.changes
    changes.chosen.value = "blur"
    assert any(
        "stability needs a model that puts out class scores" in str(getattr(p, "value", "")) for p in tree(changes)
    )


def test_a_data_set_without_pictures_has_no_panel_and_that_is_said():
    view = cw.ActivationView(nn.Conv1d(2, 3, 3), [(torch.zeros(2, 16), 0)])
    with pytest.raises(TypeError, match="has no pictures of 1, 3 or 4 channels: an item is 2 x 16"):
        _ = view.input
    view.toggle_input()
    assert "has no pictures" in view.error


def test_without_anywidget_there_is_uploading(monkeypatch):
    monkeypatch.setattr(panels, "front_end", lambda: None)
    view = cw.ActivationView(TRAINED, DIGITS)
    assert view.input.pad is None
    (upload,) = [part for part in tree(view.input) if isinstance(part, ipywidgets.FileUpload)]
    data = png(SEVEN)
    if isinstance(upload.value, dict):
        upload.set_trait("value", {"seven.png": {"content": data, "metadata": {"name": "seven.png"}}})
    else:
        upload.value = (
            {
                "name": "seven.png",
                "type": "",
                "size": 1,
                "content": memoryview(data),
                "last_modified": datetime.now(timezone.utc),
            },
        )
    assert view.snapshot.prediction.targets[0] == 7


def test_the_other_upload_goes_when_the_canvas_is_there(view):
    assert any(isinstance(part, ipywidgets.FileUpload) for part in tree(view.input))
    hear(view, {"kind": "hello"})
    assert not any(isinstance(part, ipywidgets.FileUpload) for part in tree(view.input))
    assert view.input.pad.live


def test_every_view_of_images_has_a_button_for_it_and_a_panel():
    for view in (cw.OcclusionView(TRAINED, DIGITS), cw.FilterView(TRAINED, DIGITS)):
        (button,) = [part for part in tree(view) if getattr(part, "description", "") == "own image"]
        button.click()
        assert view.input in tree(view)
        view.input.drawn(SEVEN)
        assert "own image" in view.static().title
        view.close()
