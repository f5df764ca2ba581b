"""capture() sees what each layer put out, in one pass, and leaves no hook behind."""

from __future__ import annotations

import copy
import gc

import pytest
import torch
import torchvision
from torch import nn

from cnnwidgets.compute.core.hooks import around_calls, capture
from cnnwidgets.compute.shadow import evaluating
from cnnwidgets.models import lenet5

LENET = ["C1", "func1", "S2", "C3", "func2", "S4", "C5", "flatten", "F6", "func3", "OUTPUT"]


class Reused(nn.Module):
    """Adds one three times: as `step`, again as `step`, and as `other`, which is the same module."""

    class Step(nn.Module):
        def forward(self, x):
            return x + 1

    def __init__(self):
        super().__init__()
        self.step = self.Step()
        self.other = self.step
        self.last = nn.Linear(1, 1)

    def forward(self, x):
        return self.last(self.other(self.step(self.step(x))))


def kept_by(model, images, keep):
    """Name -> what the last call of each leaf put out, kept by a plain hook as `keep(output)`."""
    outputs, handles = {}, []
    for name, part in model.named_modules():
        if not list(part.children()):
            hook = lambda part, args, output, name=name: outputs.update({name: keep(output)})  # noqa: E731
            handles.append(part.register_forward_hook(hook))
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return outputs


def test_an_in_place_relu_does_not_change_what_the_convolution_put_out(doubling, one_to_four):
    model = nn.Sequential(doubling, nn.ReLU(inplace=True))
    with capture(model) as captured:
        model(one_to_four)
    assert captured["0"].flatten().tolist() == [-2, -4, -6, -8]
    assert captured["1"].flatten().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("build", "leaves", "naive_wrong"),
    [(torchvision.models.alexnet, 21, 7), (torchvision.models.resnet18, 52, 17)],
    ids=["AlexNet", "ResNet-18"],
)
def test_every_leaf_of_a_real_network_is_kept_as_it_was(build, leaves, naive_wrong):
    model = build(weights=None, num_classes=10).eval()
    images = torch.rand(1, 3, 64, 64)
    reference_model = copy.deepcopy(model)
    for part in reference_model.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    reference = kept_by(reference_model, images, torch.clone)  # a copy, since a block adds with `out += identity`
    naive = kept_by(model, images, lambda output: output)
    with torch.no_grad(), capture(model) as captured:
        model(images)
    last = {name: f"{name}:{captured.calls[name]}" if captured.calls[name] > 1 else name for name in reference}
    wrong = [name for name in reference if not torch.equal(captured[last[name]], reference[name])]
    assert len(reference) == leaves
    assert wrong == []
    assert sum(not torch.equal(naive[name], reference[name]) for name in reference) == naive_wrong


def test_each_call_of_a_reused_module_is_an_entry_of_its_own():
    model = Reused()
    with capture(model) as captured:
        model(torch.zeros(1, 1))
    assert list(captured) == ["step:1", "step:2", "step:3", "last"]
    assert [captured[f"step:{call}"].item() for call in (1, 2, 3)] == [1, 2, 3]
    assert captured.calls == {"step": 3, "last": 1, "": 1}


def test_a_module_under_two_names_answers_to_both():
    model = Reused()
    with capture(model) as captured:
        model(torch.zeros(1, 1))
    assert captured["other:3"].item() == captured["step:3"].item() == 3
    with capture(model, "other:2") as captured:
        model(torch.zeros(1, 1))
    assert captured["step:2"].item() == 2


def test_without_a_stop_the_plain_name_of_a_reused_module_is_not_enough():
    model = Reused()
    with capture(model, "step") as captured:
        model(torch.zeros(1, 1))
    with pytest.raises(LookupError) as caught:
        captured["step"]
    assert str(caught.value) == "layer 'step' runs 3 times in one pass; choose one of step:1, step:2, step:3"


def test_with_a_stop_the_plain_name_ends_the_pass_at_the_first_call(counted):
    model = Reused()
    calls = counted(model)
    with capture(model, "step", stop=True) as captured:
        model(torch.zeros(1, 1))
    assert captured["step"].item() == 1
    assert calls == {"": 1, "step": 1}


def test_the_stop_waits_for_the_call_that_was_asked_for(counted):
    model = Reused()
    calls = counted(model)
    with capture(model, ["step:2"], stop=True) as captured:
        model(torch.zeros(1, 1))
    assert captured["step:2"].item() == 2
    assert calls == {"": 1, "step": 2}


def test_the_stop_ends_the_body_of_the_with_and_nothing_behind_it():
    model = lenet5()
    reached = []
    with capture(model, "C1", stop=True):
        model(torch.zeros(1, 1, 28, 28))
        reached.append("the rest of the body")
    reached.append("the line after the with")
    assert reached == ["the line after the with"]


def test_the_stop_waits_for_the_last_of_several_layers(counted):
    model = lenet5()
    calls = counted(model)
    with capture(model, ["C3", "C1"], stop=True) as captured:
        model(torch.zeros(1, 1, 28, 28))
    assert list(captured) == ["C1", "C3"]
    assert list(calls) == ["", *LENET[:4]]


def test_the_stop_passes_a_model_that_catches_every_exception():
    class Careless(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(1, 1), nn.Linear(1, 1)

        def forward(self, x):
            try:
                x = self.first(x)
            except Exception:
                x = torch.zeros(1, 1)
            return self.second(x)

    model = Careless()
    with capture(model, ["first"], stop=True) as captured:
        model(torch.ones(1, 1))
    assert list(captured) == ["first"]
    assert captured.calls == {"first": 1}


def test_stop_without_layers_is_refused():
    with pytest.raises(ValueError, match="stop=True needs layers"), capture(lenet5(), stop=True):
        pass


def test_only_the_wanted_layers_get_a_hook(hooks_on):
    model = lenet5()
    with capture(model, ["C1", "C3"]):
        assert hooks_on(model) == {"C1": 1, "C3": 1}
    with capture(model):
        assert hooks_on(model) == dict.fromkeys(["", *LENET], 1)
    assert hooks_on(model) == {}


def test_an_unknown_layer_is_refused_before_any_hook_goes_on(hooks_on):
    model = lenet5()
    with pytest.raises(LookupError, match="no layer 'fun2'; did you mean 'func2'"), capture(model, ["C3", "fun2"]):
        pass
    assert hooks_on(model) == {}


def test_a_capture_that_is_never_entered_leaves_no_hook(hooks_on):
    model = lenet5().train()
    capture(model), evaluating(model)
    assert hooks_on(model) == {}
    assert all(part.training for part in model.modules())


def test_a_capture_that_is_thrown_away_in_the_middle_takes_its_hooks_off(hooks_on):
    model = lenet5()
    manager = capture(model)
    manager.__enter__()
    assert len(hooks_on(model)) == 12
    del manager
    gc.collect()
    assert hooks_on(model) == {}


def test_a_generator_that_is_closed_in_the_middle_puts_everything_back(watched):
    model = lenet5().train()
    before = watched(model)

    def looking():
        with evaluating(model), capture(model):
            yield "in the middle"

    generator = looking()
    next(generator)
    assert watched(model) != before
    generator.close()
    assert watched(model) == before


def test_an_inner_stop_does_not_end_the_outer_capture():
    model = lenet5()
    reached = []
    with capture(model) as outer:
        with capture(model, "S2", stop=True) as inner:
            model(torch.zeros(1, 1, 28, 28))
        reached.append("between")
        model(torch.zeros(1, 1, 28, 28))
    assert reached == ["between"]
    assert list(inner) == ["S2"]
    assert [outer.calls[name] for name in ("C1", "S2", "C3")] == [2, 2, 1]


def test_an_outer_stop_passes_through_the_inner_capture(hooks_on):
    model = lenet5()
    reached = []
    with capture(model, "func1", stop=True) as outer:
        with capture(model) as inner:
            model(torch.zeros(1, 1, 28, 28))
        reached.append("after the inner one")
    assert reached == []
    assert (list(outer), list(inner)) == (["func1"], ["C1"])
    assert hooks_on(model) == {}


def test_a_users_hook_runs_first_and_what_it_returns_is_what_the_layer_puts_out(doubling, one_to_four):
    doubling.register_forward_hook(lambda part, args, output: output + 100)
    model = nn.Sequential(doubling)
    with capture(model) as captured:
        model(one_to_four)
    assert captured["0"].flatten().tolist() == [98, 96, 94, 92]


def test_the_byte_budget_is_kept_and_the_rest_is_still_listed(one_to_four):
    model = nn.Sequential(nn.Hardtanh(0, 9), nn.Softplus(), nn.Linear(2, 2))
    with capture(model, budget=16) as captured:  # one output of 2 x 2 floats
        model(one_to_four)
    assert [seen.module for seen in captured.seen] == ["0", "1", "2"]
    assert list(captured) == ["0"]
    with pytest.raises(LookupError, match="layer '1' was not kept: the byte budget of 16 was spent"):
        captured["1"]


def test_a_layer_that_hands_its_input_on_shares_the_copy_that_is_held():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Identity()).eval()
    with capture(model) as captured:
        model(torch.ones(1, 2))
    assert [seen.repeats for seen in captured.seen] == [False, True, True]
    assert captured["0"] is captured["1"] is captured["2"]
    assert captured.kept_bytes == 8


@pytest.mark.parametrize("budget", [None, 0])
def test_what_the_network_returned_is_kept_without_an_entry_of_its_own_whatever_the_budget(budget):
    model = nn.Sequential(nn.Linear(2, 2))
    with capture(model, budget=budget) as captured:
        returned = model(torch.ones(1, 2))
    assert [seen.module for seen in captured.seen] == ["0"]
    assert torch.equal(captured.output[""], returned)
    assert torch.equal(captured["(output)"], returned)


def test_captured_tensors_have_no_gradient_and_share_no_memory_with_the_output():
    model = nn.Sequential(nn.Linear(2, 2))
    with capture(model) as captured:
        returned = model(torch.ones(1, 2))
    assert returned.requires_grad
    assert not captured["0"].requires_grad
    assert captured["0"].data_ptr() != returned.data_ptr()


def test_inputs_are_kept_as_they_were_before_the_layer_wrote_to_them():
    model = nn.Sequential(nn.ReLU(inplace=True))
    with capture(model, "0", inputs=True) as captured:
        model(torch.tensor([-1.0, 2.0]))
    assert captured.input("0").tolist() == [-1, 2]
    assert captured["0"].tolist() == [0, 2]


def test_each_call_has_the_input_that_it_was_given_also_by_keyword():
    class Adding(nn.Module):
        def forward(self, *, given):
            return given + 1

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.add = Adding()

        def forward(self, x):
            return self.add(given=self.add(given=x))

    model = Model()
    model.weight = nn.Parameter(torch.zeros(1))
    with capture(model, ["add"], inputs=True) as captured:
        model(torch.tensor([5.0]))
    assert [captured.input(f"add:{call}").item() for call in (1, 2)] == [5, 6]


def test_a_module_inside_itself_gets_each_call_its_own_input():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return x if x.item() >= 2 else self(x + 1)

    model = Deep()
    with capture(model, ["(output)"], inputs=True) as captured:
        model(torch.zeros(1))
    assert [captured.input(name).item() for name in captured] == [2, 1, 0]  # the innermost returns first


def test_inputs_that_nobody_asked_for_or_that_are_no_tensors_are_an_error():
    model = nn.Sequential(nn.Linear(1, 1))
    with capture(model, "0") as captured:
        model(torch.ones(1, 1))
    with pytest.raises(LookupError, match="the input of layer '0' was not kept"):
        captured.input("0")


def test_inputs_of_the_whole_network_are_refused():
    with pytest.raises(ValueError, match="inputs=True needs layers"), capture(lenet5(), inputs=True):
        pass


def test_the_hooks_before_and_behind_a_layer_come_off(watched):
    model = lenet5()
    before = watched(model)
    with pytest.raises(ZeroDivisionError), capture(model, ["C1", "C3"], inputs=True):
        1 / 0  # noqa: B018
    with capture(model, "C3", stop=True, inputs=True):
        model(torch.zeros(1, 1, 28, 28))
    assert watched(model) == before


def test_each_call_is_told_before_and_after_and_its_output_can_be_replaced():
    model, told = nn.Sequential(nn.Linear(1, 1), nn.ReLU()), []
    with around_calls(model, told.append, lambda name, output: told.append(f"end {name}") or (output * 0 + 2)):
        assert model(torch.ones(1, 1)).item() == 2
    assert told == ["", "0", "end 0", "1", "end 1", "end "]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
