from __future__ import annotations

import copy
import gc
import io
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.training.recording import film, header
from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.training.recording.recording import Recording
from tests.training.films import train


def state(model):
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [part.training for part in model.modules()],
        [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules()],
        [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        torch.get_rng_state(),
    )


def same(before, after):
    (weights, *rest, grads, random), (weights_, *rest_, grads_, random_) = before, after
    return (
        all(torch.equal(weights[name], weights_[name]) for name in weights)
        and rest == rest_
        and all((a is None and b is None) or torch.equal(a, b) for a, b in zip(grads, grads_, strict=True))
        and torch.equal(random, random_)
    )


def keys(recorder):
    return [frame.key for frame in recorder.recording.frames]


def test_the_first_frame_is_the_network_before_training(small, probes):
    recorder = Recorder(small, "conv", probes)
    assert keys(recorder) == [(-1, -1)]
    assert recorder.recording.frames[0].name == "before training"
    assert torch.equal(recorder.recording.maps(0, "conv"), probes)


def test_maps_follow_the_weight_from_epoch_to_epoch(small, probes):
    with Recorder(small, "conv", probes) as recorder:
        train(recorder, epochs=2, batches=3)
    assert keys(recorder) == [(-1, -1), (0, 2), (1, 2)]
    for frame, weight in enumerate([1, 4, 7]):
        assert torch.equal(recorder.recording.maps(frame, "conv"), weight * probes)
        assert recorder.recording.filters(frame, "conv").item() == weight
    assert [frame.step for frame in recorder.recording.frames] == [0, 3, 6]
    assert [frame.loss for frame in recorder.recording.frames[1:]] == [-3.0, -6.0]


def test_an_in_place_relu_does_not_show_in_the_maps_before_it(small, probes):
    recording = Recorder(small, ["conv", "relu"], probes).recording
    assert torch.equal(recording.maps(0, "conv")[1], probes[1])
    assert torch.equal(recording.maps(0, "relu")[1], torch.zeros(1, 2, 2))


def test_every_counts_steps_over_the_end_of_an_epoch(small, probes):
    with Recorder(small, "conv", probes, every=2) as recorder:
        train(recorder, epochs=2, batches=3)
    assert keys(recorder) == [(-1, -1), (0, 1), (1, 0), (1, 2)]
    assert [frame.name for frame in recorder.recording.frames[1:]] == [
        "epoch 0 · batch 1",
        "epoch 1 · batch 0",
        "end of epoch 1",
    ]


def test_the_network_at_the_end_is_recorded_whatever_every_says(small, probes):
    with Recorder(small, "conv", probes, every=4) as recorder:
        train(recorder, epochs=2, batches=3)
    assert keys(recorder) == [(-1, -1), (1, 0), (1, 2)]


def test_without_a_with_the_steps_alone_do(small, probes):
    recorder = Recorder(small, "conv", probes)
    train(recorder)
    assert keys(recorder) == [(-1, -1), (0, 1), (1, 1)]


def test_a_loop_may_tell_the_end_of_an_epoch_afterwards(small, probes):
    recorder = Recorder(small, "conv", probes)
    for epoch in range(2):
        recorder.step(epoch, 0)
        recorder.step(epoch, 1)
        recorder.end_epoch(epoch)
    assert keys(recorder) == [(-1, -1), (0, 1), (1, 1)]
    assert recorder.recording.frames[-1].name == "end of epoch 1"


def test_an_end_that_is_told_twice_is_recorded_once(small, probes):
    recorder = Recorder(small, "conv", probes)
    recorder.step(0, 0, of=1)
    recorder.end_epoch(0)
    recorder.end_epoch(0)
    assert keys(recorder) == [(-1, -1), (0, 0)]


def test_a_loop_that_never_tells_the_end_of_an_epoch_is_told_so_once(small, probes):
    recorder = Recorder(small, "conv", probes)
    recorder.step(0, 0)
    with pytest.warns(UserWarning, match="does not say where an epoch ends"):
        recorder.step(1, 0)
    recorder.step(2, 0)
    assert keys(recorder) == [(-1, -1), (1, 0), (2, 0)]
    assert len(recorder.notes) == 1


def test_gradients_are_those_of_the_training_pass_for_the_first_image(small, probes):
    with Recorder(small, ["conv", "relu"], probes, gradients=True) as recorder:
        train(recorder, epochs=1, batches=2)
    # the loss is -sum / 20, and the ReLU lets all of it through
    for layer in ("conv", "relu"):
        assert torch.equal(recorder.recording.gradients(1, layer), torch.full((1, 2, 2), -0.05))
    with pytest.raises(LookupError, match=r"before training has no gradients of layer 'conv'"):
        recorder.recording.gradients(0, "conv")


def test_the_image_of_a_batch_is_as_the_model_saw_it(small, probes):
    recorder = Recorder(small, "conv", probes, every=1, inputs=True)
    with recorder:
        small(torch.stack([torch.full((1, 2, 2), 7.0), torch.zeros(1, 2, 2)]))
        recorder.step(0, 0)
        assert torch.equal(recorder.recording.inputs(1), torch.full((1, 2, 2), 7.0))
        assert torch.equal(recorder.recording.batch(1, "conv"), torch.full((1, 2, 2), 7.0))


def test_a_look_at_validation_images_is_not_taken_for_training(small, probes):
    recorder = Recorder(small, "conv", probes, every=1, inputs=True)
    with recorder:
        small(torch.full((1, 1, 2, 2), 7.0))
        with torch.no_grad():
            small(torch.zeros(1, 1, 2, 2))
        recorder.step(0, 0)
    assert float(recorder.recording.inputs(1).max()) == 7


class Mixing(nn.Module):
    """Statistics of the batch, then tokens with the images in the second axis, a stack of rows, and one vector."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3, track_running_stats=False)
        self.tokens, self.stack, self.vector = nn.Identity(), nn.Identity(), nn.Identity()

    def forward(self, x):
        maps = self.norm(self.conv(x))
        self.tokens(maps.flatten(2).permute(2, 0, 1))
        self.stack(maps.permute(0, 2, 3, 1).flatten(0, 1))
        return self.vector(maps.mean((2, 3)).squeeze(0))


def test_a_network_that_mixes_images_is_recorded_as_it_is_for_each_probe_alone():
    torch.manual_seed(0)
    model = Mixing()
    images = torch.rand(3, 1, 5, 4) * torch.tensor([1, 4, 16])[:, None, None, None]
    with torch.no_grad():
        alone = [model.norm(model.conv(image[None])) for image in images]
        assert not torch.allclose(model.norm(model.conv(images))[0], alone[0][0], atol=0.1)
    layers = ["norm", "tokens", "stack", "vector"]
    recording = Recorder(model, layers, images).recording
    maps = torch.cat(alone)
    for probe in range(3):
        for layer, wanted in (
            ("norm", maps[probe]),
            ("tokens", maps[probe].flatten(1).T),
            ("stack", maps.permute(0, 2, 3, 1).flatten(0, 1)),
            ("vector", maps[probe].mean((1, 2))),
        ):
            torch.testing.assert_close(recording.maps(0, layer, probe), wanted)
    assert recording.layers["stack"].planes == 3 * 4 and recording.layers["vector"].shape == (3,)


def test_recording_changes_nothing_in_the_model(probes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.ReLU(inplace=True))
    model[1].eval()
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(1))
    model(probes).sum().backward()
    before = state(model)
    with Recorder(model, ["0", "1", "3"], probes, every=1, gradients=True, inputs=True) as recorder:
        recorder.step(0, 0)
    assert same(before, state(model))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_no_hook_is_left_behind_when_the_training_fails(small, probes, error):
    with pytest.raises(error), Recorder(small, "conv", probes, gradients=True, inputs=True):
        raise error
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in small.modules())


def test_training_is_the_same_with_and_without_a_recorder(probes):
    def run(record):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        recorder = Recorder(model, ["0", "1"], probes, every=1, gradients=True, inputs=True) if record else None
        for batch in range(4):
            optimizer.zero_grad()
            if recorder:
                with recorder:
                    model(torch.rand(4, 1, 2, 2)).square().mean().backward()
            else:
                model(torch.rand(4, 1, 2, 2)).square().mean().backward()
            optimizer.step()
            if recorder:
                recorder.step(0, batch)
        return model.state_dict()

    plain, recorded = run(False), run(True)
    assert all(torch.equal(plain[name], recorded[name]) for name in plain)


def test_weights_loaded_before_the_training_are_in_the_first_frame(small, probes):
    recorder = Recorder(small, "conv", probes)
    nn.init.constant_(small.conv.weight, 3.0)
    with recorder:
        pass
    assert [frame.name for frame in recorder.recording.frames] == ["before training"]
    assert recorder.recording.filters(0, "conv").item() == 3


@pytest.mark.parametrize("error", [FloatingPointError, KeyboardInterrupt])
def test_a_training_that_ends_early_ends_its_film_with_the_last_step(small, probes, error):
    with pytest.raises(error), Recorder(small, "conv", probes) as recorder:
        train(recorder, epochs=1, batches=2)
        recorder.step(1, 0)
        raise error
    assert keys(recorder) == [(-1, -1), (0, 1), (1, 0)]


def test_an_error_of_the_training_is_not_hidden_by_one_of_the_last_look(small, probes, monkeypatch):
    recorder = Recorder(small, "conv", probes)
    with pytest.raises(FloatingPointError), recorder:
        recorder.step(0, 0)
        monkeypatch.setattr(recorder._contents, "take", None)
        raise FloatingPointError


# ---------------------------------------------------------------------- what does not fit


def test_a_probe_that_does_not_fit_is_refused_before_the_training(small):
    with pytest.raises(ForwardError, match=r"layer 'conv'.*wants 1 channel"):
        Recorder(small, "conv", torch.zeros(2, 3, 2, 2))


def test_a_layer_that_is_not_there_is_refused_with_the_nearest(small, probes, tmp_path):
    with pytest.raises(LookupError, match="did you mean 'conv'"):
        Recorder(small, "convv", probes, tmp_path / "film")
    assert not (tmp_path / "film").exists()


def test_a_layer_that_never_runs_is_refused(small, probes):
    with pytest.raises(LookupError, match="'norm' cannot be recorded: was not seen to run"):
        Recorder(small, "norm", probes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"every": 0}, "every=0; allowed"),
        ({"every": "step"}, "every='step'; allowed"),
        ({"budget": "a lot"}, "budget 'a lot'; allowed"),
        ({"budget": 0}, "budget 0; allowed"),
        ({"layers": []}, "no layers"),
        ({"labels": [1]}, "1 labels for 2 probes"),
        ({"labels": ["ant", "bee"]}, "labels must be class numbers, not 'ant'; names go into classes="),
        ({"denormalize": 5}, r"denormalize must be \(mean, std\)"),
        ({"denormalize": ([0.5, 0.5], [1.0])}, r"denormalize must be \(mean, std\)"),
        ({"probes": torch.zeros(0, 1, 2, 2)}, "no probes"),
        ({"probes": []}, "no probes"),
        ({"probes": [torch.zeros(1, 2, 2), torch.zeros(1, 3, 2)]}, "differ in shape"),
    ],
)
def test_what_makes_no_sense_is_refused(small, probes, given, said):
    with pytest.raises(ValueError, match=said):
        Recorder(small, **{"layers": "conv", "probes": probes, **given})


def test_probes_may_come_with_their_labels(small, probes):
    recording = Recorder(
        small, "conv", [(image, 4 + at) for at, image in enumerate(probes)], classes=list("abcdef")
    ).recording
    assert recording.labels == [4, 5]
    assert recording.classes[5] == "f"
    assert torch.equal(recording.probes, probes)


def test_a_folder_with_a_recording_is_not_written_over(small, probes, film):
    with pytest.raises(FileExistsError, match=r"a recording in .*film already.*resume=True"):
        Recorder(small, "conv", probes, film)
    with pytest.raises(FileExistsError, match="not an empty folder"):
        Recorder(small, "conv", probes, film.parent)


def test_a_temporary_recording_goes_with_those_who_hold_it(small, probes):
    recording = Recorder(small, "conv", probes).recording
    gc.collect()
    path = recording.path
    assert torch.equal(recording.maps(0, "conv"), probes)
    del recording
    gc.collect()
    assert not path.exists()


# ---------------------------------------------------------------------- what goes wrong on the way


def test_a_full_disk_ends_the_recording_and_not_the_training(small, probes, tmp_path, monkeypatch):
    recorder = Recorder(small, "conv", probes, tmp_path / "film", every=1)
    recorder.step(0, 0)

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(film, "put", full)
    with pytest.warns(UserWarning, match=r"stopped at epoch 0, batch 0: .*No space left"), recorder:
        train(recorder, epochs=1)
    assert small.conv.weight.item() == 3
    monkeypatch.undo()
    train(recorder, epochs=1)
    assert len(Recording.open(tmp_path / "film")) == 2
    assert "No space left" in recorder.stopped


@pytest.mark.parametrize("files", [0, 1, 2])
def test_a_recording_that_cannot_be_begun_leaves_the_folder_free(small, probes, tmp_path, monkeypatch, files):
    put, left = film.put, [files]

    def full(path, data):
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        put(path, data)

    monkeypatch.setattr(film, "put", full)
    monkeypatch.setattr(header, "put", full)
    with pytest.raises(OSError, match="No space left"):
        Recorder(small, "conv", probes, tmp_path / "film")
    assert list((tmp_path / "film").iterdir()) == []
    monkeypatch.undo()
    assert len(Recorder(small, "conv", probes, tmp_path / "film").recording) == 1


def test_a_device_without_memory_ends_the_recording_and_not_the_training(small, probes, monkeypatch):
    recorder = Recorder(small, "conv", probes, every=1)

    def out_of_memory(watched):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(recorder._contents, "take", out_of_memory)
    with pytest.warns(UserWarning, match="stopped at epoch 0, batch 0: out of memory"):
        train(recorder, epochs=1)
    assert small.conv.weight.item() == 3


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (torch.zeros(2), r"loss must be one number, not a tensor of shape \(2,\)"),
        (torch.zeros(1, dtype=torch.complex64), r"not a complex tensor of shape \(1,\)"),
        ({"loss": 1.0}, "not a dict"),
        ("low", "not a str"),
    ],
)
def test_a_loss_that_is_not_one_number_is_said_with_the_first_step_and_left_out(small, probes, loss, said):
    recorder = Recorder(small, "conv", probes, every=2)
    with pytest.warns(UserWarning, match=f"some data is missing, from epoch 0, batch 0 on: loss .*{said}"):
        recorder.step(0, 0, loss=loss)
    recorder.step(0, 1, loss=loss)
    recorder.step(0, 2, loss=0.5)
    recorder.step(0, 3, loss=np.float32(0.5))
    assert [(frame.step, frame.loss) for frame in recorder.recording.frames] == [(0, None), (2, None), (4, 0.5)]
    assert len(recorder.notes) == 1


def test_a_disk_that_fills_in_the_middle_of_a_file_leaves_no_half_file(small, probes, tmp_path, monkeypatch):
    recorder = Recorder(small, "conv", probes, tmp_path / "film", every=1)

    def full(self, data):
        self.open("wb").write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.warns(UserWarning, match="No space left"):
        recorder.step(0, 0)
    assert sorted(file.name for file in (tmp_path / "film").iterdir()) == [
        "frame-00000000.safetensors",
        "frames.txt",
        "probes.safetensors",
        "recording.json",
    ]


def test_a_crash_in_the_middle_of_a_file_loses_that_frame_alone(tmp_path):
    program = """
import os, signal, sys, torch
from torch import nn
from cnnwidgets.training import Recorder
recorder = Recorder(nn.Sequential(nn.Conv2d(1, 1, 1)), "0", torch.ones(1, 1, 4, 4), sys.argv[1], every=1)
recorder.step(0, 0)
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
recorder.step(0, 1)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "film")], cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert [frame.step for frame in Recording.open(tmp_path / "film").frames] == [0, 1]
    assert any(file.suffix == ".part" for file in (tmp_path / "film").iterdir())


def test_a_network_that_fails_on_the_probes_later_ends_the_recording_and_not_the_training(small, probes):
    recorder = Recorder(small, "conv", probes, every=1)
    small.conv = nn.Conv2d(3, 1, 1)
    with pytest.warns(UserWarning, match="stopped at epoch 0, batch 0: layer 'conv'"):
        recorder.step(0, 0)
    recorder.step(0, 1)
    assert len(recorder.recording) == 1


def test_a_folder_that_vanishes_ends_the_recording_and_not_the_training(small, probes, tmp_path):
    recorder = Recorder(small, "conv", probes, tmp_path / "film", every=1)
    shutil.rmtree(tmp_path / "film")
    with pytest.warns(UserWarning, match="stopped at epoch 0"):
        recorder.step(0, 0)


# ---------------------------------------------------------------------- going on


def test_a_resumed_training_replaces_what_comes_again(small, probes, tmp_path):
    first = Recorder(small, "conv", probes, tmp_path / "film", every=1)
    for batch in range(3):
        first.step(0, batch)
    resumed = Recorder(small, "conv", probes, tmp_path / "film", every=1, resume=True)
    assert len(resumed.recording) == 4
    nn.init.constant_(small.conv.weight, 9.0)
    resumed.step(0, 1)
    resumed.step(0, 2)
    assert keys(resumed) == [(-1, -1), (0, 0), (0, 1), (0, 2)]
    assert [frame.step for frame in resumed.recording.frames] == [0, 1, 2, 3]
    assert [resumed.recording.filters(frame, "conv").item() for frame in range(4)] == [1, 1, 9, 9]


def test_a_recording_of_something_else_is_not_resumed(small, probes, film):
    with pytest.raises(ValueError, match="another network or layers"):
        Recorder(small, "conv", probes, film, resume=True)
    with pytest.raises(ValueError, match="its probes differ"):
        Recorder(small, ["conv", "relu"], -probes, film, resume=True)


# ---------------------------------------------------------------------- what a frame lacks is said


def test_image_and_gradient_of_a_frame_are_of_one_pass(small, probes):
    with Recorder(small, "conv", probes, every=1, gradients=True, inputs=True) as recorder:
        (2 * small(torch.full((1, 1, 2, 2), 1.0)) + 5 * small(torch.full((1, 1, 2, 2), 7.0))).sum().backward()
        recorder.step(0, 0)
    assert recorder.recording.inputs(1).unique().item() == 7
    assert recorder.recording.gradients(1, "conv").unique().item() == 5
    assert recorder.notes == []


def test_a_copy_made_while_it_records_has_no_part_in_it(small, probes):
    with Recorder(small, "conv", probes, every=1, gradients=True, inputs=True) as recorder:
        teacher = copy.deepcopy(small)
        torch.save(small, io.BytesIO())
        small(torch.ones(1, 1, 2, 2)).sum().backward()
        teacher(torch.zeros(1, 1, 2, 2)).sum().backward()
        recorder.step(0, 0)
    assert recorder.recording.inputs(1).unique().item() == 1
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in teacher.modules())


def test_a_compiled_model_is_recorded(small, probes):
    torch._dynamo.reset()
    compiled = torch.compile(small, backend="aot_eager")
    compiled(torch.ones(1, 1, 2, 2)).sum().backward()
    with Recorder(compiled, "conv", probes, every=1, gradients=True, inputs=True) as recorder:
        (3 * compiled(torch.ones(1, 1, 2, 2))).sum().backward()
        recorder.step(0, 0)
    assert recorder.recording.gradients(1, "conv").unique().item() == 3
    assert recorder.notes == []


def test_a_gradient_that_never_comes_is_said_once_with_the_first_step(small, probes):
    small.conv.requires_grad_(False)
    with Recorder(small, ["conv", "relu"], probes, gradients=True) as recorder:
        with pytest.warns(UserWarning, match="some data is missing, from epoch 0, batch 0 on"):
            small(torch.ones(1, 1, 2, 2))
            recorder.step(0, 0)
        small(torch.ones(1, 1, 2, 2))
        recorder.step(0, 1, of=2)
    assert len(recorder.notes) == 1
    assert "gradients of conv, gradients of relu (no gradient came back" in recorder.notes[0]
    assert keys(recorder) == [(-1, -1), (0, 1)]


def test_what_is_recorded_inside_a_with_alone_is_said_outside_of_one(small, probes):
    recorder = Recorder(small, "conv", probes, every=1, gradients=True, inputs=True)
    with pytest.warns(UserWarning, match=r"gradients of conv, input \(it is recorded inside of `with recorder:` alone"):
        recorder.step(0, 0)
    assert keys(recorder) == [(-1, -1), (0, 0)]


def test_a_step_may_be_told_after_the_with(small, probes):
    recorder = Recorder(small, "conv", probes, every=1, gradients=True)
    with recorder:
        (3 * small(torch.ones(1, 1, 2, 2))).sum().backward()
    recorder.step(0, 0)
    assert recorder.recording.gradients(1, "conv").unique().item() == 3


class TwoInputs(nn.Module):
    """A network of two images, the second of which may be left out in evaluation mode, if the first has 4 pixels."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)

    def forward(self, x, y=None):
        return self.conv(x.reshape(-1, 1, 2, 2) if y is None else x + y).sum()


def test_an_input_that_does_not_run_alone_is_said_and_the_rest_is_recorded(probes):
    with Recorder(TwoInputs(), "conv", probes, every=1, gradients=True, inputs=True) as recorder:
        recorder.model(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3)).backward()
        with pytest.warns(UserWarning, match=r"batch of conv \(.*shape"):
            recorder.step(0, 0)
    assert recorder.recording.inputs(1).shape == (1, 3, 3)
    assert recorder.recording.gradients(1, "conv").shape == (1, 3, 3)
    assert torch.equal(recorder.recording.maps(1, "conv"), recorder.recording.maps(0, "conv"))


@pytest.mark.parametrize("moment", [("0", None), (None, 0), (0, torch.zeros(2))])
def test_a_step_that_makes_no_sense_ends_the_recording_and_not_the_training(small, probes, moment):
    recorder = Recorder(small, "conv", probes, every=1)
    with recorder, pytest.warns(UserWarning, match="stopped at epoch"):
        recorder.step(0, 0)
        recorder.step(*moment)
        recorder.end_epoch(None)
    assert [frame.step for frame in recorder.recording.frames] == [0, 1]


def test_where_warnings_are_errors_what_is_missing_does_not_end_the_recording(small, probes):
    with warnings.catch_warnings(), Recorder(small, "conv", probes, every=1, gradients=True) as recorder:
        warnings.simplefilter("error")
        recorder.step(0, 0)
    assert keys(recorder) == [(-1, -1), (0, 0)]
    assert "some data is missing" in recorder.notes[0]


def test_a_loop_that_calls_step_with_lbfgs_records_its_last_pass(small, probes):
    optimizer = torch.optim.LBFGS(small.parameters(), lr=0.1, max_iter=3)
    seen = []

    def closure():
        optimizer.zero_grad()
        image = torch.full((1, 1, 2, 2), 1.0 + len(seen))
        seen.append(image)
        loss = (small(image) - 1).square().sum()
        loss.backward()
        return loss

    with Recorder(small, "conv", probes, every=1, gradients=True, inputs=True) as recorder:
        optimizer.step(closure)
        recorder.step(0, 0)
    assert len(seen) > 1
    assert torch.equal(recorder.recording.inputs(1), seen[-1][0])


@pytest.mark.parametrize("epoch", [torch.tensor(1.5), np.array([0, 1]), True, "0"])
def test_what_only_looks_like_a_whole_number_is_no_epoch(small, probes, epoch):
    recorder = Recorder(small, "conv", probes, every=1)
    with pytest.warns(UserWarning, match=r"step\(epoch, batch\) takes whole numbers"):
        recorder.step(epoch, 0)
    assert keys(recorder) == [(-1, -1)]


def test_whole_numbers_of_numpy_and_torch_are_epochs(small, probes):
    recorder = Recorder(small, "conv", probes, every=1)
    recorder.step(torch.tensor(2), np.int64(3))
    assert keys(recorder) == [(-1, -1), (2, 3)]
