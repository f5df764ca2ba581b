from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.training.recording.recording import Recording

PROBES = torch.rand(1, 1, 100, 100, generator=torch.Generator().manual_seed(0))


def recorded(steps, budget, path=None, weight=1.0):
    """A frame of 40 kB and a little text for each of `steps`, and one before."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.constant_(model[0].weight, weight)
    recorder = Recorder(model, "0", PROBES, path, every=1, budget=budget)
    with recorder:
        for step in range(steps):
            recorder.step(0, step)
    return recorder


def test_within_the_budget_all_is_kept_as_it_is():
    recording = recorded(4, "210kB").recording
    assert len(recording) == 5
    assert recording.notes == []
    assert torch.equal(recording.maps(4, "0"), PROBES)


def test_beyond_it_all_frames_become_float16_and_say_so(tmp_path):
    with pytest.warns(UserWarning, match="kept as float16"):
        recorded(5, "210kB", tmp_path / "film")
    recording = Recording.open(tmp_path / "film")
    assert len(recording) == 6
    assert recording.nbytes < 6 * 21_000
    assert "float16" in recording.notes[0] and "210 kB" in recording.notes[0]
    for frame in range(6):
        assert torch.equal(recording.maps(frame, "0"), PROBES.half().float())


def test_then_every_other_frame_goes_and_the_first_and_the_last_stay(tmp_path):
    with pytest.warns(UserWarning, match="thinned: one frame in 2"):
        recorded(11, "210kB", tmp_path / "film")
    recording = Recording.open(tmp_path / "film")
    assert [frame.step for frame in recording.frames] == [0, 2, 4, 6, 8, 10, 11]
    assert recording.nbytes <= 210_000
    assert [note.partition(":")[0] for note in recording.notes][1:] == ["thinned"]


def test_a_film_of_any_length_stays_within_its_budget():
    with pytest.warns(UserWarning, match="thinned: one frame in 16"):
        recording = recorded(100, "210kB").recording
    assert recording.nbytes <= 210_000
    steps = [frame.step for frame in recording.frames]
    assert steps == [0, 16, 32, 48, 64, 80, 96, 100]
    assert len(recording.notes) == 2


def test_numbers_that_float16_would_spoil_stay_as_they_are():
    with pytest.warns(UserWarning, match="thinned"):
        recording = recorded(5, "210kB", weight=1e-9).recording
    assert torch.equal(recording.maps(-1, "0"), PROBES * 1e-9)
    assert recording.nbytes <= 210_000


def test_a_frame_that_cannot_fit_is_refused_before_the_training():
    with pytest.raises(ValueError, match=r"a frame takes 20 kB \(the most: maps/0.*the budget of 30 kB"):
        recorded(0, "30kB")


def test_a_resumed_film_keeps_its_pace(tmp_path):
    with pytest.warns(UserWarning, match="thinned"):
        recorder = recorded(12, "210kB", tmp_path / "film")
    again = Recorder(recorder.model, "0", PROBES, tmp_path / "film", every=1, budget="210kB", resume=True)
    again.step(1, 0)
    again.step(1, 1)
    assert [frame.step for frame in again.recording.frames] == [0, 2, 4, 6, 8, 10, 12, 14]
