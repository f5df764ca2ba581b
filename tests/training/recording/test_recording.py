from __future__ import annotations

import json
import shutil

import pytest
import torch
from torch import nn

from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.training.recording.recording import Recording


def frames(film):
    return sorted(film.glob("frame-*"))


def test_a_film_outlives_its_recorder(film, probes):
    recording = Recording.open(film)
    assert [frame.key for frame in recording.frames] == [(-1, -1), (0, 0), (0, 1), (1, 0), (1, 1)]
    assert [frame.step for frame in recording.frames] == [0, 1, 2, 3, 4]
    assert recording.layers.names == ["conv", "relu"]
    assert recording.layers["conv"].shape == (1, 2, 2)
    assert recording.model == "Small"
    assert torch.equal(recording.probes, probes)


def test_maps_are_found_by_epoch_batch_and_layer(film, probes):
    recording = Recording.open(film)
    assert torch.equal(recording[1, 0, "conv"], 4 * probes)
    assert torch.equal(recording[-1, -1, "conv"], probes)
    assert recording.find(0).key == (0, 1)
    with pytest.raises(LookupError, match="no frame of epoch 7; there are before training"):
        recording.find(7)


def test_one_probe_is_read_alone(film, probes):
    recording = Recording.open(film)
    assert torch.equal(recording.maps(2, "conv", 1), 3 * probes[1])
    with pytest.raises(IndexError, match="probe 2 is out of range: there are 2"):
        recording.maps(2, "conv", 2)


def test_the_range_of_a_layer_is_that_of_the_whole_film(film):
    recording = Recording.open(film)
    assert recording.range("maps", "conv") == (-20, 20)
    assert recording.range("maps", "relu") == (0, 20)
    assert recording.range("filters", "conv") == (1, 5)


def test_it_says_of_which_layers_there_is_what(film):
    recording = Recording.open(film)
    assert recording.layers_with("filters") == ["conv"]
    assert recording.layers_with("gradients") == ["conv", "relu"]
    with pytest.raises(LookupError, match="no filters of layer 'relu'; recorded of: conv"):
        recording.filters(1, "relu")
    with pytest.raises(LookupError, match="did you mean 'conv'"):
        recording.filters(1, "konv")


def test_opening_reads_no_map(film, monkeypatch):
    monkeypatch.setattr("safetensors.safe_open", None)
    assert len(Recording.open(film)) == 5


def test_maps_that_are_not_finite_stay_so_and_the_range_leaves_them_out(small, probes, tmp_path):
    nn.init.constant_(small.conv.weight, torch.nan)
    Recorder(small, "conv", probes, tmp_path / "film")
    recording = Recording.open(tmp_path / "film")
    assert recording.maps(0, "conv").isnan().all()
    assert recording.frames[0].ranges["maps/conv"] is None
    assert recording.range("maps", "conv") == (0, 0)


# ---------------------------------------------------------------------- what is not as it should be


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_frame_that_is_cut_off_is_left_out_and_said(film, left):
    last = frames(film)[-1]
    last.write_bytes(last.read_bytes()[:left])
    with pytest.warns(UserWarning, match=r"left out frame-00000004.safetensors is truncated"):
        recording = Recording.open(film)
    assert [frame.step for frame in recording.frames] == [0, 1, 2, 3]
    assert len(recording.damaged) == 1


def test_an_unfinished_file_of_a_crash_is_no_frame(film):
    (film / "frame-00000005.safetensors.part").write_bytes(b"half")
    assert len(Recording.open(film)) == 5


def test_a_film_without_a_whole_frame_is_refused(film):
    for file in frames(film):
        file.write_bytes(b"")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no whole frame"):
        Recording.open(film)


def test_a_frame_of_another_recording_is_left_out(film, small, probes, tmp_path):
    Recorder(small, "conv", probes, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "frame-00000000.safetensors", film / "frame-00000009.safetensors")
    with pytest.warns(UserWarning, match="frame-00000009.safetensors belongs to another recording"):
        assert len(Recording.open(film)) == 5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "something"}', '"x"'])
def test_a_header_that_is_none_is_refused(film, text):
    (film / "recording.json").write_text(text)
    with pytest.raises(ValueError, match=r"recording.json is truncated, or is not that of a recording"):
        Recording.open(film)


def test_a_header_that_lacks_something_is_refused(film):
    about = json.loads((film / "recording.json").read_text())
    del about["notes"], about["layers"]
    (film / "recording.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"recording.json has no layers, notes: it is damaged"):
        Recording.open(film)


def test_a_frame_that_tells_other_things_is_left_out(film):
    data = frames(film)[2].read_bytes()
    assert data.count(b'\\"ranges\\"') == 1
    frames(film)[2].write_bytes(data.replace(b'\\"ranges\\"', b'\\"xanges\\"'))
    with pytest.warns(UserWarning, match="frame-00000002.safetensors has other keys than a frame"):
        assert len(Recording.open(film)) == 4


def test_a_later_version_is_refused(film):
    about = json.loads((film / "recording.json").read_text())
    (film / "recording.json").write_text(json.dumps(about | {"version": 99}))
    with pytest.raises(ValueError, match="has version 99"):
        Recording.open(film)


def test_a_folder_without_a_recording_is_refused_with_the_nearest(film):
    with pytest.raises(FileNotFoundError, match=r"there is no recording.json; did you mean 'film'"):
        Recording.open(film.parent / "flim")


def test_a_recording_without_its_probes_is_refused(film):
    (film / "probes.safetensors").unlink()
    with pytest.raises(ValueError, match="has lost its probes"):
        Recording.open(film)


def test_a_recording_of_another_network_is_refused_with_the_first_difference(film, small):
    assert len(Recording.open(film, model=small)) == 5
    small.conv = nn.Conv2d(3, 1, 1, bias=False)
    with pytest.raises(ValueError, match=r"'conv.weight' of the recorded Small is 1 x 1 x 1 x 1.* it is 1 x 3 x 1 x 1"):
        Recording.open(film, model=small)


def test_a_frame_that_was_dropped_meanwhile_says_so(film):
    recording = Recording.open(film)
    frames(film)[2].unlink()
    with pytest.raises(LookupError, match=r"no longer there.*refresh"):
        recording.maps(2, "conv")
    recording.refresh()
    assert len(recording) == 4


def test_it_tells_about_itself(film):
    text = repr(Recording.open(film))
    assert text.startswith("Recording of Small: 5 frames (before training to end of epoch 1), 2 probes")
