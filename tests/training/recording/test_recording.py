from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path

import pytest
import safetensors
import torch
from torch import nn

from cnnwidgets.files import sealed
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
def test_a_header_that_is_none_is_replaced_by_the_copy_with_the_probes_or_refused(film, text):
    (film / "recording.json").write_text(text)
    said = r"recording.json .* is truncated, or is not that of a recording"
    with pytest.warns(UserWarning, match=f"{said}: its copy is taken, without the notes"):
        recording = Recording.open(film)
    assert (len(recording), recording.layers.names, recording.notes) == (5, ["conv", "relu"], [])
    (film / "probes.safetensors").unlink()
    with pytest.raises(ValueError, match=said):
        Recording.open(film)


def test_a_header_that_is_lost_is_replaced_by_the_copy_with_the_probes(film, probes):
    (film / "recording.json").unlink()
    with pytest.warns(UserWarning, match=r"recording.json is lost: its copy is taken"):
        recording = Recording.open(film)
    assert torch.equal(recording[1, 1, "conv"], 5 * probes)


def changed(file, change, *, seal=True):
    """Write another header, with the right checksum or with that of the one before."""
    about = json.loads(file.read_text())
    change(about)
    text = json.dumps(about | ({"crc32": "00000000"} if seal else {})).encode()
    file.write_bytes(sealed(text) if seal else text)


def without(*names):
    return lambda about: [about.pop(name) for name in names]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("notes", "layers"), "has no layers, notes: it is damaged"),
        (lambda about: about.update(probes="2"), "damaged: probes is '2'"),
        (lambda about: about.update(classes=[1]), r"damaged: classes is \[1\]"),
        (lambda about: about.update(version=0), "damaged: it has version 0 and needs 2"),
    ],
)
def test_a_header_that_lacks_something_is_said(film, change, said):
    changed(film / "recording.json", change)
    with pytest.warns(UserWarning, match=rf"recording.json .*{said}: its copy is taken"):
        assert len(Recording.open(film)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.pop("batch_axis"), "layer 1 of .* has no batch_axis"),
        (lambda row: row.update(shape="wide"), "layer 1 of .*: shape is 'wide'"),
        (lambda row: row.update(kind="mops"), "layer 1 of .*: kind is 'mops'"),
    ],
)
def test_a_layer_that_lacks_something_is_refused(film, change, said):
    changed(film / "recording.json", lambda about: change(about["layers"][1]))
    with pytest.raises(ValueError, match=said):
        Recording.open(film)


def test_a_frame_that_tells_other_things_is_left_out(film):
    data = frames(film)[2].read_bytes()
    assert data.count(b'\\"ranges\\"') == 1
    frames(film)[2].write_bytes(data.replace(b'\\"ranges\\"', b'\\"xanges\\"'))
    with pytest.warns(UserWarning, match="frame-00000002.safetensors is damaged: the checksum of its header is wrong"):
        assert len(Recording.open(film)) == 4


def test_a_version_that_needs_a_later_reader_is_refused(film):
    changed(film / "recording.json", lambda about: about.update(version=99, needs=98), seal=False)
    with pytest.raises(
        ValueError, match="has version 99 and needs a cnnwidgets that reads version 98; this one reads 1 to 2"
    ):
        Recording.open(film)


def test_what_a_later_version_added_is_left_out_and_said(film):
    def later(about):
        about.update(version=3, needs=2, sound="loud")
        about["layers"][0].update(taste="sweet")

    changed(film / "recording.json", later)
    with pytest.warns(UserWarning, match="of version 3, later than this cnnwidgets: .* sound, taste is not known"):
        recording = Recording.open(film)
    assert recording.layers.names == ["conv", "relu"]
    assert len(recording) == 5


def test_a_field_that_came_without_a_new_checksum_is_damage(film):
    changed(film / "recording.json", lambda about: about.update(sound="loud"), seal=False)
    with pytest.warns(UserWarning, match=r"recording.json .* its checksum is wrong: its copy is taken"):
        assert len(Recording.open(film)) == 5


def test_a_folder_without_a_recording_is_refused_with_the_nearest(film):
    with pytest.raises(FileNotFoundError, match=r"there is no recording.json; did you mean 'film'"):
        Recording.open(film.parent / "flim")


def test_a_recording_without_its_probes_shows_the_rest(film, probes):
    (film / "probes.safetensors").unlink()
    with pytest.warns(UserWarning, match=r"has lost its probes.safetensors"):
        recording = Recording.open(film)
    assert recording.probes.shape == probes.shape
    assert recording.probes.isnan().all()
    assert torch.equal(recording[1, 1, "conv"], 5 * probes)


def test_a_probe_that_is_damaged_is_not_shown_and_said(film, probes):
    flip(film / "probes.safetensors", -1)
    recording = Recording.open(film)
    assert torch.equal(recording.probes[0], probes[0])
    assert recording.probes[1].isnan().all()
    assert recording.damaged == ["probes.safetensors is damaged: the checksum of its probes is wrong"]


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


# ---------------------------------------------------------------------- frames that are lost, bits that changed


@pytest.mark.parametrize("lost", [[0], [2], [4], [1, 3]])
def test_a_frame_that_is_lost_is_said(film, lost):
    for at in lost:
        (film / f"frame-{at:08d}.safetensors").unlink()
    with pytest.warns(UserWarning) as told:
        recording = Recording.open(film)
    assert recording.damaged == [f"frame-{at:08d}.safetensors is lost" for at in lost]
    assert all(one in str(told[0].message) for one in recording.damaged)
    assert [frame.step for frame in recording.frames] == [step for step in range(5) if step not in lost]


@pytest.mark.parametrize("name", ["frame-00000002.safetensors", "probes.safetensors", "frames.txt", "recording.json"])
def test_a_file_that_cannot_be_read_is_said_and_the_others_are_shown(film, name):
    (film / name).unlink()
    (film / name).mkdir()
    with pytest.warns(UserWarning, match=rf"{name} (of the recording in .*)?cannot be read: is a directory"):
        recording = Recording.open(film)
    assert [frame.step for frame in recording.frames] == [
        step for step in range(5) if step != 2 or "frame-" not in name
    ]
    assert recording.probes.isnan().all() == (name == "probes.safetensors")
    assert len(recording.damaged) == 1


def test_a_frame_that_can_be_read_again_is_shown_again(film):
    frame = film / "frame-00000002.safetensors"
    written, state = frame.read_bytes(), frame.stat()
    frame.unlink()
    frame.mkdir()
    with pytest.warns(UserWarning, match="cannot be read"):
        recording = Recording.open(film)
    frame.rmdir()
    frame.write_bytes(written)
    os.utime(frame, ns=(state.st_atime_ns, state.st_mtime_ns))
    recording.refresh()
    assert recording.damaged == [] and len(recording.frames) == 5


def test_probes_that_are_lost_are_said_once(film):
    (film / "probes.safetensors").unlink()
    with pytest.warns(UserWarning, match="has lost its probes"):
        recording = Recording.open(film)
    assert recording.probes.isnan().all() and len(recording.damaged) == 1


def test_frames_that_were_dropped_to_keep_the_budget_are_not_lost(small, tmp_path):
    images = torch.rand(1, 1, 100, 100)
    recorder = Recorder(small, "conv", images, tmp_path / "film", every=1, budget="130kB")
    with pytest.warns(UserWarning, match="thinned"):
        for step in range(9):
            recorder.step(0, step)
    recording = Recording.open(tmp_path / "film")  # without a warning
    assert recording.damaged == []
    assert [frame.step for frame in recording.frames] == [frame.step for frame in recorder.recording.frames]


def test_a_crash_between_a_frame_and_the_list_loses_nothing(film):
    names = (film / "frames.txt").read_text()
    (film / "frames.txt").write_text(names[: names.rindex("frame-") + 9])
    assert Recording.open(film).damaged == []
    assert len(Recording.open(film)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "frames.txt is lost: whether frames are missing cannot be told"),
        (lambda text: "", "frames.txt is damaged: it lacks frame-00000000.safetensors"),
        (lambda text: text.replace("00002", "00007"), "frame-00000007.safetensors is lost"),
        (lambda text: text.replace("00002.", "0000x."), "it has a line 'frame-0000000x.safetensors'"),
    ],
)
def test_a_list_of_frames_that_is_damaged_is_said_and_all_frames_are_there(film, change, said):
    file = film / "frames.txt"
    file.unlink() if change is None else file.write_text(change(file.read_text()))
    with pytest.warns(UserWarning, match=said):
        assert len(Recording.open(film)) == 5


def flip(file, at, bit=0):
    data = bytearray(file.read_bytes())
    data[at] ^= 1 << bit
    file.write_bytes(data)


def told(folder):
    """Whether opening a recording and reading all of it says that something is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            recording = Recording.open(folder)
            recording.probes  # noqa: B018
        except ValueError:
            return True
    for frame in recording.frames:
        for key in frame.ranges:
            try:
                recording._read(frame, key)
            except ValueError:
                return True
    return bool(recording.damaged)


@pytest.mark.parametrize("name", ["recording.json", "probes.safetensors", "frames.txt", "frame-00000002.safetensors"])
def test_every_byte_that_changed_is_told(film, name):
    file = film / name
    whole = file.read_bytes()
    assert not told(film)
    silent = []
    for at in range(0, len(whole), max(1, len(whole) // 100)):
        flip(file, at, at % 8)
        if not told(film):
            silent.append(at)
        file.write_bytes(whole)
    assert silent == []


def test_one_probe_of_a_damaged_frame_is_still_there(film, probes):
    with safetensors.safe_open(str(frames(film)[2]), "pt") as file:
        assert file.get_tensor("maps/conv").shape == (2, 1, 2, 2)
    where = frames(film)[2].read_bytes().index((3 * probes[1]).numpy().tobytes())
    flip(frames(film)[2], where)
    recording = Recording.open(film)
    assert torch.equal(recording.maps(2, "conv", 0), 3 * probes[0])
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged: the checksum of its maps/conv, entry 1 is wrong"):
            recording.maps(2, "conv", 1)
    assert len(recording.damaged) == 1
    recording.refresh()
    assert len(recording.damaged) == 1


# ---------------------------------------------------------------------- recordings of version 1, which has no checksums


@pytest.fixture
def old(tmp_path):
    """A film of `films.filmed`, as version 1 wrote it."""
    return shutil.copytree(Path(__file__).parent / "version_1", tmp_path / "old")


def test_a_recording_of_version_1_opens(old, probes):
    recording = Recording.open(old)
    assert [frame.step for frame in recording.frames] == [0, 1, 2, 3, 4]
    assert torch.equal(recording[1, 1, "conv"], 5 * probes)
    assert torch.equal(recording.probes, probes)
    assert recording.damaged == []


def test_a_frame_that_is_lost_of_version_1_is_said(old):
    frames(old)[2].unlink()
    with pytest.warns(UserWarning, match="frame-00000002.safetensors is lost"):
        assert len(Recording.open(old)) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("notes", "layers"), "has no layers, notes: it is damaged"),
        (lambda about: about["layers"][0].pop("batch_axis"), "layer 0 of .* has no batch_axis"),
        (lambda about: about.update(half="yes"), "is damaged: half is 'yes'"),
    ],
)
def test_a_header_of_version_1_that_lacks_something_is_refused(old, change, said):
    changed(old / "recording.json", change, seal=False)
    with pytest.raises(ValueError, match=said):
        Recording.open(old)


def test_a_frame_of_version_1_that_tells_other_things_is_left_out(old):
    data = frames(old)[2].read_bytes()
    frames(old)[2].write_bytes(data.replace(b'\\"ranges\\"', b'\\"xanges\\"'))
    with pytest.warns(UserWarning, match="left out frame-00000002.safetensors has no ranges"):
        assert len(Recording.open(old)) == 4


def test_a_recording_of_version_1_without_its_probes_is_refused(old):
    (old / "probes.safetensors").unlink()
    with pytest.raises(ValueError, match="has lost its probes"):
        Recording.open(old)


def test_a_recording_of_version_1_that_is_resumed_becomes_one_of_version_2(old, small, probes):
    with Recorder(small, ["conv", "relu"], probes, old, every=1, resume=True) as recorder:
        recorder.step(1, 1)
    assert recorder.notes == []
    recording = Recording.open(old)
    assert recording.version == 2
    assert [frame.step for frame in recording.frames] == [0, 1, 2, 3, 4]
    assert torch.equal(recording[1, 0, "conv"], 4 * probes)
    flip(frames(old)[1], -1)
    assert told(old)


def test_a_loss_stays_told_after_a_recording_was_resumed(film, small, probes):
    frames(film)[2].unlink()
    with pytest.warns(UserWarning, match="frame-00000002.safetensors is lost"):
        Recorder(small, ["conv", "relu"], probes, film, every=1, resume=True)
    assert Recording.open(film).notes == ["damaged when it was resumed: frame-00000002.safetensors is lost"]
