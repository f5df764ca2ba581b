"""TrainingView: what is seen while a network learns, and the buttons."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import Trainer, TrainingView, activations, edit_gradients
from cnnwidgets.views.training import view as training
from tests.widgets.conftest import hooks, inside, levels, steps, tiny, words


class Clock:
    """Stands in for the module `time`: each look at it takes `tick` seconds."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 100.0, tick

    def monotonic(self):
        self.now += self.tick
        return self.now


class Data(list):
    """A loader of pairs that says which data set it reads."""

    dataset = steps()


def loader(batches=3, value=1.0):
    return Data([(torch.full((2, 1, 4, 4), value), torch.tensor([0, 1]))] * batches)


@pytest.fixture
def trainer(model):
    made = Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01), progress=False)
    made.set_loaders(loader(), loader(1))
    return made


@pytest.fixture
def view(trainer):
    return TrainingView(trainer, layer="pool")


@pytest.fixture
def every_step(monkeypatch):
    """Each step is drawn."""
    monkeypatch.setattr(training, "SHARE", 0)
    monkeypatch.setattr(training, "APART", 0.0)


def button(view, text):
    return next(part for part in inside(view) if getattr(part, "description", None) == text)


def shown_now(view):
    """Whether the grid shows the maps that the model makes as it is now."""
    maps = activations(view.trainer.model, view.trainer.valid_loader.dataset[view.index][0], view.layer)[0]
    return np.allclose(view._shaded.maps, maps.numpy())


def test_before_the_training_it_shows_the_maps_of_the_new_network(view):
    assert levels(view).shape == (16, 33)
    assert shown_now(view)
    assert "not yet trained" in words(view._title)
    assert "none yet" in words(view._course._progress)


def test_a_training_in_a_cell_is_shown_at_its_end(view, trainer):
    trainer.train(2)
    assert shown_now(view)
    assert "after 6 steps" in words(view._title)
    assert "Progress · done epoch 2 of 2 done batch 3 of 3" in words(view._course._progress)
    losses = [step.loss for step in trainer.history.steps]
    assert view._course.loss._marks[0].y.tolist() == losses
    assert view._course.loss._marks[1].y.tolist() == [epoch.valid_loss for epoch in trainer.history.epochs]
    assert view._course.accuracy._marks[1].x.tolist() == [1.0, 2.0]


def test_each_step_is_drawn_where_there_is_time(view, trainer, every_step):
    drawn = []
    trainer.listeners.append(lambda step: drawn.append(shown_now(view)))
    trainer.train(1)
    assert drawn == [True] * 3


def test_after_a_drawing_the_training_is_undisturbed_for_50_times_as_long(view, trainer, monkeypatch):
    clock = Clock(tick=1.0)  # a step takes a second, since it looks once; a drawing takes two or three
    monkeypatch.setattr(training, "time", clock)
    drawn = []
    draw = view.render
    monkeypatch.setattr(view, "render", lambda: (draw(), drawn.append(len(trainer.history.steps))))
    trainer.set_loaders(loader(120))
    trainer.train(1)
    during = drawn[:-1]
    assert during[0] == 1
    assert all(100 <= later - sooner <= 109 for sooner, later in itertools.pairwise(during))
    assert len(during) == 2 and drawn[-1] == 120


def test_drawing_changes_nothing_of_the_result(every_step):
    def trained(watched):
        torch.manual_seed(3)
        model = nn.Sequential(tiny(), nn.Dropout(0.5), nn.BatchNorm1d(3))
        made = Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1), progress=False)
        made.set_loaders(loader(), loader(1))
        if watched:
            TrainingView(made)
        made.train(2)
        return [value.tolist() for value in model.state_dict().values()], [step.loss for step in made.history.steps]

    assert trained(True) == trained(False)


def test_the_button_trains_in_the_background_and_the_others_hold_it(view, trainer):
    reached, go_on = threading.Event(), threading.Event()
    threads = []

    def wait(step):
        threads.append(threading.current_thread())
        if step.step == 0:
            reached.set()
            assert go_on.wait(10)

    trainer.listeners.append(wait)
    train, pause, stop = (button(view, text) for text in ("Train", "Pause", "Stop"))
    assert (train.disabled, pause.disabled, stop.disabled) == (False, True, True)
    view.epochs = 2
    train.click()
    assert reached.wait(10)
    assert (train.disabled, pause.disabled, stop.disabled) == (True, False, False)
    pause.click()
    assert pause.description == "Resume"
    assert "paused" in words(view._course._progress)
    go_on.set()
    pause.click()
    assert trainer.wait(10)
    assert len(trainer.history.steps) == 6
    assert threading.main_thread() not in threads
    assert (train.disabled, pause.disabled, stop.disabled, pause.description) == (False, True, True, "Pause")
    trainer.listeners.append(lambda step: stop.click())
    train.click()
    assert trainer.wait(10)
    assert len(trainer.history.steps) == 7
    assert "stopped" in words(view._course._progress)


def test_a_layer_that_is_chosen_in_a_pause_is_drawn_at_once(view, trainer):
    def pause(step):
        trainer.pause()
        view.layer, view.index = "conv", 2
        drawn.append((view._row.name, shown_now(view)))
        trainer.resume()

    drawn = []
    trainer.listeners.append(pause)
    trainer.train(1)
    assert drawn == [("conv", True)] * 3


def test_a_layer_that_is_chosen_while_it_trains_is_drawn_after_the_step(view, trainer, passes, monkeypatch):
    monkeypatch.setattr(training, "APART", 1e9)
    seen = []

    def choose(step):
        if step.step == 1:
            view.layer = "conv"
        seen.append(view._row.name)

    trainer.listeners.append(choose)
    trainer.train(1)
    assert seen == ["pool", "pool", "conv"]


def test_the_axis_is_switched_without_a_pass(view, trainer, passes):
    trainer.train(1)
    passes()
    view.log = True
    assert type(view._course.loss._axes[1].scale).__name__ == "LogScale"
    assert passes() == 0


def test_a_loss_that_is_no_number_is_told_and_the_pictures_stay(view, trainer):
    batches = loader()
    batches[1] = (torch.full((2, 1, 4, 4), float("nan")), batches[1][1])
    trainer.set_loaders(batches, loader(1))
    view.train(1)
    with pytest.raises(FloatingPointError):
        trainer.wait(10)
    assert "The training stopped: the loss is nan at step 1" in words(view._error)
    assert shown_now(view)
    trainer.set_loaders(loader())
    trainer.train(1)
    assert view._error.value == ""


def test_without_a_training_loader_the_button_says_what_is_missing(model):
    trainer = Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1))
    view = TrainingView(trainer, steps())
    button(view, "Train").click()
    assert "there is no training loader" in words(view._error)
    with pytest.raises(ValueError, match="no training loader"):
        view.train(1)


def test_edited_gradients_are_told(view, trainer):
    with edit_gradients(trainer.model, "fc", scale=0.5):
        trainer.train(1)
        assert "gradient of fc scaled by 0.5 its norm" in words(view._course._below)
    view.refresh()
    assert view._course._below.value == ""


def test_without_classes_there_is_no_chart_of_accuracy(model):
    trainer = Trainer(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.001), progress=False)
    trainer.set_loaders([(torch.ones(1, 1, 4, 4), torch.zeros(1, 3))])
    view = TrainingView(trainer, steps())
    trainer.train(1)
    assert view._course.loss.shown and not view._course.accuracy.shown


def test_the_static_picture_shows_all(view, trainer, tmp_path):
    trainer.train(1)
    light, dark = view.picture(), view.picture(dark=True)
    assert light.shape == dark.shape and light[0, 5].tolist() != dark[0, 5].tolist()
    assert ((light == (239, 138, 23)).all(2)).sum() > 20  # the validation
    assert view.save(tmp_path / "view.png").stat().st_size > 1000


def test_the_probe_images_are_those_of_the_loaders_unless_others_are_given(model, trainer):
    assert len(TrainingView(trainer)._subject.items) == 6
    assert len(TrainingView(trainer, steps(2))._subject.items) == 2
    trainer.set_loaders([(torch.ones(1, 1, 4, 4), torch.zeros(1).long())])
    with pytest.raises(ValueError, match="no images to look at"):
        TrainingView(trainer)


def test_bad_input_leaves_no_widget_and_no_listener(model, trainer, widgets):
    before = widgets()
    for options, words_ in (
        ({"layr": "conv"}, "did you mean 'layer'"),
        ({"layer": "conv9"}, "no layer 'conv9'"),
        ({"index": 99}, "99"),
    ):
        with pytest.raises((TypeError, LookupError), match=words_):
            TrainingView(trainer, **options)
    with pytest.raises(TypeError, match="must be a Trainer, not a Sequential"):
        TrainingView(model)
    assert (widgets(), trainer.listeners, trainer.watchers, hooks(model)) == (before, [], [], 0)


def test_closing_lets_the_training_go_on(view, trainer, widgets):
    trainer.listeners.append(lambda step: view.close() if step.step == 1 else None)
    trainer.train(1)
    assert len(trainer.history.steps) == 3
    assert trainer.watchers == [] and len(trainer.listeners) == 1


def test_closing_leaves_no_widget(trainer, widgets):
    before = widgets()
    view = TrainingView(trainer)
    trainer.train(1)
    view.log = True
    view.close()
    view.close()
    assert widgets() == before
