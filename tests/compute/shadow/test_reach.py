"""What refers to a model, and what of it is no part of the model."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core import fingerprint, hooks_version
from cnnwidgets.compute.shadow import evaluating, looking, shadow_of
from cnnwidgets.compute.shadow.reach import reaches


class Engine:
    """Runs a model, and is told to its hooks by a bound method, which a copy of the engine would have to follow."""

    def __init__(self, model):
        self.model = model
        self.call = self.run

    def run(self):
        return self.model


class Owned(nn.Sequential):
    """Leaves its engine out of copies."""

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "engine"}


class Unwilling(nn.Sequential):
    """Cannot be pickled."""

    def __getstate__(self):
        raise RuntimeError("not to be pickled")


def test_what_runs_a_model_and_is_left_out_of_its_copies_is_shared_with_its_shadow():
    model = Owned(nn.Linear(1, 1))
    model.engine = Engine(model)
    shadow = shadow_of(model)
    assert shadow.engine is model.engine
    assert shadow is not model and shadow[0] is not model[0]


@pytest.mark.parametrize("kind", [nn.Sequential, Unwilling])
def test_what_a_model_takes_with_it_into_copies_is_part_of_it(kind):
    model = kind(nn.Linear(1, 1))
    model.engine = SimpleNamespace(model=model)
    shadow = shadow_of(model)
    assert shadow.engine is not model.engine and shadow.engine.model is shadow


def test_a_cache_that_is_left_out_of_copies_is_copied_for_a_shadow():
    class Caching(Owned):
        def forward(self, x):
            self.engine.append(x)
            return super().forward(x)

    model = Caching(nn.Linear(1, 1))
    model.engine = []
    cw.activations(model, torch.ones(1, 1))
    assert model.engine == []


def test_a_hook_of_the_user_may_hold_what_looks_at_the_model(one_to_four):
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    view = cw.ActivationView(model, [(one_to_four[0], 0)])
    names = []
    model[0].register_forward_hook(lambda *_: names.append(view.layer))
    with looking(model) as shadow:
        assert shadow is not model
        shadow(one_to_four)
    assert names == [view.layer]
    view.close()


def test_what_looks_at_a_model_is_not_copied_with_it(one_to_four):
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    model.recorder = cw.Recorder(model, "0", one_to_four)
    assert shadow_of(model).recorder is model.recorder


def test_what_looks_at_a_model_is_not_put_back_with_it():
    model = nn.Sequential(nn.Linear(1, 1))
    with cw.edit_gradients(model, "0", scale=2.0) as model.edits:
        model(torch.ones(1, 1)).sum().backward()
        with evaluating(model), torch.enable_grad():
            model(torch.ones(1, 1)).sum().backward()
    assert model.edits.count == 2


def test_a_shadow_has_the_users_hooks_and_none_of_ours(one_to_four):
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    before = hooks_version(model), fingerprint(model)
    seen = []
    handle = model[0].register_forward_hook(lambda *_: seen.append(1))
    own = hooks_version(model)
    with (
        cw.Recorder(model, ["0"], one_to_four, gradients=True, inputs=True),
        cw.capture(model, inputs=True, layers=["0", "1"]) as captured,
    ):
        assert len(model[0]._forward_hooks) == 3 and len(model._forward_pre_hooks) == 1
        shadow = shadow_of(model)
        assert [len(part._forward_hooks) for part in shadow.modules()] == [0, 1, 0]
        assert not any(part._forward_pre_hooks for part in shadow.modules())
        assert hooks_version(model) == own  # so that nothing is computed anew when a recording begins
        seen.clear()
        shadow(one_to_four)
        assert len(seen) == 1
    assert not captured.calls
    handle.remove()
    assert (hooks_version(model), fingerprint(model)) == before


def test_what_a_function_keeps_in_a_mapping_that_is_no_dict_is_reached():
    model = nn.Linear(1, 1)
    known = MappingProxyType({"model": model})
    assert reaches(lambda: known, {id(model)}) and not reaches(lambda: known, {0})
