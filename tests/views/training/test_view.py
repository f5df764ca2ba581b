"""TrainingView: what is seen while a network learns, and the buttons."""

from __future__ import annotations

import itertools
import threading

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import Trainer, TrainingView, edit_gradients
from cnnwidgets.views.training import pace
from tests.widgets.conftest import bars, control, expected, hooks, levels, said, steps, tiny, titled


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
    monkeypatch.setattr(pace, "SHARE", 0)
    monkeypatch.setattr(pace, "APART", 0.0)


def button(view, text):
    return control(view, text, W.Button)


def shown_now(view):
    """Whether the grid shows the maps that the model makes as it is now."""
    image = view.trainer.valid_loader.dataset[view.index][0]
    return np.array_equal(view.panel("maps").drawn(), expected(view.trainer.model, image, view.layer))


def curves(view, key):
    """Places and values of both lines of a chart: of the training, and of the validation."""
    return [(line.x.tolist(), line.y.tolist()) for line in view.panel(key).curves.lines]


def test_before_the_training_it_shows_the_maps_of_the_new_network(view):
    assert levels(view).shape == (16, 33)
    assert shown_now(view)
    assert "not yet trained" in titled(view)
    assert "none yet" in said(view.panel("progress"))


def test_a_training_in_a_cell_is_shown_at_its_end(view, trainer):
    trainer.train(2)
    assert shown_now(view)
    assert "after 6 steps" in titled(view)
    assert "Progress · done epoch 2 of 2 done batch 3 of 3" in said(view.panel("progress"))
    losses = [step.loss for step in trainer.history.steps]
    assert curves(view, "loss")[0][1] == losses
    assert curves(view, "loss")[1][1] == [epoch.valid_loss for epoch in trainer.history.epochs]
    assert curves(view, "accuracy")[1][0] == [1.0, 2.0]


def test_each_step_is_drawn_where_there_is_time(view, trainer, every_step):
    drawn = []
    trainer.listeners.append(lambda step: drawn.append(shown_now(view)))
    trainer.train(1)
    assert drawn == [True] * 3


def test_after_a_drawing_the_training_is_undisturbed_for_50_times_as_long(view, trainer, monkeypatch):
    clock = Clock(tick=1.0)  # a step takes a second, since it looks once; a drawing takes two
    monkeypatch.setattr(pace, "time", clock)
    drawn = []
    draw = view.render
    monkeypatch.setattr(view, "render", lambda: (draw(), clock.monotonic(), drawn.append(len(trainer.history.steps))))
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
    assert "paused" in view.panel("progress").heading
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
    assert "stopped" in view.panel("progress").heading


def test_a_layer_that_is_chosen_in_a_pause_is_drawn_at_once(view, trainer):
    def pause(step):
        trainer.pause()
        view.layer, view.index = "conv", 2
        drawn.append((view.layer_row.name, shown_now(view)))
        trainer.resume()

    drawn = []
    trainer.listeners.append(pause)
    trainer.train(1)
    assert drawn == [("conv", True)] * 3


def test_a_layer_that_is_chosen_while_it_trains_is_drawn_after_the_step(view, trainer, passes, monkeypatch):
    monkeypatch.setattr(pace, "APART", 1e9)
    seen = []

    def choose(step):
        if step.step == 1:
            view.layer = "conv"
        seen.append(view.layer_row.name)

    trainer.listeners.append(choose)
    trainer.train(1)
    assert seen == ["pool", "pool", "conv"]


def test_the_axis_is_switched_without_a_pass(view, trainer, passes):
    trainer.train(1)
    passes()
    view.log = True
    assert (view.panel("loss").curves.log, view.panel("accuracy").curves.log) == (True, False)
    assert passes() == 0


def test_a_loss_that_is_no_number_is_reported_and_the_pictures_stay(view, trainer):
    batches = loader()
    batches[1] = (torch.full((2, 1, 4, 4), float("nan")), batches[1][1])
    trainer.set_loaders(batches, loader(1))
    view.train(1)
    with pytest.raises(FloatingPointError):
        trainer.wait(10)
    assert "The training stopped: the loss is nan at step 1" in view.error
    assert shown_now(view)
    trainer.set_loaders(loader())
    trainer.train(1)
    assert view.error == ""


def test_without_a_training_loader_the_button_says_what_is_missing(model):
    trainer = Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1))
    view = TrainingView(trainer, steps())
    button(view, "Train").click()
    assert "there is no training loader" in view.error
    with pytest.raises(ValueError, match="no training loader"):
        view.train(1)


def test_edited_gradients_stand_below_the_curves(view, trainer):
    with edit_gradients(trainer.model, "fc", scale=0.5):
        trainer.train(1)
        assert said(view.panel("gradients")).startswith("gradient of fc scaled by 0.5 its norm")
        assert view.static().panels[0][-1] is view.panel("gradients")
    view.refresh()
    with pytest.raises(LookupError, match="no panel 'gradients'"):
        view.panel("gradients")


def test_without_classes_there_is_no_chart_of_accuracy(model):
    trainer = Trainer(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.001), progress=False)
    trainer.set_loaders([(torch.ones(1, 1, 4, 4), torch.zeros(1, 3))])
    view = TrainingView(trainer, steps())
    trainer.train(1)
    assert [panel.key for panel in view.static().panels[0]] == ["progress", "loss"]
    trainer.history.load_state_dict({"steps": [], "epochs": []})
    view.refresh()
    assert [panel.key for panel in view.static().panels[0]] == ["progress", "loss", "accuracy"]


def test_the_static_picture_shows_all(view, trainer, tmp_path):
    trainer.train(1)
    light, dark = view.picture(), view.picture(dark=True)
    assert light.shape == dark.shape and light[0, 5].tolist() != dark[0, 5].tolist()
    assert ((light == (239, 138, 23)).all(2)).sum() > 20  # the validation
    assert view.save(tmp_path / "view.png").stat().st_size > 1000


def test_the_static_card_has_the_very_panels_of_the_page(view, trainer):
    trainer.train(1)
    (progress, loss, accuracy), maps, (image, classes) = view.static().panels
    shown = {"progress": progress, "loss": loss, "accuracy": accuracy, "maps": maps, "image": image}
    for key, panel in {**shown, "prediction": classes}.items():
        assert view.panel(key) is panel


def test_a_dark_picture_has_curves_for_a_dark_ground(view, trainer):
    trainer.train(1)
    loss = view.panel("loss")
    assert not np.array_equal(loss.drawn(), loss.drawn(dark=True))
    assert loss.drawn() is loss.drawn()  # drawn once, however often a card measures it


def test_what_the_display_changes_leaves_the_other_panels_as_they_are(view, trainer):
    trainer.train(1)
    before = {key: view.panel(key) for key in ("loss", "accuracy", "image", "prediction")}
    view.colormap = "magma"
    assert all(view.panel(key) is panel for key, panel in before.items())
    maps = view.panel("maps")
    view.log = True
    assert view.panel("maps") is maps and view.panel("image") is before["image"]


def test_the_prediction_is_that_of_the_weights_as_they_are_now(model, trainer, every_step):
    with torch.no_grad():
        model.fc.weight.mul_(0.01)  # scores near one another, which a few steps change
    view = TrainingView(trainer, layer="pool")
    image, before = view.panel("image"), bars(view.panel("prediction"))
    trainer.train(3)
    share = float(model(steps()[0][0][None]).detach().softmax(1)[0, 0])
    assert bars(view.panel("prediction"))["class 0"] == f"{100 * share:.1f} %" != before["class 0"]
    assert view.panel("image") is image


def test_refreshing_shows_images_that_were_changed_in_place(trainer):
    data = steps()
    view = TrainingView(trainer, data, layer="conv")
    before = view.panel("image").drawn()
    data[0] = (data[0][0].flip(2), 2)
    view.refresh()
    assert not np.array_equal(view.panel("image").drawn(), before)
    assert "label: 2" in titled(view)


def test_the_speed_stands_beside_the_scale_while_it_trains(view, trainer, every_step):
    assert view.status().startswith("scale: ") and "images/s" not in view.status()
    during = []
    trainer.listeners.append(lambda step: during.append(view.status()))
    trainer.train(1)
    assert all("scale: " in status and status.endswith("images/s") for status in during)
    assert "images/s" not in view.status()


def test_the_probe_images_are_those_of_the_loaders_unless_others_are_given(model, trainer):
    assert len(TrainingView(trainer).subject.items) == 6
    assert len(TrainingView(trainer, steps(2)).subject.items) == 2
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
