"""CompareFrames: two moments of a recorded training, with numbers of the recording itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.widgets.controls import Group
from cnnwidgets.widgets.surface import tree


@pytest.fixture
def recording(tmp_path: Path) -> cw.Recording:
    """Before training and after three steps; the bias of channel 1 of the first layer is 0, 0, 0.5 and 1."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    nn.init.zeros_(model[0].bias)
    images = torch.rand(2, 1, 6, 6)
    with cw.Recorder(model, ["0", "3"], list(images), tmp_path / "film", every=1) as recorder:
        for step in range(3):
            model(images)
            recorder.step(0, step, of=3)
            with torch.no_grad():
                model[0].bias[1] += 0.5
    return cw.Recording.open(tmp_path / "film")


def test_the_first_and_the_last_moment_stand_side_by_side_on_one_scale(recording):
    view = cw.compare(recording)
    assert isinstance(view, cw.CompareFrames) and (view.first, view.last) == (0, len(recording) - 1)
    assert torch.equal(view.columns[1].output, recording.maps(view.last, "0", 0))
    assert view.panel("mapsA").colorbar[1:] == view.panel("mapsB").colorbar[1:]
    view.channel = 1
    change = (recording.maps(view.first, "0", 0) - recording.maps(view.last, "0", 0))[1]
    low, high = np.round([float(change.min()), float(change.max())], 2)
    words = dict(view.panel("channeldifference").lines)["range"].replace("−", "-").split(" … ")
    assert [round(float(word), 2) for word in words] == pytest.approx([low, high])
    view.close()


def test_the_ranking_and_its_film_lead_to_a_layer_and_a_frame(recording):
    view = cw.compare(recording, layer="3")
    one, other = (recording.maps(at, "0", 0) for at in (view.first, view.last))
    assert view.panel("layers").describe(0) == f"0: {float((other - one).norm() / one.norm()):.3g}"
    view.panel("film").on_cell(2)
    assert (view.layer, view.last) == ("0", 2)
    assert [bar[0] for bar in view.panel("channels").bars] == ["channel 1"]
    view.close()


def test_a_frame_against_itself_has_not_changed(recording):
    view = cw.compare(recording, first=1, last=1)
    assert "no change at all" in view.panel("layers").lines
    assert "no difference: every value is the same" in view.panel("mapsdifference").lines
    view.close()


def test_what_is_no_recording_to_compare_is_refused(recording):
    with pytest.raises(TypeError, match="images of its own"):
        cw.compare(recording, images=[0, 1])
    with pytest.raises(LookupError, match="'4'"):
        cw.compare(recording, layer="4")
    with pytest.raises(IndexError, match="frames"):
        cw.compare(recording, last=99)


def test_the_cell_reads_both_frames(recording):
    view = cw.compare(recording, layer="0")
    names: dict = {"film": recording}
    exec(view.code({"film": recording}), names)
    expected = recording.maps(view.first, "0", 0) - recording.maps(view.last, "0", 0)
    assert torch.equal(names["difference"], expected)
    view.close()
    names["view"].close()


@pytest.mark.filterwarnings("ignore:recording in")  # what it says of its budget
def test_a_recording_that_grows_lengthens_the_sliders_and_one_that_is_thinned_keeps_the_moment(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 3))
    recorder = cw.Recorder(model, ["0"], list(torch.rand(2, 1, 6, 6)), tmp_path / "film", every=1, budget="6KB")
    with recorder:
        for step in range(2):
            recorder.step(0, step, of=80)
        view = cw.compare(recorder)
        (group,) = [part for part in tree(view) if isinstance(part, Group) and part.text == "Frame B"]
        (slider,) = [part for part in tree(group) if part.has_trait("max")]
        assert (slider.max, view.last) == (2, 2)
        for step in range(2, 4):
            recorder.step(0, step, of=80)
        view.refresh()
        assert (slider.max, view.last) == (4, 2)  # the moment stays
        view.last = 4
        before, name = [frame.step for frame in view.recording.frames], view.columns[1].name
        for step in range(4, 80):
            with torch.no_grad():
                model[0].weight.mul_(1.02)
            recorder.step(0, step, of=80)
        steps = [frame.step for frame in recorder.recording.frames]  # the recording of the view, which is told
        assert steps[: len(before)] != before  # other moments under the same numbers
        view.first = 1
        view.last = 3
        one, other = (view.recording.maps(at, "0", 0).float() for at in (1, 3))
        expected = float((other - one).norm() / one.norm())
        assert view.panel("layers").describe(0) == f"0: {expected:.3g}" and not view.error
        assert view.columns[1].name == view.recording.frames[3].name != name
        view.close()


def test_frames_that_were_lost_are_left_for_the_nearest_in_time(recording):
    view = cw.compare(recording, first=1)
    (recording.path / "frame-00000001.safetensors").unlink()
    view.refresh()
    assert len(view.recording) == 3 and not view.error
    assert (view.columns[0].name, view.columns[1].name) == ("before training", "end of epoch 0")
    assert (view.first, view.last) == (0, 2)
    view.last = 1
    assert view.columns[1].name == "epoch 0 · batch 1" and not view.error
    view.close()
