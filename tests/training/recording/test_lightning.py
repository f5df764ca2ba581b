"""The callback, driven as Lightning drives one: its trainer calls these methods with these arguments."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from cnnwidgets.training.recording.lightning import lightning_callback
from cnnwidgets.training.recording.recorder import Recorder
from tests.training.films import Small, two_images


@pytest.fixture
def lightning(monkeypatch):
    package, inner = ModuleType("lightning"), ModuleType("lightning.pytorch")
    inner.Callback = object
    monkeypatch.setitem(sys.modules, "lightning", package)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", inner)


def test_a_lightning_training_is_recorded_from_its_start_to_its_end(lightning):
    recorder = Recorder(model := Small(), "conv", two_images(), inputs=True)
    callback, trainer = lightning_callback(recorder), SimpleNamespace(num_training_batches=2, current_epoch=0)
    callback.on_train_start(trainer, model)
    for epoch in range(2):
        trainer.current_epoch = epoch
        for batch in range(2):
            model(torch.full((3, 1, 2, 2), float(epoch)))
            callback.on_train_batch_end(trainer, model, {"loss": torch.tensor(0.5)}, None, batch)
        callback.on_train_epoch_end(trainer, model)
    callback.on_train_end(trainer, model)
    assert [(frame.key, frame.loss) for frame in recorder.recording.frames] == [
        ((-1, -1), None),
        ((0, 1), 0.5),
        ((1, 1), 0.5),
    ]
    assert recorder.recording.inputs(2).max() == 1
    assert not any(part._forward_pre_hooks for part in model.modules())


def test_a_loader_without_a_length_and_a_training_that_fails(lightning):
    recorder = Recorder(model := Small(), "conv", two_images(), inputs=True)
    callback = lightning_callback(recorder)
    trainer = SimpleNamespace(num_training_batches=float("inf"), current_epoch=0)
    callback.on_train_start(trainer, model)
    callback.on_train_batch_end(trainer, model, None, None, 0)
    callback.on_exception(trainer, model, KeyboardInterrupt())
    assert [frame.name for frame in recorder.recording.frames] == ["before training", "epoch 0 · batch 0"]
    assert not any(part._forward_pre_hooks for part in model.modules())


@pytest.mark.parametrize(
    ("outputs", "automatic", "loss"),
    [
        ({"loss": torch.tensor(0.5), "accuracy": 1.0}, True, 2.0),  # Lightning divided it by the 4 batches
        (torch.tensor(0.5), True, 2.0),
        ({"loss": torch.tensor(0.5)}, False, 0.5),
        ({"loss": None}, True, None),
        ({"g_loss": torch.tensor(1.0)}, False, None),
        ({}, True, None),
        (None, True, None),
    ],
)
def test_the_loss_is_that_of_the_training_step_and_a_step_without_one_is_recorded(lightning, outputs, automatic, loss):
    recorder = Recorder(model := Small(), "conv", two_images())
    model.automatic_optimization = automatic
    callback = lightning_callback(recorder)
    trainer = SimpleNamespace(num_training_batches=1, current_epoch=0, accumulate_grad_batches=4)
    callback.on_train_start(trainer, model)
    callback.on_train_batch_end(trainer, model, outputs, None, 0)
    callback.on_train_epoch_end(trainer, model)
    callback.on_train_end(trainer, model)
    assert [frame.loss for frame in recorder.recording.frames] == [None, loss]
    assert recorder.notes == []


def test_without_lightning_it_says_what_is_missing(monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="lightning"):
        lightning_callback(Recorder(Small(), "conv", two_images()))
