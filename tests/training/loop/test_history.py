"""Plain numbers a step and an epoch."""

from __future__ import annotations

import math

import pytest

from cnnwidgets.training.loop.history import History, Step


def step(epoch, batch, loss, accuracy=None, examples=1):
    return Step(epoch, batch, 2, 2 * epoch + batch, loss, accuracy, examples, 0.1)


@pytest.fixture
def history():
    made = History()
    made.steps += [step(0, 0, 8.0), step(0, 1, 9.0), step(1, 0, 1.0, 0.5, 2), step(1, 1, 4.0, 1.0, 1)]
    return made


def test_an_epoch_is_the_mean_over_its_examples_not_its_batches(history):
    epoch = history.end_epoch(1, (3.0, 0.25), 7.0)
    assert (epoch.train_loss, epoch.train_accuracy) == (2.0, pytest.approx(2 / 3))  # (2 x 1 + 4) / 3, (2 x 0.5 + 1) / 3
    assert (epoch.valid_loss, epoch.valid_accuracy, epoch.seconds) == (3.0, 0.25, 7.0)


def test_without_classes_or_validation_there_is_no_number(history):
    epoch = history.end_epoch(1, None, 0.0)
    assert (epoch.valid_loss, epoch.valid_accuracy) == (None, None)
    history.steps += [step(2, 0, 1.0)]
    assert history.end_epoch(2, None, 0.0).train_accuracy is None


def test_the_table_has_a_row_an_epoch_or_a_step(history):
    history.end_epoch(1, None, 7.0)
    frame = history.to_frame()
    assert frame[["epoch", "train_loss", "seconds"]].to_numpy().tolist() == [[1, 2.0, 7.0]]
    assert math.isnan(frame["valid_loss"][0])
    assert history.to_frame("step")["loss"].tolist() == [8.0, 9.0, 1.0, 4.0]
    assert History().to_frame().columns.tolist() == frame.columns.tolist()
    with pytest.raises(ValueError, match="'epoch' or a 'step', not 'batch'"):
        history.to_frame("batch")


def test_a_history_is_the_same_after_its_way_through_a_checkpoint(history):
    history.end_epoch(1, (3.0, None), 7.0)
    other = History()
    other.load_state_dict(history.state_dict())
    assert (other.steps, other.epochs) == (history.steps, history.epochs)
    assert repr(other) == "History(1 epoch, 4 steps, train loss 2, valid loss 3)"
