"""Each kind of edit is, to the bit, what a hook written by hand does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw

IMAGES = torch.rand(3, 3, 12, 10, generator=torch.Generator().manual_seed(1))
OTHER = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True)),
        nn.Conv2d(6, 4, 3),
        nn.Flatten(),
        nn.Linear(4 * 8 * 6, 5),
    ).eval()


def by_hand(model, layer, change):
    """The output with a hook that changes a copy of the layer's output in place."""

    def hook(part, args, output):
        copy = output.clone()
        change(copy)
        return copy

    handle = model.get_submodule(layer).register_forward_hook(hook)
    try:
        return model(IMAGES)
    finally:
        handle.remove()


def set_to(index, number):
    def change(copy):
        copy[index] = number

    return change


def scaled(copy):
    copy[:, [0, 5]] *= -0.3


def clamped(copy):
    copy[:, :, 1:3, 2:7] = copy[:, :, 1:3, 2:7].clamp(0.1, 0.2)


def noisy(copy):
    copy[:, [1, 2]] += 0.5 * torch.randn(3, 2, 10, 8, generator=torch.Generator().manual_seed(0))


def meant(copy):
    copy[:, [2]] = copy.mean((0, 2, 3), keepdim=True)[:, [2]].expand(3, 1, 10, 8)


def added(copy):
    copy += torch.arange(6.0).reshape(1, 6, 1, 1)


def added_to_two(copy):
    copy[:, [4, 1]] += torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)


def absolute(copy):
    copy[:, [3]] = copy[:, [3]].square()


EDITS = [
    (cw.Ablate(), set_to((), 0)),
    (cw.Ablate(channels=[3, 5]), set_to((slice(None), [3, 5]), 0)),
    (cw.Ablate(2.5, channels=1), set_to((slice(None), 1), 2.5)),
    (cw.Ablate("mean", channels=2), meant),
    (cw.Ablate(9, units=[(0, 1, 2), (5, 9, 7)]), set_to((slice(None), [0, 5], [1, 9], [2, 7]), 9)),
    (cw.Ablate(9, units=(4, 0, 0)), set_to((slice(None), 4, 0, 0), 9)),
    (cw.Ablate(channels=[0, 1], region=(2, 3, 5, 8)), set_to((slice(None), [0, 1], slice(2, 5), slice(3, 8)), 0)),
    (cw.Scale(-0.3, channels=[0, 5]), scaled),
    (cw.Scale(1.7), lambda copy: copy.mul_(1.7)),
    (cw.Add(torch.arange(6.0)), added),
    (cw.Add(torch.tensor([1.0, 2.0]), channels=[4, 1]), added_to_two),
    (cw.Add(0.25), lambda copy: copy.add_(0.25)),
    (cw.Clamp(0.1, 0.2, region=(1, 2, 3, 7)), clamped),
    (cw.Clamp(high=0.3), lambda copy: copy.clamp_(max=0.3)),
    (cw.Noise(0.5, channels=[1, 2]), noisy),
    (cw.Apply(torch.square, channels=3), absolute),
]


@pytest.mark.parametrize(("edit", "change"), EDITS, ids=lambda value: getattr(value, "words", ""))
def test_an_edit_is_what_a_hook_by_hand_does_to_the_bit(model, edit, change):
    expected, before = by_hand(model, "0", change), model(IMAGES)
    with cw.intervene(model, {"0": edit}) as intervention:
        assert torch.equal(model(IMAGES), expected)
        assert torch.equal(cw.activations(model, IMAGES, "3"), expected)
    assert intervention.count > 0
    assert torch.equal(model(IMAGES), before) and not torch.equal(before, expected)


def test_a_layer_takes_the_values_it_has_for_another_image(model):
    value = model[0](OTHER).detach()
    for edit in (cw.Replace(image=OTHER[0]), cw.Replace(value), cw.Replace(value[0])):
        with cw.intervene(model, {"0": edit}):
            assert torch.equal(model(IMAGES), model[1:](value).expand(3, 5)) or torch.allclose(
                model(IMAGES), model[1:](value).expand(3, 5), atol=1e-6
            )
    with cw.intervene(model, {"0": cw.Replace(image=OTHER, channels=[2])}):
        assert torch.equal(model(IMAGES), by_hand(model, "0", set_to((slice(None), 2), value[:, 2])))


def test_the_mean_over_given_images_is_taken_once_over_all_of_them(model):
    mean = model[0](torch.cat([IMAGES, OTHER])).double().mean((0, 2, 3)).float()
    with cw.intervene(model, {"0": cw.Ablate("mean", images=torch.cat([IMAGES, OTHER]), channels=4)}):
        assert torch.equal(model(IMAGES), by_hand(model, "0", set_to((slice(None), 4), mean[4])))
        assert cw.activations(model, IMAGES[:1], "0")[0, 4].unique().tolist() == [mean[4].item()]


def test_an_image_under_the_mean_of_the_batch_is_occluded_alone(model):
    alone = cw.occlusion(model, IMAGES[:1], target=2, window=6, progress=False)
    with cw.intervene(model, {"0": cw.Ablate("mean")}):
        edited = cw.occlusion(model, IMAGES[:1], target=2, window=6, progress=False)
        whole = model(IMAGES[:1])[0, 2]
    assert torch.allclose(edited.unoccluded[0], whole)
    assert not torch.allclose(edited.scores, alone.scores)


def test_several_edits_of_a_layer_follow_each_other_as_listed(model):
    with cw.intervene(model, {"1": [cw.Scale(2.0), cw.Add(1.0)]}):
        first = cw.activations(model, IMAGES, "1")
    with cw.intervene(model, {"1": [cw.Add(1.0), cw.Scale(2.0)]}):
        other = cw.activations(model, IMAGES, "1")
    plain = cw.activations(model, IMAGES, "1")
    assert torch.equal(first, plain * 2 + 1)
    assert torch.equal(other, (plain + 1) * 2)


def test_tokens_and_features_are_edited_where_the_channels_are_last():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.Flatten(2), Turned(), nn.LayerNorm(4), nn.Linear(4, 8))
    images = torch.rand(2, 3, 16, 12)
    plain = cw.activations(model, images, "4")
    with cw.intervene(model, {"4": cw.Ablate(tokens=[0, 11], channels=[1, 7])}):
        found = cw.activations(model, images, "4")
    expected = plain.clone()
    for token in (0, 11):
        for feature in (1, 7):
            expected[:, token, feature] = 0
    assert plain.shape == (2, 12, 8) and torch.equal(found, expected)


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class Sums(nn.Module):
    """A linear layer of hand: y = (x0 + x1, x0 - x1)."""

    def __init__(self):
        super().__init__()
        self.sums = nn.Linear(2, 2, bias=False)
        self.sums.weight.data = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        self.out = nn.Linear(2, 1, bias=False)
        self.out.weight.data = torch.tensor([[10.0, 100.0]])

    def forward(self, x):
        return self.out(self.sums(x))


@pytest.mark.parametrize(
    ("edit", "number"),
    [
        (cw.Ablate(channels=0), 100.0),  # sums of (2, 1) are 3 and 1
        (cw.Ablate(channels=1), 30.0),
        (cw.Ablate(-1), -110.0),
        (cw.Scale(3, channels=1), 330.0),
        (cw.Add(torch.tensor([1.0, -1.0])), 40.0),
        (cw.Clamp(high=2), 120.0),
        (cw.Replace(torch.tensor([0.0, 5.0])), 500.0),
        (cw.Replace(image=torch.tensor([[0.0, 4.0]]), channels=[0]), 140.0),
    ],
)
def test_the_numbers_are_those_that_a_hand_works_out(edit, number):
    model, x = Sums(), torch.tensor([[2.0, 1.0]])
    with cw.intervene(model, {"sums": edit}):
        assert model(x).item() == number
    assert model(x).item() == 130.0


def test_gradients_go_through_an_edit():
    model, x = Sums(), torch.tensor([[2.0, 1.0]], requires_grad=True)
    with cw.intervene(model, {"sums": [cw.Scale(3, channels=0), cw.Ablate(channels=1)]}):
        model(x).sum().backward()
    assert x.grad.tolist() == [[30.0, 30.0]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cw.Ablate("median"), "'zero', 'mean', a number"),
        (lambda: cw.Ablate(float("nan")), "finite number"),
        (lambda: cw.Ablate(images=IMAGES), "need value='mean'"),
        (lambda: cw.Ablate(channels=[]), "channels must be whole numbers"),
        (lambda: cw.Ablate(channels=-1), "from 0 on"),
        (lambda: cw.Ablate(channels="3"), "channels must be"),
        (lambda: cw.Ablate(region=(0, 0, 0, 5)), "the last two exclusive"),
        (lambda: cw.Ablate(units=[(0, 1), (0, 1, 2)]), "of one length"),
        (lambda: cw.Ablate(units=[(0, 1)], channels=3), "give them alone"),
        (lambda: cw.Scale("2"), "factor must be a finite number"),
        (lambda: cw.Clamp(), "low, high or both"),
        (lambda: cw.Clamp(2, 1), "low must not be above high"),
        (lambda: cw.Noise(-1), "std must be 0 or more"),
        (lambda: cw.Replace(), "a value for the layer, or an image"),
        (lambda: cw.Replace(3.0), "Ablate takes a number"),
        (lambda: cw.Apply(3), "fn must be a function"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_when_it_is_made(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_channels_may_come_from_an_iterator():
    edit = cw.Ablate(channels=(number for number in (1, 2)))
    assert (edit.channels, edit.selection.words, edit.selection.words) == ((1, 2), "channels 1, 2", "channels 1, 2")
