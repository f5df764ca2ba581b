"""Pause, resume and stop from any thread; an interrupt waits for the end of the step."""

from __future__ import annotations

import signal
import threading

import pytest
import torch


def test_an_interrupt_in_the_middle_of_a_step_ends_the_training_after_it(trainer, line):
    before = signal.getsignal(signal.SIGINT)
    line.register_forward_hook(lambda *_: signal.raise_signal(signal.SIGINT))
    history = trainer.train(3)
    assert [step.step for step in history.steps] == [0]
    assert line[0].weight.item() == 0.5  # the whole step was made
    assert not trainer.running
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_ends_it_at_once(trainer, line):
    line.register_forward_hook(lambda *_: [signal.raise_signal(signal.SIGINT) for _ in range(2)])
    trainer.train(3)
    assert trainer.history.steps == []
    assert line[0].weight.item() == 1.0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_a_loader_raises_ends_it_cleanly_too(trainer, batches):
    class Loader:
        def __iter__(self):
            yield batches[0]
            raise KeyboardInterrupt

    trainer.set_loaders(Loader())
    assert len(trainer.train(3).steps) == 1
    assert not trainer.running


def test_a_loader_whose_workers_the_interrupt_took_away_is_no_error(trainer, batches):
    class Loader:
        def __iter__(self):
            yield batches[0]
            signal.raise_signal(signal.SIGINT)
            raise RuntimeError("DataLoader worker exited unexpectedly")

    trainer.set_loaders(Loader())
    assert len(trainer.train(3).steps) == 1


def test_an_error_ends_it_and_is_raised(trainer, batches):
    class Loader:
        def __iter__(self):
            yield batches[0]
            raise RuntimeError("a broken file")

    trainer.set_loaders(Loader())
    with pytest.raises(RuntimeError, match="a broken file"):
        trainer.train(3)
    assert not trainer.running
    assert str(trainer.error) == "a broken file"
    assert len(trainer.history.steps) == 1


def test_what_goes_wrong_in_the_background_is_raised_by_wait(trainer, batches):
    batches[0] = (torch.tensor([[float("inf")]]), torch.zeros(1, 1))
    trainer.start(1)
    with pytest.raises(FloatingPointError, match="step 0"):
        trainer.wait(10)
    assert trainer.wait()  # once


def test_a_pause_holds_the_background_between_two_steps_until_it_goes_on(trainer):
    reached, states = threading.Event(), []

    def pause(step):
        if step.step == 2:
            trainer.pause()
            reached.set()

    trainer.listeners.append(pause)
    trainer.watchers.append(lambda: states.append((trainer.running, trainer.paused)))
    trainer.start(2)
    assert reached.wait(10)
    assert not trainer.wait(0.05)
    assert len(trainer.history.steps) == 3
    trainer.resume()
    assert trainer.wait(10)
    assert len(trainer.history.steps) == 4
    began, epoch, paused, resumed, last, ended = states
    assert (began, epoch, paused, resumed, last, ended) == (
        (True, False), (True, False), (True, True), (True, False), (True, False), (False, False)
    )  # fmt: skip


def test_a_stop_ends_a_pause(trainer):
    reached = threading.Event()
    trainer.listeners += [lambda step: trainer.pause(), lambda step: reached.set()]
    trainer.start(2)
    assert reached.wait(10)
    trainer.stop()
    assert trainer.wait(10)
    assert len(trainer.history.steps) == 1


def test_an_interrupt_ends_a_pause(trainer):
    def pause(step):
        trainer.pause()
        signal.raise_signal(signal.SIGINT)

    trainer.listeners.append(pause)
    assert len(trainer.train(2).steps) == 1


def test_only_one_training_at_a_time(trainer):
    trainer.listeners.append(lambda step: trainer.train(1))
    with pytest.raises(RuntimeError, match="is training already"):
        trainer.train(1)
    assert not trainer.running


def test_where_nothing_runs_pause_and_stop_do_nothing(trainer):
    trainer.pause()
    trainer.stop()
    assert not trainer.paused
    assert len(trainer.train(1).steps) == 2
