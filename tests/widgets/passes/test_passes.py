"""Views of one model share its passes, and never those of a model or an image that has changed."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, ConvolutionView, FilterView, ReceptiveFieldView
from cnnwidgets.widgets.passes import cache
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import steps, tiny


def test_a_second_view_of_the_same_model_and_data_runs_nothing(model, dataset, passes):
    one = ActivationView(model, dataset)
    one.index = 1
    ran = passes()
    two = ActivationView(model, dataset, layer="pool", index=1)
    two.index = 0
    assert (passes(), two.subject.passes) == (0, 0) and ran == one.subject.passes == 2
    assert torch.equal(two.maps, model[:2](dataset[0][0][None])[0])


@pytest.mark.parametrize("kind", [FilterView, ConvolutionView, ReceptiveFieldView])
def test_views_of_other_kinds_share_them_too(model, dataset, kind):
    one = ActivationView(model, dataset)
    two = kind(model, dataset, layer="conv")
    assert two.subject.at(0).table is one.table


def test_what_one_learns_the_other_knows(model, dataset, passes):
    one, two = ActivationView(model, dataset), ActivationView(model, dataset)
    passes()
    for index in (1, 2):
        one.index = index
        two.index = index
    assert passes() == 2


def changed(change):
    """A model and its data; the first number of the first map before and after the change, for a new view's eyes."""
    model, data = tiny(), steps()
    held = ActivationView(model, data, layer="conv")
    before = held.maps.clone()
    change(model, data)
    new = ActivationView(model, data, layer="conv")
    return before, new.maps, model(data[0][0][None]), new.subject.output(0, "fc")


CHANGES = {
    "weights behind torch's back": lambda model, data: model.conv.weight.data.mul_(3),
    "a hook": lambda model, data: model.conv.register_forward_hook(lambda *given: given[2] * 0 + 1),
    "the image in its place": lambda model, data: data[0][0].add_(1),
    "another image": lambda model, data: data.__setitem__(0, (torch.ones(1, 4, 4), 0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_new_view_sees_the_model_and_the_data_as_they_are_now(change):
    before, now, expected, found = changed(change)
    assert not torch.equal(before, now)
    assert torch.equal(found, expected[0])


def test_what_was_seen_while_a_hook_was_there_is_not_shown_afterwards(model, dataset):
    held = ActivationView(model, dataset, layer="conv")
    hook = model.conv.register_forward_hook(lambda *given: given[2] * 0)
    held.index = 1
    assert held.maps.abs().sum() == 0
    hook.remove()
    assert ActivationView(model, dataset, layer="conv", index=1).maps.abs().sum() > 0


def test_a_refreshed_view_has_the_others_look_anew(model, dataset, passes):
    one, two = ActivationView(model, dataset), ActivationView(model, dataset)
    passes()
    model.conv.weight.data.mul_(2)
    one.refresh()
    two.index = 1
    two.index = 0
    assert passes() == 2
    assert torch.equal(two.maps, one.maps)


def test_what_prepare_makes_of_an_item_is_not_shared(model, passes):
    data = [(torch.ones(1, 4, 4), k) for k in range(2)]
    views = [
        ActivationView(model, data, prepare=lambda item, factor=factor: factor * item[0][None]) for factor in (1, 2)
    ]
    assert torch.equal(2 * views[0].maps, views[1].maps)


def test_two_data_sets_share_only_where_their_images_are_equal(model, passes):
    one = Subject(model, steps())
    one.look(0), one.look(1)
    other = steps()
    other[1] = (torch.zeros(1, 4, 4), 1)
    two = Subject(model, other)
    two.look(0), two.look(1)
    assert two.passes == 1
    assert two.output(1, "conv").abs().sum() == 0


def test_all_views_together_stay_within_one_budget(monkeypatch):
    monkeypatch.setattr(cache.PROCESS, "least", 1000)
    others = cache.PROCESS.limit
    views = [ActivationView(tiny(), steps(), cache_bytes=1000) for _ in range(4)]
    for index in range(6):
        for view in views:
            view.index = index
            assert cache.PROCESS.bytes <= max(others, 1000)
            assert view.subject.outputs.bytes <= 1000
            expected = view.subject.model[:1](view.subject.items[index].image[None])[0]
            assert torch.equal(view.subject.output(index, "conv"), expected)


def test_the_outputs_go_with_the_last_view(model, dataset):
    gc.collect()
    before = cache.PROCESS.bytes
    one, two = ActivationView(model, dataset), ActivationView(model, dataset)
    held = cache.PROCESS.bytes
    assert held > before
    del one
    gc.collect()
    assert cache.PROCESS.bytes == held and two.index == 0
    del two
    gc.collect()
    assert cache.PROCESS.bytes <= before


class Unnamed(nn.Module):
    """A convolution, and an operation without a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.conv.weight.data.fill_(2.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(images))


class Configured(Unnamed):
    """Reads its factor from what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.options, self.out = {"factor": 1.0}, nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.out(self.conv(images) * self.options["factor"])


def test_a_new_view_sees_a_setting_that_lies_deeper_and_so_do_the_operations_of_an_old_one():
    model, images = Configured(), torch.ones(2, 1, 4, 4)
    old = ActivationView(model, images, layer="out")
    assert old.maps.unique().tolist() == [2] and old.subject.at(0).output("mul").mean() == 2
    model.options["factor"] = 9.0
    assert ActivationView(model, images, layer="out").maps.unique().tolist() == [18]
    assert old.subject.at(1).output("mul").mean() == 18
    old.refresh()
    assert old.maps.unique().tolist() == [18]


def test_operations_have_the_shapes_of_each_image():
    subject = Subject(Unnamed(), [torch.rand(1, side, side) for side in (4, 6, 4)])
    assert [subject.at(index).table["relu"].shape for index in (0, 1, 2)] == [(1, 4, 4), (1, 6, 6), (1, 4, 4)]
    assert subject.at(1).output("relu").shape == (1, 6, 6)
    other = Subject(subject.module, torch.rand(1, 1, 8, 8))  # which knows the passes of the first
    assert other.at(0).table["relu"].shape == (1, 8, 8)


def test_operations_are_of_the_modules_that_are_there_now():
    model = Unnamed()
    subject = Subject(model, torch.ones(2, 1, 4, 4))
    assert subject.at(0).output("relu").mean() == 2
    model.conv = nn.Conv2d(1, 3, 1, bias=False)
    model.conv.weight.data.fill_(5.0)
    assert subject.at(0).table["relu"].shape == (3, 4, 4)
    assert subject.at(1).output("relu").mean() == 5
