"""The loop as a generator: one record a step."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import nn

from cnnwidgets.compute.core.turns import alone
from cnnwidgets.training.loop.loop import accuracy_of, evaluate, fit, pair
from cnnwidgets.training.loop.trainer import Trainer


@pytest.fixture
def optimizer(line):
    return torch.optim.SGD(line.parameters(), lr=0.25)


def test_each_step_is_what_a_hand_works_out(line, batches, optimizer):
    steps = fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1)
    first = next(steps)
    assert (first.epoch, first.batch, first.batches, first.step) == (0, 0, 2, 0)
    assert (first.loss, first.accuracy, first.examples, first.lr) == (1.0, None, 1, 0.25)
    assert line[0].weight.item() == 0.5
    assert line[0].weight.grad.item() == 2.0  # still there for whoever wants to see it
    second = next(steps)
    assert (second.batch, second.step, second.loss) == (1, 1, 1.0)
    assert (line[0].weight.item(), line[0].weight.grad.item()) == (-0.5, 4.0)  # the gradients were not added up
    assert next(steps, None) is None


def test_nothing_runs_between_two_records(line, batches, optimizer):
    steps = fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1)
    assert line[0].weight.item() == 1.0
    next(steps)
    taken = []

    def take():
        with alone(line):
            taken.append(line[0].weight.item())

    thread = threading.Thread(target=take)  # the generator has let go of the model
    thread.start()
    thread.join(10)
    assert taken == [0.5]


def test_epochs_and_steps_are_counted_on_from_the_start(line, batches, optimizer):
    steps = list(fit(line, batches[:1], nn.MSELoss(), optimizer, n_epochs=2, start=(3, 1, 7)))
    assert [(step.epoch, step.batch, step.step) for step in steps] == [(3, 1, 7), (4, 0, 8)]


def test_a_loader_without_a_length_is_gone_through_as_well(line, batches, optimizer):
    class Endless(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield from batches

    steps = list(fit(line, Endless(), nn.MSELoss(), optimizer, n_epochs=2))
    assert [step.batches for step in steps] == [None] * 4
    assert [step.batch for step in steps] == [0, 1, 0, 1]


def test_a_model_in_evaluation_mode_is_set_to_training_mode(line, batches, optimizer):
    line.eval()
    next(fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1))
    assert line.training and line[0].training


def test_a_module_that_stays_in_evaluation_mode_does_so(line, batches, optimizer):
    line[0].eval()
    list(fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1))
    assert line.training and not line[0].training


def test_the_scheduler_is_stepped_after_each_epoch(line, batches, optimizer):
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    steps = list(fit(line, batches, nn.MSELoss(), optimizer, n_epochs=2, scheduler=scheduler))
    assert [step.lr for step in steps] == [0.25, 0.25, 0.125, 0.125]
    assert optimizer.param_groups[0]["lr"] == 0.0625


def test_one_cycle_is_stepped_after_each_step(line, batches, optimizer):
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=4, anneal_strategy="linear")
    steps = list(fit(line, batches, nn.MSELoss(), optimizer, n_epochs=2, scheduler=scheduler))
    assert len({step.lr for step in steps}) == 4


def test_a_plateau_is_told_the_mean_loss_of_the_epoch(line, batches, optimizer):
    told = []
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    scheduler.step = told.append
    list(fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1, scheduler=scheduler))
    assert told == [1.0]


def test_a_loss_that_is_no_number_stops_before_the_weights_are_changed(line, batches, optimizer):
    batches[1] = (torch.tensor([[float("nan")]]), torch.zeros(1, 1))
    steps = fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1)
    next(steps)
    with pytest.raises(FloatingPointError, match=r"the loss is nan at step 1 \(epoch 0, batch 1\)"):
        next(steps)
    assert line[0].weight.item() == 0.5


def test_bad_input_is_named(line, batches, optimizer):
    with pytest.raises(ValueError, match="n_epochs must be 0 or more, not -1"):
        fit(line, batches, nn.MSELoss(), optimizer, n_epochs=-1)  # at once, not with the first record
    with pytest.raises(ValueError, match="the training loader gives no batch"):
        next(fit(line, [], nn.MSELoss(), optimizer, n_epochs=1))
    with pytest.raises(TypeError, match=r"a pair \(images, targets\), not a Tensor"):
        next(fit(line, [torch.zeros(1, 1)], nn.MSELoss(), optimizer, n_epochs=1))
    with pytest.raises(TypeError, match="not a tuple of 3"):
        next(fit(line, [(1, 2, 3)], nn.MSELoss(), optimizer, n_epochs=1))
    with pytest.raises(ValueError, match=r"one number, the mean over the batch, not \(2, 1\)"):
        two = [(torch.ones(2, 1), torch.zeros(2, 1))]
        next(fit(line, two, nn.MSELoss(reduction="none"), optimizer, n_epochs=1))


def test_a_loss_that_is_no_number_leaves_the_statistics_of_batch_norm_as_they_were():
    model = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    good, bad = torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [float("nan")]])
    steps = fit(model, [(good, torch.zeros(2, 1)), (bad, torch.zeros(2, 1))], nn.MSELoss(), optimizer, n_epochs=1)
    next(steps)
    with pytest.raises(FloatingPointError):
        next(steps)
    assert model[0].running_mean.item() == pytest.approx(0.2)  # a tenth of the mean 2 of the good batch
    assert model[0].num_batches_tracked.item() == 1


def test_examples_of_several_inputs_are_counted_and_moved():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, both):
            return self.scale * (both[0] + both[1])

    model = Sum()
    batch = ((torch.ones(5, 1), torch.ones(5, 1)), torch.zeros(5, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert next(fit(model, [batch], nn.MSELoss(), optimizer, n_epochs=1)).examples == 5
    (first, named), target = pair(([torch.ones(2), {"a": torch.ones(2)}], 7), torch.device("meta"))
    assert (first.device.type, named["a"].device.type, target) == ("meta", "meta", 7)


def test_what_is_no_loader_loss_or_optimizer_is_named(line, batches, optimizer):
    with pytest.raises(TypeError, match=r"n_epochs must be a whole number, not 1\.5"):
        fit(line, batches, nn.MSELoss(), optimizer, n_epochs=1.5)
    with pytest.raises(TypeError, match=r"must be a torch.optim.Optimizer, not NoneType"):
        fit(line, batches, nn.MSELoss(), None, n_epochs=1)
    with pytest.raises(TypeError, match="loss_fn must give a tensor of one number, not float"):
        next(fit(line, batches, lambda outputs, targets: 1.0, optimizer, n_epochs=1))
    with pytest.raises(TypeError, match=r"not a single \(image, label\)"):
        next(fit(line, [(torch.zeros(1, 2, 2), 3)], nn.MSELoss(), optimizer, n_epochs=1))
    with pytest.raises(ValueError, match="no batch in epoch 1: what can be gone through only once"):
        list(fit(line, iter(batches), nn.MSELoss(), optimizer, n_epochs=2))


def test_accuracy_counts_the_classes_that_were_named():
    scores = torch.tensor([[0.0, 2.0], [3.0, 1.0], [0.0, 1.0]])
    assert accuracy_of(scores, torch.tensor([1, 1, 1])) == pytest.approx(2 / 3)
    assert accuracy_of(scores, torch.rand(3, 2)) is None  # shares of classes
    assert accuracy_of(scores, torch.tensor([[1], [1], [1]])) is None
    maps = scores[:, :, None, None]  # a class for each pixel
    assert accuracy_of(maps, torch.tensor([1, 0, 0]).view(3, 1, 1)) == pytest.approx(2 / 3)


def test_evaluating_is_the_mean_over_examples_and_puts_every_mode_back(line):
    line.append(nn.Dropout(0.9))
    line[1].eval()
    loader = [(torch.ones(3, 1), torch.zeros(3, 1)), (torch.full((1, 1), 3.0), torch.zeros(1, 1))]
    score = evaluate(line, loader, nn.MSELoss())
    assert score == (3.0, None)  # (3 x 1 + 9) / 4
    assert [part.training for part in line.modules()] == [True, True, False]
    assert line[0].weight.grad is None


def test_evaluating_can_be_ended_between_two_batches(line, batches):
    calls = []
    assert evaluate(line, batches, nn.MSELoss(), between=lambda: calls.append(0)) is None
    assert len(calls) == 1
    assert line.training


# ---------------------------------------------------------------------- optimizers and images that do not fit


def test_an_optimizer_that_needs_a_closure_is_refused_before_the_first_step(line, batches):
    with pytest.raises(ValueError, match=r"LBFGS needs a closure.*Allowed: .* SGD or Adam"):
        fit(line, batches, nn.MSELoss(), torch.optim.LBFGS(line.parameters()), n_epochs=1)
    with pytest.raises(ValueError, match="LBFGS needs a closure"):
        Trainer(line, nn.MSELoss(), torch.optim.LBFGS(line.parameters()))
    assert line[0].weight.grad is None


def test_an_optimizer_of_another_model_is_refused(line, batches):
    other = torch.optim.Adam(copy.deepcopy(line).parameters())
    with pytest.raises(ValueError, match="Adam holds no weight of this Sequential, which would stay as it is"):
        fit(line, batches, nn.MSELoss(), other, n_epochs=1)
    with pytest.raises(ValueError, match="holds no weight"):
        Trainer(line, nn.MSELoss(), other)


def test_an_optimizer_may_hold_some_weights_of_the_model_or_those_of_the_loss_alone(line, batches):
    line.append(nn.Linear(1, 1))
    next(fit(line, batches, nn.MSELoss(), torch.optim.SGD(line[1].parameters(), lr=0.1), n_epochs=1))
    assert line[0].weight.item() == 1.0

    class Weighed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, outputs, targets):
            return self.weight * (outputs - targets).square().mean()

    loss = Weighed()
    next(fit(line, batches, loss, torch.optim.SGD(loss.parameters(), lr=0.1), n_epochs=1))
    assert loss.weight.item() < 1


class Bytes(nn.Module):
    """Takes images of bytes, 0 to 255."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.scale * x.float() / 255


def test_images_of_bytes_go_to_a_model_that_takes_them_as_they_are():
    model = Bytes()
    batch = (torch.full((1, 1), 255, dtype=torch.uint8), torch.zeros(1, 1))
    step = next(fit(model, [batch], nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), n_epochs=1))
    assert step.loss == 1.0


def test_a_model_that_takes_no_bytes_says_how_to_convert_them(line, optimizer):
    batch = (torch.full((1, 1), 255, dtype=torch.uint8), torch.zeros(1, 1))
    said = r"does not take images of bytes \(torch.uint8\).*images.float\(\) / 255"
    with pytest.raises(TypeError, match=said):
        next(fit(line, [batch], nn.MSELoss(), optimizer, n_epochs=1))
    with pytest.raises(TypeError, match=said):
        evaluate(line, [batch], nn.MSELoss())
    assert line[0].weight.item() == 1.0
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):  # other errors of the model are its own
        next(fit(line, [(torch.ones(1, 2), torch.zeros(1, 1))], nn.MSELoss(), optimizer, n_epochs=1))
