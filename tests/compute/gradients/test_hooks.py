"""Hooks of a training act on its model alone: copies, pickles and traces of it are free of them."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from cnnwidgets.compute.gradients import edit_gradients, watching
from cnnwidgets.compute.gradients.hooks import hooked


@pytest.fixture
def model():
    """x -> 2x -> 3x: the gradients of its weights for x = 1 are 3 and 2."""
    model = nn.Sequential(nn.Sequential(nn.Linear(1, 1, bias=False)), nn.Linear(1, 1, bias=False))
    nn.init.constant_(model[0][0].weight, 2.0)
    nn.init.constant_(model[1].weight, 3.0)
    return model


def tables(model):
    """How many entries the hook tables of a model have."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs")
    return sum(len(getattr(part, kind)) for part in model.modules() for kind in kinds)


def unpickled(model):
    return pickle.loads(pickle.dumps(model))


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = [copy.deepcopy, unpickled, saved, lambda model: AveragedModel(model).module]


@pytest.mark.parametrize("made", COPIES, ids=["deepcopy", "pickle", "torch.save", "AveragedModel"])
def test_a_copy_made_inside_the_block_is_free_of_hooks(model, made):
    with edit_gradients(model, "0.0", zero=True) as edits, watching(model, ["1"], images=True) as watched:
        copies = [made(model), made(model[0]), nn.Sequential(made(model[0]), made(model[1]))]
        assert [tables(one) for one in copies] == [0, 0, 0]
        copies[0](torch.ones(1, 1)).sum().backward()
        assert (edits.count, watched.image) == (0, None)
        model(torch.ones(1, 1)).sum().backward()
    assert [weight.grad.item() for weight in copies[0].parameters()] == [3, 2]
    assert [weight.grad.item() for weight in model.parameters()] == [0, 2]
    assert edits.count == 1


@pytest.mark.parametrize("made", COPIES, ids=["deepcopy", "pickle", "torch.save", "AveragedModel"])
def test_a_copy_keeps_the_hooks_of_the_user(model, made):
    own = [model[1].register_forward_hook(doubled), model[1].register_forward_pre_hook(halved, with_kwargs=True)]
    with watching(model, ["1"], images=True):
        later = model[1].register_forward_hook(doubled)
        inside = made(model)
    for one in (model, inside):
        assert tables(one) == 4  # two of results, one of inputs, and that this one takes keywords
        assert one(torch.ones(1, 1)).item() == 6 / 2 * 4
    for handle in (*own, later):
        handle.remove()
    assert tables(model) == 0


def doubled(layer, args, output):
    return 2 * output


def halved(layer, args, keywords):
    return (args[0] / 2,), keywords


def test_after_the_block_nothing_is_left_on_the_model_and_copies_are_as_before(model):
    tables_before = [vars(part._forward_hooks) for part in model.modules()]
    with watching(model, ["0.0", "1"], images=True), edit_gradients(model, "1", scale=2):
        model(torch.ones(1, 1)).sum().backward()
    assert tables(model) == 0
    assert [vars(part._forward_hooks) for part in model.modules()] == tables_before == [{}] * 4


def test_blocks_on_one_layer_end_in_any_order_and_copies_stay_free(model):
    one, other = watching(model, ["1"]), edit_gradients(model, "1", scale=2)
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert tables(copy.deepcopy(model)) == 0
    model(torch.ones(1, 1)).sum().backward()
    other.__exit__(None, None, None)
    assert tables(model) == 0


def test_a_hook_that_was_carried_to_another_module_does_nothing_there(model):
    calls = []
    with hooked(after=[(model[1], lambda *given: calls.append(given))]):
        (hook,) = model[1]._forward_hooks.values()
        other = nn.Linear(1, 1)
        other.register_forward_hook(hook)  # as torch's quantisation does with the modules that it replaces
        other(torch.ones(1, 1))
        assert calls == []
        model[1](torch.ones(1, 1))
        assert len(calls) == 1
        model[1].register_forward_hook(hook)
    model[1](torch.ones(1, 1))  # after the block
    assert len(calls) == 1


def test_a_replica_for_another_device_is_edited_as_the_model_is(model):
    with edit_gradients(model, "1", scale=10) as edits:
        replica = model[1]._replicate_for_data_parallel()
        replica.weight, replica.bias = model[1].weight, None
        replica(torch.ones(1, 1)).sum().backward()
    assert edits.count == 1
    assert model[1].weight.grad.item() == 10


def test_the_only_device_of_data_parallel_runs_the_model_itself(model):
    with (
        edit_gradients(nn.DataParallel(model), "1", scale=10) as edits,
        watching(nn.DataParallel(model), ["1"]) as seen,
    ):
        nn.DataParallel(model)(torch.ones(1, 1)).sum().backward()
    assert edits.count == 1
    assert seen.gradients["1"].item() == 10
