"""The usual loop with validation, history, writer and listeners."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.training.loop.trainer import Trainer


def test_the_history_is_what_a_hand_works_out(trainer, batches):
    trainer.set_loaders(batches, [(torch.full((1, 1), 4.0), torch.zeros(1, 1))])
    history = trainer.train(1)
    assert [step.loss for step in history.steps] == [1.0, 1.0]
    (epoch,) = history.epochs
    assert (epoch.epoch, epoch.train_loss, epoch.valid_loss) == (0, 1.0, 4.0)  # (-0.5 x 4) squared
    assert (epoch.train_accuracy, epoch.valid_accuracy) == (None, None)
    assert trainer.validate().loss == 4.0


def test_training_goes_on_where_it_ended(trainer):
    trainer.train(1)
    trainer.train(2)
    assert [(step.epoch, step.step) for step in trainer.history.steps] == [(n // 2, n) for n in range(6)]
    assert trainer.goal == 3


def test_no_epochs_are_nothing(trainer, line):
    assert trainer.train(0).steps == []
    assert line[0].weight.item() == 1.0


def test_without_a_validation_loader_it_trains_and_cannot_validate(trainer):
    assert trainer.train(1).epochs[0].valid_loss is None
    with pytest.raises(ValueError, match=r"no validation loader: trainer.set_loaders"):
        trainer.validate()


def test_what_cannot_be_trained_with_is_named(line, trainer):
    optimizer = torch.optim.SGD(line.parameters(), lr=1.0)
    with pytest.raises(ValueError, match="no training loader"):
        Trainer(line, nn.MSELoss(), optimizer).train(1)
    with pytest.raises(ValueError, match="the training loader gives no batch"):
        trainer.set_loaders([])
    with pytest.raises(ValueError, match="the validation loader gives no batch"):
        trainer.set_loaders([1], [])
    with pytest.raises(ValueError, match="needs a number of epochs"):
        trainer.train()
    with pytest.raises(ValueError, match="not -2"):
        trainer.train(-2)
    with pytest.raises(TypeError, match=r"n_epochs must be a whole number, not 1\.5"):
        trainer.train(1.5)
    with pytest.raises(TypeError, match="the training loader must give batches, as a DataLoader does, not 5"):
        trainer.set_loaders(5)
    assert not trainer.running


def test_an_iterable_that_turns_out_to_be_empty_is_named(trainer):
    trainer.set_loaders(iter(()))
    with pytest.raises(ValueError, match="the training loader gives no batch"):
        trainer.train(1)
    assert trainer.history.steps == []


def test_listeners_are_told_each_step_after_the_weights_have_changed(trainer, line):
    told = []
    trainer.listeners.append(lambda step: told.append((step.step, line[0].weight.item())))
    trainer.train(1)
    assert told == [(0, 0.5), (1, -0.5)]


def test_the_recorder_is_entered_and_told_steps_and_ends_of_epochs(trainer):
    told = []

    class Recorder:
        def __enter__(self):
            told.append("in")

        def __exit__(self, *raised):
            told.append("out")

        def step(self, epoch, batch, of=None, *, loss=None):
            told.append((epoch, batch, of, loss))

        def end_epoch(self, epoch):
            told.append(("end", epoch))

    trainer.recorder = Recorder()
    trainer.train(1)
    assert told == ["in", (0, 0, 2, 1.0), (0, 1, 2, 1.0), ("end", 0), "out"]


def test_nan_leaves_the_recorder_in_good_order(trainer, batches):
    told = []

    class Recorder:
        def __enter__(self):
            pass

        def __exit__(self, kind, error, trace):
            told.append(kind)

        def step(self, epoch, batch, of=None, *, loss=None):
            told.append(batch)

    batches[1] = (torch.tensor([[float("nan")]]), torch.zeros(1, 1))
    trainer.recorder = Recorder()
    with pytest.raises(FloatingPointError):
        trainer.train(1)
    assert told == [0, FloatingPointError]
    assert len(trainer.history.steps) == 1


def test_the_writer_is_given_steps_and_epochs(line, batches):
    written, flushed = [], []

    class Writer:
        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def flush(self):
            flushed.append(True)

    optimizer = torch.optim.SGD(line.parameters(), lr=0.25)
    trainer = Trainer(line, nn.MSELoss(), optimizer, writer=Writer(), progress=False)
    trainer.set_loaders(batches, batches[:1])
    trainer.train(1)
    assert written == [
        ("loss/step", 1.0, 0),
        ("loss/step", 1.0, 1),
        ("loss/train", 1.0, 0),
        ("loss/valid", 0.25, 0),  # w is -0.5, x is 1
    ]
    assert flushed == [True]


def test_a_plateau_is_told_the_validation_loss(line, batches):
    optimizer = torch.optim.SGD(line.parameters(), lr=0.25)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    told = []
    scheduler.step = told.append
    trainer = Trainer(line, nn.MSELoss(), optimizer, scheduler, progress=False)
    trainer.set_loaders(batches, batches[:1])
    trainer.train(1)
    assert told == [0.25]


def test_prediction_is_an_array_and_every_mode_is_put_back(trainer, line):
    line.append(nn.Dropout(0.9))
    line[1].eval()
    images = np.array([[1.0], [2.0], [3.0]])
    assert trainer.predict(images, batch_size=2).tolist() == [[1.0], [2.0], [3.0]]
    assert [part.training for part in line.modules()] == [True, True, False]
    assert images.dtype == np.float64
    assert trainer.predict(torch.tensor([[51]], dtype=torch.uint8)).tolist() == [[pytest.approx(0.2)]]


def test_a_network_that_mixes_images_predicts_for_each_what_it_gives_alone():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 2), torch.nn.BatchNorm2d(3, track_running_stats=False), torch.nn.ReLU()
    )
    images = torch.rand(5, 1, 4, 4) * torch.tensor([1, 2, 4, 8, 16])[:, None, None, None]
    with torch.no_grad():
        wanted = torch.cat([model(image[None]) for image in images])
        assert not torch.allclose(model(images), wanted)
    found = Trainer(model, torch.nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1)).predict(images)
    torch.testing.assert_close(torch.from_numpy(found), wanted)


def test_images_that_do_not_fit_and_outputs_that_are_no_tensor_are_named(trainer, line):
    with pytest.raises(ForwardError, match=r"layer '0' \(Linear\) refused its input: got 3 x 2, wants 1 feature"):
        trainer.predict(np.ones((3, 2)))
    assert line.training
    with pytest.raises(ValueError, match="batch_size must be 1 or more, not 0"):
        trainer.predict(np.ones((3, 1)), batch_size=0)
    line.forward = lambda images: (images, images)
    with pytest.raises(TypeError, match="returns one tensor, not a tuple"):
        trainer.predict(np.ones((3, 1)))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x"])
def test_a_seed_that_is_none_leaves_the_random_numbers_as_they_were(trainer, seed):
    before = random.getstate()
    with pytest.raises(ValueError, match="a seed must be a whole number from 0"):
        trainer.set_seed(seed)
    assert random.getstate() == before


def test_a_single_image_is_a_batch_of_one():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten())
    nn.init.constant_(model[0].weight, 2.0)
    trainer = Trainer(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=1.0))
    assert trainer.predict(np.ones((1, 2, 2))).tolist() == [[2.0] * 4]


def test_a_progress_bar_counts_the_steps_of_all_epochs(line, batches, capsys):
    optimizer = torch.optim.SGD(line.parameters(), lr=0.25)
    trainer = Trainer(line, nn.MSELoss(), optimizer)
    trainer.set_loaders(batches)
    trainer.train(2)
    shown = capsys.readouterr().err
    assert "4/4" in shown and "epoch 2/2" in shown
    trainer.listeners.append(lambda step: trainer.stop())
    trainer.train(2)
    out, shown = capsys.readouterr()
    assert "1/4" in shown
    assert "stopped after 5 steps" in out + shown


class _Prepared(torch.nn.Module):
    """`eval()` doubles its scale for evaluation, and `train()` forgets that."""

    def __init__(self):
        super().__init__()
        self.scale, self.doubled = torch.nn.Parameter(torch.tensor(3.0)), None

    def train(self, mode=True):
        super().train(mode)
        self.doubled = None if mode else self.scale.detach() * 2
        return self

    def forward(self, x):
        return x * (self.scale if self.training else self.doubled)


def test_a_prediction_is_made_as_eval_prepares_it_and_leaves_the_network_in_training():
    model = _Prepared()
    trainer = Trainer(model, torch.nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), progress=False)
    assert trainer.predict(torch.ones(2, 1)).tolist() == [[6], [6]]
    assert model.training and model.doubled is None


def test_an_epoch_under_an_intervention_says_what_was_edited(trainer, line):
    trainer.train(1)
    with cw.intervene(line, {"0": cw.Scale(2.0)}):
        trainer.train(1)
    trainer.train(1)
    assert [epoch.edited for epoch in trainer.history.epochs] == ["", "0 multiplied by 2", ""]
    assert trainer.history.to_frame()["edited"].tolist() == ["", "0 multiplied by 2", ""]
