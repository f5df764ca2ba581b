"""A quicker copy: the same numbers without BatchNorm, and none where that cannot be."""

from __future__ import annotations

import pytest
import torch
from torch import fx, nn

from cnnwidgets import occlusion
from cnnwidgets.compute.scoring.folding import agrees, folded

IMAGE = torch.linspace(-1, 1, 3 * 12 * 12).reshape(1, 3, 12, 12)


SEEN: list[type] = []


class Net(nn.Module):
    """Notes in a global variable what it was given: a look writes nothing to the instance, nor to its class."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)
        SEEN.clear()

    def forward(self, x):
        SEEN.append(type(x))
        return self.fc(self.norm(self.first(x)).relu().mean((2, 3)))


class Deceiving(Net):
    """Twice as much when it is traced: a copy of it gives something else."""

    def forward(self, x):
        return super().forward(x) * (2 if isinstance(x, fx.Proxy) else 1)


class Branching(Net):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


def norm_of(model):
    """Statistics and weights that matter: mean 1, variance 4, weight 3, bias 5."""
    norm = model.norm
    for tensor, number in ((norm.running_mean, 1), (norm.running_var, 4), (norm.weight, 3), (norm.bias, 5)):
        nn.init.constant_(tensor, number)
    return model.eval()


def test_the_convolution_takes_over_factor_and_summand():
    model = norm_of(Net())
    quick = folded(model)
    factor = 3 / (4 + 1e-5) ** 0.5
    assert torch.allclose(quick.first.weight, model.first.weight * factor)
    assert torch.allclose(quick.first.bias, (model.first.bias - 1) * factor + 5)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in quick.modules())
    assert torch.allclose(quick(IMAGE), model(IMAGE), rtol=1e-5)


def test_the_copy_shares_every_weight_that_is_not_folded(watched):
    model = norm_of(Net())
    before = watched(model)
    quick = folded(model)
    assert quick.fc.weight is model.fc.weight and quick.first.weight is not model.first.weight
    del before["torch's random state"]
    after = watched(model)
    assert {key: after[key] for key in before if "attributes" not in key} == {
        key: value for key, value in before.items() if "attributes" not in key
    }


def test_there_is_no_copy_without_batchnorm_with_hooks_or_where_tracing_fails():
    assert folded(nn.Sequential(nn.Conv2d(3, 2, 1)).eval()) is None
    assert folded(norm_of(Branching())) is None
    hooked = norm_of(Net())
    hooked.first.register_forward_hook(lambda part, args, output: output + 1)
    assert folded(hooked) is None


def test_the_copy_runs_the_many_places_and_the_network_the_first_frame():
    model = norm_of(Net())
    occlusion(model, IMAGE, window=2, stride=1, batch_size=11)
    passes = SEEN.count(torch.Tensor)
    # 122 images in batches of 11 would be 12 passes; those after the first frame run the copy
    assert 0 < passes <= 3


def test_a_copy_that_gives_something_else_is_not_used():
    model = norm_of(Deceiving())
    assert not agrees(folded(model)(IMAGE), model(IMAGE))
    found = occlusion(model, IMAGE, window=2, stride=1, target=1)
    hidden = IMAGE.clone()
    hidden[:, :, 5:7, 4:6] = 0
    assert torch.allclose(found.scores[0, 5, 4], model(hidden)[0, 1], atol=1e-6)


def test_a_network_that_cannot_take_channels_last_gets_a_copy_that_need_not(capsys):
    class Viewing(Net):
        def forward(self, x):
            SEEN.append(type(x))
            maps = self.norm(self.first(x)).relu()
            return self.fc(maps.view(-1, 400).view(-1, 4, 100).mean(2))

    model = norm_of(Viewing())
    found = occlusion(model, IMAGE, window=2, stride=1, target=1, batch_size=11)
    assert SEEN.count(torch.Tensor) <= 4  # one of them the refusal; the other places run the copy
    assert torch.allclose(found.unoccluded, model(IMAGE)[:, 1])
    quick = folded(model)
    with pytest.raises(RuntimeError, match="view"):
        quick(IMAGE)
    assert capsys.readouterr().err == ""  # fx itself would print there


def test_networks_that_are_and_are_not_folded_give_the_same_map():
    model = norm_of(Net())
    found = occlusion(model, IMAGE, window=2, stride=1)
    model.first.register_forward_hook(lambda part, args, output: None)
    assert torch.allclose(found.scores, occlusion(model, IMAGE, window=2, stride=1).scores, rtol=1e-5)


def test_agreement_is_to_a_hundred_thousandth_of_the_largest_value():
    wanted = torch.tensor([100.0, 1.0])
    assert agrees(wanted + 0.0009, wanted)
    assert not agrees(wanted + 0.0011, wanted)
    assert not agrees(wanted * torch.nan, wanted)
    assert not agrees(wanted[:1], wanted)
