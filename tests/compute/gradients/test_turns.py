"""Threads take turns at a model: a look waits for the end of a training step, and the step for the look's."""

from __future__ import annotations

import threading

from torch import nn

from cnnwidgets.compute.core.turns import alone
from cnnwidgets.compute.shadow import evaluating


def test_a_look_from_another_thread_waits_for_the_end_of_a_step():
    model = nn.Sequential(nn.Linear(1, 1))
    began, order = threading.Event(), []

    def look():
        began.set()
        with evaluating(model):
            order.append("look")

    with alone(model):
        thread = threading.Thread(target=look)
        thread.start()
        began.wait()
        thread.join(0.05)  # it would be through by now, if nothing held it back
        order.append("step")
    thread.join()
    assert order == ["step", "look"]


def test_a_loop_of_steps_lets_a_waiting_look_in():
    model = nn.Sequential(nn.Linear(1, 1))
    done = threading.Event()

    def look():
        with evaluating(model):
            done.set()

    steps = 0
    with alone(model):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(0.05)
    while not done.is_set() and steps < 1000:
        with alone(model):
            steps += 1
    thread.join()
    assert steps < 1000


def test_a_thread_may_look_within_its_own_step():
    model = nn.Sequential(nn.Linear(1, 1))
    with alone(model), evaluating(model) as seen:
        assert seen is model


def test_another_model_does_not_wait():
    one, other = nn.Sequential(nn.Linear(1, 1)), nn.Sequential(nn.Linear(1, 1))
    looked = threading.Event()

    def look():
        with evaluating(other):
            looked.set()

    with alone(one):
        thread = threading.Thread(target=look)
        thread.start()
        assert looked.wait(10)
    thread.join()
