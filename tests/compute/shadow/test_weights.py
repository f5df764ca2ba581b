"""What a forward pass writes in place to weights, by whatever way, does not reach the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import activations, occlusion
from cnnwidgets.compute.shadow import looking
from cnnwidgets.compute.shadow.weights import is_rewritten


class Writer(nn.Module):
    """A convolution with weight 1 that is written to before each pass."""

    def __init__(self, write):
        super().__init__()
        self.conv, self.write = nn.Conv2d(1, 1, 1, bias=False), write
        self.scale = nn.Parameter(torch.ones(2))
        self.view = self.conv.weight.data.view(-1)
        nn.init.ones_(self.conv.weight)

    def forward(self, x):
        with torch.no_grad():
            self.write(self)
        return self.conv(x)


class Special(nn.Parameter):
    """A weight of a class of its own, whose memory cannot be shared from outside."""


def double_in_numpy(model):
    values = np.asarray(model.conv.weight.detach())
    values *= 2


WRITES = {
    "data": lambda model: model.conv.weight.data.mul_(2),
    "parameter": lambda model: model.conv.weight.mul_(2),
    "operator": lambda model: model.conv.weight.__imul__(2),
    "item": lambda model: model.conv.weight.__setitem__(0, 2),
    "copy": lambda model: model.conv.weight.copy_(model.conv.weight * 2),
    "view": lambda model: model.conv.weight.view(-1)[:1].fill_(2),
    "kept view": lambda model: model.view.mul_(2),
    "foreach": lambda model: torch._foreach_mul_([model.scale, model.conv.weight], 2),
    "out": lambda model: torch.mul(model.conv.weight, 2, out=model.conv.weight),
    "initialisation": lambda model: nn.init.constant_(model.conv.weight, 2),
    "numpy": double_in_numpy,
    "numpy()": lambda model: model.conv.weight.data.numpy().fill(2),
    "inference": torch.inference_mode()(lambda model: model.conv.weight.data.mul_(2)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_weights_that_forward_writes_to_stay_and_the_look_shows_what_was_written(write):
    model, image = Writer(write), torch.ones(1, 1, 1, 1)
    for layers in ("conv", None, None):
        found = activations(model, image, layers)
        assert (found if layers else found["conv"]).item() == 2
        assert (model.conv.weight.item(), model.view.item(), model.scale.tolist()) == (1, 1, [1, 1])
    assert model.view.data_ptr() == model.conv.weight.data_ptr()
    model(image)
    assert model.conv.weight.item() == 2


BOUNDS = {
    "parameter": lambda model: model.conv.weight.clamp_(-2, 2),
    "detached": lambda model: model.conv.weight.detach().clamp_(max=2),
    "kept view": lambda model: model.view.clamp_(max=2),
    "foreach": lambda model: torch._foreach_clamp_max_([model.scale, model.conv.weight], 2),
    "out": lambda model: torch.clamp(model.conv.weight, max=2, out=model.conv.weight),
    "masked": lambda model: model.conv.weight.masked_fill_(model.conv.weight > 2, 2),
    "norm": lambda model: torch.renorm(model.conv.weight, 2, 0, 2, out=model.conv.weight),
    "inference": torch.inference_mode()(lambda model: model.conv.weight.clamp_(max=2)),
}


@pytest.mark.parametrize(
    ("bound", "kind"),
    [(bound, nn.Parameter) for bound in BOUNDS] + [(bound, Special) for bound in BOUNDS if bound != "kept view"],
)
def test_a_bound_that_changes_no_weight_until_a_training_does_not_reach_the_model_then(bound, kind):
    model, image = Writer(BOUNDS[bound]), torch.ones(1, 1, 1, 1)
    if kind is Special:
        model.conv.weight = Special(torch.ones(1, 1, 1, 1))
    for _ in range(2):
        assert activations(model, image)["conv"].item() == 1
    model.conv.weight.data.fill_(3)
    for layers in ("conv", None):
        found = activations(model, image, layers)
        assert (found if layers else found["conv"]).item() == pytest.approx(2)
        assert model.conv.weight.item() == 3


def test_the_memory_of_the_model_holds_nothing_else_during_a_look_and_is_shared_where_no_look_writes():
    model, seen = Writer(WRITES["data"]), []
    numbers = model.conv.weight.detach().numpy()
    model.conv.register_forward_hook(lambda *_: seen.append(numbers.item()))
    for _ in range(2):
        activations(model, torch.ones(1, 1, 1, 1))
    assert seen == [1, 1]
    assert is_rewritten(model.conv.weight) and not is_rewritten(model.scale)
    with looking(model) as shadow:
        assert shadow.conv.weight.data_ptr() != model.conv.weight.data_ptr()
        assert shadow.view.data_ptr() == shadow.conv.weight.data_ptr()
        assert shadow.scale.data_ptr() == model.scale.data_ptr()


def test_a_write_that_begins_when_a_setting_changes_does_not_reach_the_model():
    model, image = Writer(lambda copy: copy.conv.weight.data.mul_(copy.factor)), torch.ones(1, 1, 1, 1)
    model.write, model.factor = (lambda copy: copy.factor != 1 and copy.conv.weight.data.mul_(copy.factor)), 1
    activations(model, image)
    assert not is_rewritten(model.conv.weight)
    model.factor = 3
    assert activations(model, image, "conv").item() == 3
    assert model.conv.weight.item() == 1


def test_a_stopped_pass_does_not_vouch_for_the_rest_of_the_network():
    model, image = nn.Sequential(nn.Conv2d(1, 1, 1), Writer(WRITES["data"])), torch.ones(1, 1, 1, 1)
    activations(model, image, "0")
    activations(model, image, "0")
    activations(model, image)
    assert model[1].conv.weight.item() == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_after_the_write_does_not_keep_it(error):
    model = Writer(WRITES["data"])
    with pytest.raises(error), looking(model) as shadow:
        shadow(torch.ones(1, 1, 1, 1))
        raise error
    assert model.conv.weight.item() == 1 and shadow.__dict__ == {}


def test_an_embedding_that_renormalises_its_rows_keeps_them():
    class Places(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.rows = nn.Conv2d(1, 1, 1), nn.Embedding(2, 1, max_norm=1.0)
            nn.init.constant_(self.rows.weight, 5)

        def forward(self, x):
            return self.conv(x) * self.rows(torch.tensor([0])).sum()

    model = Places()
    for _ in range(2):
        activations(model, torch.ones(1, 1, 1, 1))
    assert model.rows.weight.tolist() == [[5], [5]]


def test_statistics_that_are_parameters_are_not_moved():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)
            self.mean, self.var = (nn.Parameter(torch.full((1,), 2.0), requires_grad=False) for _ in range(2))

        def forward(self, x):
            return nn.functional.batch_norm(self.conv(x), self.mean, self.var, training=True)

    model = Normed()
    activations(model, torch.rand(1, 1, 2, 2))
    assert (model.mean.item(), model.var.item()) == (2, 2)


def test_weights_in_one_memory_are_in_one_memory_of_the_shadow_too():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.flat = nn.Parameter(torch.ones(2))
            self.first, self.second = nn.Parameter(self.flat.data[:1]), nn.Parameter(self.flat.data[1:])

        def forward(self, x):
            self.flat.data.mul_(2)
            return x * self.first + x * self.second

    model = Tied()
    for _ in range(3):
        assert activations(model, torch.ones(1, 1, 1, 1), "(output)").item() == 4
    assert model.flat.tolist() == [1, 1]


def test_buffers_that_share_memory_share_it_in_the_shadow():
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    model.register_buffer("all", torch.zeros(3))
    model.part = model.all[1:]
    with looking(model) as shadow:
        shadow.part.fill_(7)
        assert shadow.all.tolist() == [0, 7, 7]
    assert model.all.tolist() == [0, 0, 0]


def test_an_occlusion_map_leaves_weights_that_forward_clamps():
    model = nn.Sequential(Writer(WRITES["data"]), nn.BatchNorm2d(1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()
    occlusion(model, torch.rand(1, 1, 6, 6), target=0, window=2, stride=2, progress=False)
    assert model[0].conv.weight.item() == 1


def test_a_trace_that_writes_changes_nothing():
    from cnnwidgets import layer_table

    model = Writer(WRITES["data"])
    layer_table(model, torch.ones(1, 1, 1))
    assert model.conv.weight.item() == 1


def test_the_first_look_at_a_network_in_evaluation_mode_gives_the_numbers_of_the_later_ones():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Dropout()).eval()
    image = torch.rand(1, 1, 5, 5)
    first, second = activations(model, image), activations(model, image)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(list(first.values())[-1], model(image))


def test_weights_that_cannot_be_copied_are_restored_after_each_look():
    model, image = Writer(WRITES["data"]), torch.ones(1, 1, 1, 1)
    model.conv.weight, model.scale = Special(torch.ones(1, 1, 1, 1)), Special(torch.ones(2))
    for layers in ("conv", None, None, "conv"):
        found = activations(model, image, layers)
        assert (found if layers else found["conv"]).item() == 2
        assert model.conv.weight.item() == 1
    assert is_rewritten(model.conv.weight) and not is_rewritten(model.scale)
