"""A model that computes otherwise inside a `with` block, and as ever after it."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.ao.nn import quantized

import cnnwidgets as cw
from cnnwidgets.compute.core import fingerprint
from cnnwidgets.compute.interventions import interventions_of
from cnnwidgets.testing import deep_state, different

IMAGE = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """conv -> BatchNorm -> ReLU -> conv -> the same ReLU -> mean -> linear."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.conv2, self.fc = nn.Conv2d(4, 4, 3), nn.Linear(4, 3)
        self.unused = nn.Linear(4, 4)

    def forward(self, x):
        x = self.relu(self.bn(self.conv1(x)))
        x = self.relu(self.conv2(x))
        return self.fc(x.mean((2, 3)))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = Net()
    nn.init.uniform_(model.bn.bias, 0.5, 1.0)
    return model.eval()


def hooks(model):
    return sum(len(table) for part in model.modules() for name, table in vars(part).items() if name.endswith("_hooks"))


# ------------------------------------------------------------------ who sees it


def test_looks_inside_see_the_edit_and_those_outside_do_not(model):
    before = cw.activations(model, IMAGE)
    with cw.intervene(model, {"bn": cw.Ablate(channels=[1])}):
        assert cw.activations(model, IMAGE, "bn")[:, 1].abs().max() == 0
        assert cw.activations(model, IMAGE, "relu:1")[:, 1].abs().max() == 0
        output = model(IMAGE)
        assert torch.equal(cw.activations(model, IMAGE, "fc"), output)
        with cw.evaluating(model) as same:
            assert torch.equal(same(IMAGE), output)
        assert cw.layer_table(model, IMAGE[0])["bn"].shape == (4, 6, 6)
        assert torch.equal(cw.activations(model, IMAGE, "mean"), cw.activations(model, IMAGE, "relu:2").mean((2, 3)))
    after = cw.activations(model, IMAGE)
    assert all(torch.equal(after[layer], before[layer]) for layer in before)


def test_a_block_can_be_entered_again_also_inside_itself(model):
    before, block = model(IMAGE), cw.intervene(model, {"fc": cw.Scale(2)})
    for _ in range(2):
        with block as one:
            assert torch.equal(model(IMAGE), 2 * before)
            with block as other:
                assert other is not one
                assert torch.equal(model(IMAGE), 4 * before)
            assert torch.equal(model(IMAGE), 2 * before)
        assert torch.equal(model(IMAGE), before)

    @block
    def run():
        return model(IMAGE)

    assert torch.equal(run(), 2 * before)
    assert torch.equal(model(IMAGE), before)
    assert hooks(model) == 0


def test_a_warning_stands_at_the_with_of_the_caller(model):
    with pytest.warns(UserWarning, match="was not edited") as warned, cw.intervene(model, {"unused": cw.Scale(2)}):
        model(IMAGE)
    assert warned[0].filename == __file__


def test_a_part_that_a_layer_does_not_give_is_said_to_be_none(model):
    message = "no layer 'fc.add': 'fc' gives one tensor, without a part 'add'; cw.layer_table names"
    with pytest.raises(LookupError, match=message), cw.intervene(model, {"fc.add": cw.Scale(2)}):
        model(IMAGE)


def test_a_look_at_a_model_that_has_no_shadow_sees_the_edit_too(model):
    class Reached:
        def __init__(self):
            self.model = model

        def __call__(self, part, args, output):
            assert self.model.bn is part

    handle = model.bn.register_forward_hook(Reached())
    plain = cw.activations(model, IMAGE, "relu:1")
    with cw.intervene(model, {"bn": cw.Ablate(channels=1)}):
        assert cw.activations(model, IMAGE, "relu:1")[:, 1].abs().max() == 0
    assert torch.equal(cw.activations(model, IMAGE, "relu:1"), plain)
    handle.remove()


def test_capture_sees_the_edit_whichever_came_first(model):
    with cw.capture(model, "bn") as outer, cw.intervene(model, {"bn": cw.Ablate()}), cw.capture(model, "bn") as inner:
        model(IMAGE)
    assert inner["bn"].abs().max() == outer["bn"].abs().max() == 0


def test_occlusion_and_attributions_are_those_of_the_edited_network(model):
    twin = copy.deepcopy(model)
    twin.fc.weight.data[:, 2] = 0  # the same as a mean of 0 there
    twin.conv2.register_forward_hook(lambda part, args, output: output)  # folds neither
    with cw.intervene(model, {"relu:2": cw.Ablate(channels=2)}):
        for look in (
            lambda model: cw.occlusion(model, IMAGE, target=1, window=4, progress=False).scores,
            lambda model: cw.attributions(model, IMAGE, method="saliency", target=1, progress=False).values,
            lambda model: (
                cw.attributions(model, IMAGE, method="grad_cam", layer="conv2", target=1, progress=False).values
            ),
        ):
            assert torch.allclose(look(model), look(twin), atol=1e-6)


def test_edited_gradients_are_those_of_the_edited_values(model):
    x = torch.tensor([[2.0, 1.0]])
    chain = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    chain[0].weight.data, chain[1].weight.data = torch.eye(2), torch.tensor([[1.0, 1.0]])
    with cw.edit_gradients(chain, "0", scale=10.0), cw.intervene(chain, {"0": cw.Ablate(channels=0)}):
        chain(x).sum().backward()
    assert chain[1].weight.grad.tolist() == [[0.0, 1.0]]
    assert chain[0].weight.grad.tolist() == [[0.0, 0.0], [20.0, 10.0]]


def test_what_compares_models_sees_that_it_computes_otherwise(model):
    before = fingerprint(model)
    with cw.intervene(model, {"bn": cw.Ablate()}):
        inside = fingerprint(model)
        model(IMAGE)
    assert before != inside and before == fingerprint(model)


def test_hooks_of_the_user_on_the_layer_come_before_the_edit(model):
    seen = []
    handle = model.bn.register_forward_hook(lambda part, args, output: seen.append(output[:, 1].abs().max().item()))
    with cw.intervene(model, {"bn": cw.Ablate(channels=1)}):
        model(IMAGE)
        handle.remove()
        handle = model.bn.register_forward_hook(lambda part, args, output: seen.append(output[:, 1].abs().max().item()))
        model(IMAGE)
    handle.remove()
    assert seen[0] > 0 and seen[1] == 0


# ------------------------------------------------------------------ calls, parts, nesting


def test_a_module_that_runs_twice_is_edited_at_each_call_or_at_one(model):
    with cw.intervene(model, {"relu": cw.Ablate(channels=0)}) as every:
        found = cw.activations(model, IMAGE)
        assert [found[name][:, 0].abs().max().item() for name in ("relu:1", "relu:2")] == [0, 0]
    assert any("'relu' runs 2 times" in warning for warning in every.warnings)
    with cw.intervene(model, {"relu:2": cw.Ablate(channels=0)}) as second:
        for _ in range(2):  # calls are counted anew in each pass
            model(IMAGE)
        found = cw.activations(model, IMAGE)
        assert found["relu:1"][:, 0].abs().max() > 0 and found["relu:2"][:, 0].abs().max() == 0
    assert second.count == 3 and second.warnings == []


def test_a_call_cannot_be_told_where_parts_of_the_model_are_run(model):
    with pytest.raises(ValueError, match="cannot be counted"), cw.intervene(model, {"relu:2": cw.Ablate()}):
        model.relu(torch.ones(1, 4, 2, 2))


def test_one_tensor_of_several_is_edited():
    torch.manual_seed(0)
    model = Recurrent()
    x = torch.rand(2, 5, 3)
    plain = model(x)
    with cw.intervene(model, {"lstm.0": cw.Ablate(channels=[0, 1, 2, 3])}):
        assert torch.equal(model(x), model.fc(torch.zeros(2, 4)))
    assert torch.equal(model(x), plain)
    with (
        cw.intervene(model, {"lstm": cw.Ablate()}),
        pytest.raises(ValueError, match=r"choose one of lstm\.0, lstm\.1\.0"),
    ):
        model(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def test_blocks_inside_blocks_edit_from_the_outer_to_the_inner(model):
    plain = cw.activations(model, IMAGE, "conv2")
    with cw.intervene(model, {"conv2": cw.Scale(2)}), cw.intervene(model, {"conv2": cw.Add(1)}):
        assert torch.equal(cw.activations(model, IMAGE, "conv2"), plain * 2 + 1)
        assert [each.words for each in interventions_of(model)] == ["conv2 multiplied by 2", "conv2 plus 1"]
    assert interventions_of(model) == []


def test_blocks_that_end_in_the_wrong_order_leave_nothing(model):
    plain = cw.activations(model, IMAGE, "conv2")
    one, other = cw.intervene(model, {"conv2": cw.Scale(2)}), cw.intervene(model, {"conv2": cw.Add(1)})
    one.__enter__()
    other.__enter__()
    model(IMAGE)
    one.__exit__(None, None, None)
    assert torch.equal(cw.activations(model, IMAGE, "conv2"), plain + 1)
    assert hooks(copy.deepcopy(model)) == 0
    other.__exit__(None, None, None)
    assert hooks(model) == 0 and torch.equal(cw.activations(model, IMAGE, "conv2"), plain)


# ------------------------------------------------------------------ after it


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_after_the_block_the_model_is_as_it_was_to_the_bit(model, error):
    before, output = deep_state(model), model(IMAGE)
    try:
        with cw.intervene(model, {"conv1": cw.Ablate(channels=1), "relu": [cw.Noise(1.0), cw.Clamp(0, 1)]}):
            model(IMAGE)
            if error is not None:
                raise error
    except (RuntimeError, KeyboardInterrupt):
        assert error is not None
    assert different(before, deep_state(model)) == [] and hooks(model) == 0
    assert torch.equal(model(IMAGE), output)


def test_an_error_in_a_pass_leaves_nothing_behind(model):
    with pytest.raises(RuntimeError, match="stop"), cw.intervene(model, {"conv2": stopping}):
        model(IMAGE)
    assert hooks(model) == 0


def stopping(values):
    raise RuntimeError("stop")


def unpickled(model):
    return pickle.loads(pickle.dumps(model))


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("made", [copy.deepcopy, unpickled, saved])
def test_a_copy_made_inside_is_without_the_edits(model, made):
    plain = model(IMAGE)
    with cw.intervene(model, {"relu": cw.Ablate()}) as intervention:
        twin = made(model)
        assert torch.equal(twin(IMAGE), plain) and hooks(twin) == 0
        assert intervention.count == 0
        model(IMAGE)
    assert torch.equal(twin(IMAGE), plain)


def test_what_is_traced_inside_is_without_the_edits(model):
    plain = model(IMAGE)
    with cw.intervene(model, {"conv2": cw.Ablate()}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script = torch.jit.trace(model, IMAGE, check_trace=False)
        graph = torch.fx.symbolic_trace(model)
        model(IMAGE)
    assert torch.equal(script(IMAGE), plain) and torch.equal(graph(IMAGE), plain)


def test_a_compiled_model_runs_as_python_inside(model):
    compiled = torch.compile(model, backend="eager")
    plain = compiled(IMAGE)
    with cw.intervene(compiled, {"fc": cw.Ablate()}):
        assert compiled(IMAGE).abs().max() == 0
    assert torch.equal(compiled(IMAGE), plain)


def test_data_parallel_and_its_replicas_are_edited(model):
    with cw.intervene(nn.DataParallel(model), {"fc": cw.Ablate(channels=0)}) as intervention:
        assert nn.DataParallel(model)(IMAGE)[0, 0] == 0
        replica = model.fc._replicate_for_data_parallel()
        replica.weight, replica.bias = model.fc.weight, model.fc.bias
        assert replica(torch.ones(1, 4))[0, 0] == 0
    assert intervention.count == 2


def test_training_inside_goes_through_the_edit(model):
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    before = model.fc.weight.detach().clone()
    with cw.intervene(model, {"relu:2": cw.Ablate(channels=1)}):
        nn.functional.cross_entropy(model(IMAGE.expand(2, 3, 8, 8)), torch.tensor([0, 1])).backward()
        optimizer.step()
    changed = (model.fc.weight.detach() != before).any(0)
    assert not changed[1]


# ------------------------------------------------------------------ what is said


def test_a_zero_before_a_batch_norm_is_said_not_to_be_off_and_the_norm_is_named(model):
    with cw.intervene(model, {"conv1": cw.Ablate(channels=[1])}) as intervention:
        behind = cw.activations(model, IMAGE, "bn")[0, 1]
    scale = model.bn.weight[1] / (model.bn.running_var[1] + model.bn.eps).sqrt()
    assert torch.allclose(behind, (model.bn.bias[1] - model.bn.running_mean[1] * scale).detach())
    assert intervention.warnings == [
        "what is set to 0 in layer 'conv1' is another number behind 'bn', which normalises it: "
        "edit 'bn' to switch it off"
    ]
    with cw.intervene(model, {"bn": cw.Ablate(channels=[1])}) as intervention:
        model(IMAGE)
    assert intervention.warnings == []


def test_a_layer_that_never_runs_is_said(model):
    told = pytest.warns(UserWarning, match="'unused' was not edited: its hook never fired")
    with told, cw.intervene(model, {"unused": cw.Ablate()}) as intervention:
        model(IMAGE)
        assert "its hook never fired" in intervention.warnings[0]


def test_a_layer_whose_forward_is_called_is_said():
    class Direct(nn.Sequential):
        def forward(self, x):
            return self[0].forward(x)

    model = Direct(nn.Linear(2, 2))
    with pytest.warns(UserWarning, match="a parent may call its forward"), cw.intervene(model, {"0": cw.Ablate()}):
        model(torch.ones(1, 2))


def test_a_call_that_never_comes_is_said(model):
    with pytest.warns(UserWarning, match="it runs 2 times in a pass"), cw.intervene(model, {"relu:3": cw.Ablate()}):
        model(IMAGE)


def test_a_model_that_was_not_run_is_said(model):
    with pytest.warns(UserWarning, match="the model was not called"), cw.intervene(model, {"fc": cw.Ablate()}):
        pass


def test_a_layer_of_torchscript_is_refused(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fc = torch.jit.trace(model.fc, torch.ones(1, 4))
    with pytest.raises(ValueError, match="TorchScript"), cw.intervene(model, {"fc": cw.Ablate()}):
        pass
    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("edits", "error", "words"),
    [
        ({}, ValueError, "no edits"),
        ([cw.Ablate()], TypeError, "a mapping of layers"),
        ({"fc": 3}, TypeError, "the edit of layer 'fc'"),
        ({"fc": []}, TypeError, "the edit of layer 'fc'"),
        ({"fd": cw.Ablate()}, LookupError, "did you mean 'fc'"),
        ({"conv1": cw.Ablate(channels=[1, 4])}, ValueError, "no channel 4 in layer 'conv1': it has 4, 0 to 3"),
        ({"fc": cw.Ablate(channels=3)}, ValueError, "no channel 3"),
        ({"bn": cw.Ablate(units=[(7, 0, 0)])}, ValueError, "no channel 7"),
        ({"relu": cw.Replace(image=IMAGE)}, LookupError, "runs 2 times"),
    ],
)
def test_what_can_be_known_before_a_pass_is_refused_before_it(model, edits, error, words):
    with pytest.raises(error, match=words), cw.intervene(model, edits):
        raise AssertionError("not reached")
    assert hooks(model) == 0


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"relu": cw.Ablate(channels=9)}, "no channel 9 in layer 'relu': it has 4"),
        ({"conv2": cw.Ablate(region=(0, 0, 5, 2))}, r"outside the map of layer 'conv2': 4 x 4"),
        ({"fc": cw.Ablate(region=(0, 0, 1, 1))}, "no rows and columns"),
        ({"conv2": cw.Ablate(tokens=1)}, "no sequence of tokens"),
        ({"conv2": cw.Ablate(units=[(0, 1)])}, "named by 3 numbers"),
        ({"conv2": cw.Ablate(units=[(0, 1, 9)])}, "no place 9"),
        (
            {"conv2": cw.Replace(torch.ones(4, 3, 3))},
            r"\(4, 3, 3\) do not fit layer 'conv2'.*\(4, 4, 4\) for one image",
        ),
        ({"conv2": cw.Replace(image=torch.rand(3, 9, 9))}, "another image fit only if that has the same size"),
        ({"conv2": cw.Add(torch.ones(3))}, r"\(4,\) for the channels"),
        ({"conv2": lambda values: values[:1, :1]}, "fn must return values of the shape"),
    ],
)
def test_what_only_a_pass_can_know_is_an_error_of_the_pass_and_nothing_is_left(model, edits, words):
    with pytest.raises(ValueError, match=words), cw.intervene(model, edits):
        model(IMAGE)
    assert hooks(model) == 0


def test_quantised_values_are_edited_as_the_numbers_they_stand_for():
    class Quantised(nn.Module):
        def __init__(self):
            super().__init__()
            self.same = nn.Identity()

        def forward(self, x):
            return self.same(torch.quantize_per_tensor(x, 0.5, 10, torch.quint8)).dequantize()

    model, x = Quantised(), torch.tensor([[1.0, 2.0, 3.0]])
    with cw.intervene(model, {"same": [cw.Ablate(channels=1), cw.Scale(0.5)]}):
        assert model(x).tolist() == [[0.5, 0.0, 1.5]]


class Quantised(nn.Module):
    """A convolution of torch in whole numbers, which gives channels last in memory."""

    def __init__(self):
        super().__init__()
        self.quant, self.conv = quantized.Quantize(0.05, 0, torch.quint8), quantized.Conv2d(3, 4, 3)
        self.conv.scale, self.conv.zero_point = 0.1, 64
        weight = torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0))
        self.conv.set_weight_bias(torch.quantize_per_tensor(weight, 0.05, 0, torch.qint8), torch.zeros(4))
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.conv(self.quant(x)).dequantize().mean((2, 3)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [1, 2])
def test_a_quantised_convolution_is_edited_as_a_hook_by_hand_does_it(count):
    def by_hand(factor, part, args, output):
        numbers = output.dequantize()
        numbers[:, 1] *= factor
        return torch.quantize_per_tensor(numbers, output.q_scale(), output.q_zero_point(), output.dtype)

    model, x = Quantised().eval(), torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = []
        for factor in (0.5, 0.0):
            handle = model.conv.register_forward_hook(partial(by_hand, factor))
            expected.append(model(x))
            handle.remove()
        with cw.intervene(model, {"conv": cw.Scale(0.5, channels=1)}):
            assert torch.equal(model(x), expected[0])
    effects = cw.channel_effects(model, x, "conv", target=2, progress=False)
    assert torch.allclose(effects.scores[:, 1], expected[1][:, 2], atol=1e-6)


def test_a_module_in_two_places_is_edited_in_both_and_says_how_one_is_named():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model.append(model[0])
    with cw.intervene(model, {"2": cw.Ablate()}) as both:
        model(torch.ones(1, 2))
    assert both.count == 2
    assert both.warnings == ["module '0' runs 2 times in a pass, and each call is edited; '0:1' is the first alone"]
    with cw.intervene(model, {"0:1": cw.Ablate()}) as first:
        assert torch.equal(model(torch.ones(1, 2))[0], model[0].bias)
    assert first.count == 1 and first.warnings == []
