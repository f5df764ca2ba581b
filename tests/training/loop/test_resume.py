"""A training that was interrupted gives the same result as one that was not."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from cnnwidgets.training.loop.randomness import set_seed
from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.training.recording.recording import Recording


def result(trainer):
    """Everything that a training leaves: weights, optimizer, losses, and the next random number."""
    weights = [value.tolist() for value in trainer.model.state_dict().values()]
    moments = [value.tolist() for state in trainer.optimizer.state_dict()["state"].values() for value in state.values()]
    epochs = [(e.train_loss, e.train_accuracy, e.valid_loss, e.valid_accuracy) for e in trainer.history.epochs]
    drawn = (torch.rand(1).item(), random.random(), np.random.rand())
    return weights, moments, trainer.scheduler.state_dict(), trainer.history.steps, epochs, drawn


def stopped_after(trainer, steps):
    trainer.listeners.append(lambda step: trainer.stop() if step.step + 1 == steps else None)
    set_seed(7)
    trainer.train(3)
    trainer.listeners.clear()
    assert len(trainer.history.steps) == steps
    return trainer


def whole(trainer):
    set_seed(7)
    trainer.train(3)
    return result(trainer)


# an epoch has five steps: the first, in the middle, and the last of one
@pytest.mark.parametrize("steps", [1, 7, 10])
@pytest.mark.parametrize("scheduler", ["step", "cycle", "plateau"])
def test_another_process_goes_on_as_if_nothing_had_been(chancy, tmp_path, steps, scheduler):
    path = stopped_after(chancy(scheduler=scheduler), steps).save(tmp_path / "training.pt")
    set_seed(99)
    resumed = chancy(scheduler=scheduler)
    resumed.load(path)
    resumed.train()
    assert len(resumed.history.steps) == 15
    found = result(resumed)
    assert found == whole(chancy(scheduler=scheduler))


@pytest.mark.parametrize("own", [False, True])
def test_the_same_trainer_goes_on_as_if_nothing_had_been(chancy, own):
    trainer = stopped_after(chancy(own=own), 7)
    torch.rand(3)  # a cell draws random numbers meanwhile
    trainer.train()
    assert result(trainer) == whole(chancy(own=own))


def test_a_generator_of_the_loader_and_worker_processes_are_taken_up_too(chancy, tmp_path):
    path = stopped_after(chancy(own=True, workers=1), 7).save(tmp_path / "training.pt")
    resumed = chancy(own=True, workers=1)
    resumed.load(path)
    resumed.train()
    assert result(resumed) == whole(chancy(own=True, workers=1))


def test_a_checkpoint_between_two_epochs_goes_on_with_its_random_numbers(chancy, tmp_path):
    path = tmp_path / "training.pt"
    first = chancy(checkpoint=path)
    set_seed(7)
    first.train(2)
    set_seed(99)
    resumed = chancy()
    resumed.load(path)
    resumed.train(1)
    assert result(resumed) == whole(chancy())


def test_validation_does_not_change_the_training(chancy):
    with_valid, without = whole(chancy()), whole(chancy(valid=False))
    assert with_valid[0] == without[0]
    assert with_valid[-1] == without[-1]


def test_a_stop_within_the_validation_repeats_it_and_nothing_else(chancy):
    trainer, calls = chancy(), []
    ended = type("Film", (), {"__enter__": lambda s: s, "__exit__": lambda *_: None, "step": lambda *_, **kw: None})()
    ended.end_epoch = calls.append
    trainer.recorder = ended
    loss_fn = trainer.loss_fn

    def stop_in_validation(outputs, targets):
        if not torch.is_grad_enabled() and len(calls) == 1:
            trainer.stop()
        return loss_fn(outputs, targets)

    trainer.loss_fn = stop_in_validation
    set_seed(7)
    trainer.train(3)
    assert (len(trainer.history.steps), len(trainer.history.epochs)) == (5, 0)
    trainer.loss_fn = loss_fn
    trainer.train()
    assert calls == [0, 1, 2]
    assert result(trainer) == whole(chancy())


def test_the_same_seed_gives_the_same_training(chancy):
    assert whole(chancy()) == whole(chancy())


def test_a_seed_set_after_loading_counts(chancy, tmp_path):
    path = chancy().save(tmp_path / "training.pt")
    seen = []
    for seed in (1, 2):
        trainer = chancy()
        trainer.load(path)
        trainer.set_seed(seed)
        trainer.train(1)
        seen.append(trainer.history.steps[0].loss)
    assert seen[0] != seen[1]


def test_a_loader_that_cannot_be_the_interrupted_one_is_refused(chancy):
    trainer = stopped_after(chancy(), 4)
    trainer.set_loaders([(torch.zeros(2, 4), torch.zeros(2).long())] * 2)
    with pytest.raises(ValueError, match="after batch 4, but the training loader has 2"):
        trainer.train()
    assert not trainer.running


def test_a_recorder_changes_nothing_and_its_film_goes_on_after_an_interruption(chancy, tmp_path):
    trainer = chancy()
    trainer.recorder = Recorder(trainer.model, ["0"], torch.rand(2, 4), tmp_path / "film")
    stopped_after(trainer, 7).train()
    assert result(trainer) == whole(chancy())
    frames = Recording.open(tmp_path / "film").frames
    assert [frame.step for frame in frames] == [0, 5, 7, 10, 15]
    losses = [step.loss for step in trainer.history.steps]
    assert [frame.loss for frame in frames[1:]] == [losses[step - 1] for step in (5, 7, 10, 15)]
