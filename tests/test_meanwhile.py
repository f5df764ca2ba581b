"""Looks while something of ours is on a model, or beside it: they run on a shadow, and it trains like its twin."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.occlusion import Occluder
from cnnwidgets.training.loop import fit
from cnnwidgets.training.recording import lightning_callback

STEPS = 3


class Remembering(nn.Module):
    """Takes from each batch the mean of the batch before, as networks with a memory do, and lists what it was given."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2, 2)
        self.memory, self.batches = {"mean": torch.zeros(2)}, []

    def forward(self, images):
        means = F.relu(self.conv(images)).mean((2, 3))
        centred = means - self.memory["mean"]
        self.memory["mean"] = means.detach().mean(0)
        self.batches.append(len(images))
        return self.head(centred)


class Trained(Remembering):
    """Belongs to a trainer, as LightningModules do: copies of it are without."""

    trainer = None

    def __getstate__(self):
        return {**vars(self), "trainer": None}


PROBES = torch.arange(50.0).reshape(2, 1, 5, 5) / 50
DATA = [(torch.arange(100.0).reshape(4, 1, 5, 5).sin() + step, torch.tensor([0, 1, 1, 0])) for step in range(STEPS)]


def optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def step_by_step(model):
    """A plain loop; yields after each step."""
    chosen = optimizer(model)
    for number, (images, targets) in enumerate(DATA):
        chosen.zero_grad()
        F.cross_entropy(model(images), targets).backward()
        chosen.step()
        yield number


def look(model):
    cw.activations(model, PROBES)
    cw.occlusion(model, PROBES, window=3, stride=2, progress=False)
    cw.attributions(model, PROBES)


@contextmanager
def recorder(model, **options):
    with cw.Recorder(model, ["conv", "head"], PROBES, every=1, **options) as made:
        yield lambda number: made.step(0, number, of=STEPS)
    assert (len(made.recording.frames), made.notes) == (STEPS + 1, [])
    if options.get("gradients"):
        assert made.recording.gradients(STEPS, "conv").shape == (2, 3, 3)
    if options.get("inputs"):
        assert torch.equal(made.recording.inputs(STEPS), DATA[-1][0][0])


@contextmanager
def held_recorder(model):
    """The recorder stands in an attribute of its model, and a hook of the user refers to it."""
    with cw.Recorder(model, "conv", PROBES, every=1, gradients=True) as model.recorder:
        inside = model.recorder
        handle = model.conv.register_forward_hook(lambda *_: None if inside.steps >= 0 else 0)
        yield lambda number: model.recorder.step(0, number, of=STEPS)
        handle.remove()
    assert (len(inside.recording.frames), inside.notes) == (STEPS + 1, [])
    del model.recorder


@contextmanager
def callback(model):
    """As Lightning has it: the module knows the trainer, whose parts call one another and hold the module."""
    recorder = cw.Recorder(model, "conv", PROBES, every=1, inputs=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "lightning", SimpleNamespace())
        patch.setitem(sys.modules, "lightning.pytorch", SimpleNamespace(Callback=object))
        made = lightning_callback(recorder)
    trainer = SimpleNamespace(num_training_batches=STEPS, current_epoch=0, callbacks=[made], lightning_module=model)
    trainer.before_batch = Loop(trainer).before_batch
    model.trainer = trainer
    made.on_train_start(trainer, model)
    yield lambda number: made.on_train_batch_end(trainer, model, {"loss": torch.zeros(())}, None, number)
    made.on_train_end(trainer, model)
    assert (len(recorder.recording.frames), recorder.notes) == (STEPS + 1, [])
    model.trainer = None


class Loop:
    def __init__(self, trainer):
        self.trainer = trainer

    def before_batch(self):
        return self.trainer.lightning_module


@contextmanager
def edited(model):
    with cw.edit_gradients(model, "conv", scale=1.0) as model.edits:
        yield lambda number: None
    assert model.edits.count == STEPS
    del model.edits


@contextmanager
def captured(model):
    with cw.capture(model, "conv") as found:
        yield lambda number: None
    assert found.calls["conv"] == STEPS  # those of the training, and none of a look


@contextmanager
def occluder(model):
    model.occluder = Occluder(model, PROBES, window=3, stride=2)
    yield lambda number: model.occluder.step(0.0)
    del model.occluder


@contextmanager
def views(model):
    data = [(image, 0) for image in PROBES]
    model.view, other = cw.ActivationView(model, data, layer="conv"), cw.OcclusionView(model, data, window=3, stride=2)
    yield lambda number: [view.set_trait("index", number % 2) for view in (model.view, other)]
    model.view.close()
    other.close()
    del model.view


SITUATIONS = {
    "recorder": recorder,
    "recorder of gradients": lambda model: recorder(model, gradients=True),
    "recorder of inputs": lambda model: recorder(model, inputs=True),
    "recorder of all": lambda model: recorder(model, gradients=True, inputs=True, weights=True),
    "recorder in an attribute": held_recorder,
    "callback of a trainer": callback,
    "edits": edited,
    "capture": captured,
    "occluder in an attribute": occluder,
    "views": views,
}


@pytest.fixture
def twin():
    return trained(Trained)


def trained(kind):
    torch.manual_seed(0)
    model = kind()
    for _ in step_by_step(model):
        pass
    return model


@pytest.mark.parametrize("names", [*([name] for name in SITUATIONS), ["recorder of all", "edits", "capture", "views"]])
def test_a_model_that_is_looked_at_meanwhile_trains_like_its_twin(names, twin):
    torch.manual_seed(0)
    model = Trained()
    with ExitStack() as stack:
        steps = [stack.enter_context(SITUATIONS[name](model)) for name in names]
        for number in step_by_step(model):
            for step in steps:
                step(number)
            look(model)
    check(model, twin)


def check(model, twin):
    assert model.batches == twin.batches == [4] * STEPS
    assert torch.equal(model.memory["mean"], twin.memory["mean"])
    assert all(map(torch.equal, model.parameters(), twin.parameters()))
    assert vars(model).keys() - {"trainer"} == vars(twin).keys()
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


@pytest.mark.parametrize("watched", [False, True])
def test_our_own_trainer_and_its_view_train_like_a_twin_too(watched):
    def run(looked):
        torch.manual_seed(0)
        model = Remembering()
        trainer = cw.Trainer(model, F.cross_entropy, optimizer(model), progress=False)
        trainer.set_loaders(DATA)
        with ExitStack() as stack:
            if looked:
                model.trainer = trainer
                view = cw.TrainingView(trainer, [(image, 0) for image in PROBES], layer="conv")
                if watched:
                    stack.enter_context(cw.Recorder(model, "conv", PROBES, gradients=True, inputs=True))
                look(model)
            trainer.train(1, progress=False)
            if looked:
                look(model)
                view.close()
                del model.trainer
        return model

    check(run(True), run(False))


def test_looks_between_the_steps_of_fit_leave_the_training_as_it_was(twin):
    torch.manual_seed(0)
    model = Trained()
    with cw.edit_gradients(model, "head", scale=1.0):
        for _ in fit(model, DATA, F.cross_entropy, optimizer(model), n_epochs=1):
            look(model)
    check(model, twin)


@pytest.mark.filterwarnings("ignore:no gradient of layer 'conv' was edited")
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_look_meanwhile_shows_what_it_would_show_without(name):
    torch.manual_seed(0)
    model = Trained()
    plain = cw.activations(model, PROBES)
    with ExitStack() as stack:
        stack.enter_context(suppress(AssertionError, UserWarning))  # the training of the situation does not take place
        stack.enter_context(SITUATIONS[name](model))
        found = cw.activations(model, PROBES)
    assert all(torch.equal(found[layer], plain[layer]) for layer in plain)
