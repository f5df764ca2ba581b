"""activations(): any layer's output in one forward pass, by every name that a layer has."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.models import lenet5

LENET = ["C1", "func1", "S2", "C3", "func2", "S4", "C5", "flatten", "F6", "func3", "OUTPUT"]
Pair = namedtuple("Pair", "left right")


@dataclass
class Result:
    scores: torch.Tensor
    loss: None = None


class Bag:
    """An ordinary object with a tensor in it."""

    def __init__(self, tensors):
        self.tensors, self.sizes = tensors, [1, 2]


class Part(nn.Module):
    """Gives what `build` makes of its input."""

    def __init__(self, build):
        super().__init__()
        self.build = build

    def forward(self, x):
        return self.build(x)


class Around(nn.Module):
    """A network whose layer `part` may return anything."""

    def __init__(self, build):
        super().__init__()
        self.part, self.last = Part(build), nn.Identity()

    def forward(self, x):
        self.part(x)
        return self.last(x + 0)


class Twice(nn.Module):
    """`relu` runs before and after `fc`, which changes the sign."""

    def __init__(self):
        super().__init__()
        self.relu, self.fc = nn.ReLU(), nn.Linear(2, 2, bias=False)
        self.fc.weight.data = -torch.eye(2)

    def forward(self, x):
        return self.relu(self.fc(self.relu(x)))


def test_one_name_gives_one_tensor_worked_out_by_hand(doubling, one_to_four):
    model = nn.Sequential(doubling, nn.ReLU(inplace=True))
    output = activations(model, one_to_four, "0")
    assert output.tolist() == [[[[-2, -4], [-6, -8]]]]


def test_several_names_give_a_dict_in_the_order_asked_for(doubling, one_to_four):
    model = nn.Sequential(doubling, nn.ReLU(inplace=True))
    outputs = activations(model, one_to_four, ["1", "0"])
    assert {name: output.sum().item() for name, output in outputs.items()} == {"1": 0, "0": -20}
    assert list(outputs) == ["1", "0"]


def test_without_names_every_layer_comes_in_the_order_of_running():
    assert list(activations(lenet5(), torch.zeros(1, 1, 28, 28))) == LENET


def test_one_forward_pass_serves_all_layers(counted):
    model = lenet5()
    calls = counted(model)
    activations(model, torch.zeros(1, 1, 28, 28))
    assert calls == dict.fromkeys(["", *LENET], 1)
    activations(model, torch.zeros(1, 1, 28, 28), LENET)
    assert calls == dict.fromkeys(["", *LENET], 2)


def test_the_first_layer_alone_stops_the_pass(counted):
    model = lenet5()
    calls = counted(model)
    activations(model, torch.zeros(1, 1, 28, 28), "C1")
    assert calls == {"": 1, "C1": 1}


def test_no_layers_at_all_need_no_pass(counted):
    model = lenet5()
    calls = counted(model)
    assert activations(model, torch.zeros(1, 1, 28, 28), []) == {}
    assert calls == {}


def test_a_single_image_is_a_batch_of_one(one_to_four):
    model = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 1))
    assert activations(model, one_to_four[0], "0").tolist() == [[[[4]]]]


def test_the_model_is_looked_at_in_evaluation_mode_without_gradients():
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.999)).train()
    nn.init.ones_(model[0].weight), nn.init.zeros_(model[0].bias)
    outputs = activations(model, torch.ones(4, 1))
    assert outputs["1"].flatten().tolist() == [1, 1, 1, 1]
    assert not outputs["0"].requires_grad


def test_the_image_is_not_written_to_by_a_model_that_begins_in_place(doubling, one_to_four):
    model = nn.Sequential(nn.Hardtanh(0, 1, inplace=True), doubling)
    assert activations(model, one_to_four, "0").flatten().tolist() == [1, 1, 1, 1]
    assert activations(model, one_to_four[0], "1").flatten().tolist() == [-2, -2, -2, -2]
    assert one_to_four.flatten().tolist() == [1, 2, 3, 4]


class Swapped(nn.Module):
    """One block in two places, of which the second runs first, as often as `runs` says."""

    def __init__(self, runs):
        super().__init__()
        self.first = self.second = nn.Sequential(nn.ReLU())
        self.fc, self.runs = nn.Linear(2, 2, bias=False), runs
        nn.init.eye_(self.fc.weight)

    def forward(self, x):
        x = -self.fc(self.second(x))
        return self.first(x + 1) if self.runs == 2 else x


@pytest.mark.parametrize(("layer", "calls"), [("second", "first:1, first:2"), ("second.0", r"first\.0:1, first\.0:2")])
def test_the_further_place_of_a_module_that_runs_twice_asks_which_call_is_meant(layer, calls):
    images = torch.tensor([[3.0, -5.0]])
    kept = activations(Swapped(2), images, ["first", "first:2"])  # 3 0; then 1 - 3 and 1 - 0
    assert {name: output.tolist() for name, output in kept.items()} == {"first": [[3, 0]], "first:2": [[0, 1]]}
    for layers in (layer, [layer], ["first", layer]):
        with pytest.raises(LookupError, match=f"also '{layer.replace('second', 'first')}', .*choose one of {calls}"):
            activations(Swapped(2), images, layers)
    assert activations(Swapped(2), images, f"{layer}:2").tolist() == [[0, 1]]


@pytest.mark.parametrize("layer", ["first", "second", "second.0", "first.0"])
def test_any_name_of_a_shared_module_that_runs_once_is_its_only_call(layer):
    assert activations(Swapped(1), torch.tensor([[3.0, -5.0]]), layer).tolist() == [[3, 0]]


def test_the_plain_name_of_a_reused_module_is_its_first_call(counted):
    model = Twice()
    calls = counted(model)
    assert activations(model, torch.tensor([[3.0, -5.0]]), "relu").tolist() == [[3, 0]]
    assert calls == {"": 1, "relu": 1}


def test_each_call_of_a_reused_module_has_a_number():
    outputs = activations(Twice(), torch.tensor([[3.0, -5.0]]))
    assert {name: output.tolist() for name, output in outputs.items()} == {
        "relu:1": [[3, 0]],
        "fc": [[-3, 0]],
        "relu:2": [[0, 0]],
    }


def test_the_plain_name_and_a_later_call_can_be_asked_for_together():
    outputs = activations(Twice(), torch.tensor([[3.0, -5.0]]), ["relu", "relu:2"])
    assert {name: output.tolist() for name, output in outputs.items()} == {"relu": [[3, 0]], "relu:2": [[0, 0]]}


def test_a_call_that_does_not_happen_did_not_run():
    with pytest.raises(LookupError, match="layer 'relu:3' was not seen to run in this pass"):
        activations(Twice(), torch.ones(1, 2), "relu:3")


def test_a_layer_that_never_runs_says_so():
    model = Twice()
    model.spare = nn.Linear(2, 2)
    with pytest.raises(LookupError, match="layer 'spare' was not seen to run in this pass"):
        activations(model, torch.ones(1, 2), "spare")


def test_the_output_of_the_network_can_be_asked_for_beside_its_last_layer():
    model = nn.Sequential(nn.ReLU(), nn.Linear(2, 1))
    outputs = activations(model, torch.ones(1, 2), ["1", "(output)"])
    assert list(outputs) == ["1", "(output)"]
    assert torch.equal(outputs["1"], outputs["(output)"])
    assert torch.equal(activations(model, torch.ones(1, 2), "(output)"), outputs["1"])


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: (x + 1, x + 2), {"part.0": 1, "part.1": 2}),
        (lambda x: [x + 1], {"part.0": 1}),
        (lambda x: {"out": x + 1, "aux": x + 2}, {"part.out": 1, "part.aux": 2}),
        (lambda x: Pair(x + 1, x + 2), {"part.left": 1, "part.right": 2}),
        (lambda x: Result(x + 1), {"part.scores": 1}),
        (lambda x: Bag(x + 1), {"part.tensors": 1}),
        (lambda x: [{"boxes": x + 1}, (x + 2, None)], {"part.0.boxes": 1, "part.1.0": 2}),
        (lambda x: None, {}),
        (lambda x: "words", {}),
        (lambda x: {}, {}),
    ],
    ids=["tuple", "list", "dict", "named tuple", "data class", "object", "nested", "None", "text", "empty"],
)
def test_every_tensor_that_a_layer_returns_has_a_name(build, expected):
    model, images = Around(build), torch.zeros(1, 1, 1, 1)
    outputs = activations(model, images)
    assert {name: output.item() for name, output in outputs.items()} == {**expected, "last": 0}
    for name, value in expected.items():
        assert activations(model, images, name).item() == value


@pytest.mark.parametrize(
    ("build", "layer", "message"),
    [
        (lambda x: None, "part", "layer 'part' gives None"),
        (lambda x: "words", "part", "layer 'part' gives str, not a tensor"),
        (lambda x: {}, "part", "layer 'part' gives dict, not a tensor"),
        (lambda x: x[:0], "part", r"layer 'part' gives an empty tensor of shape \(0, 1, 1, 1\)"),
        (lambda x: (x, None), "part.1", "layer 'part.1' gives None"),
        (lambda x: (x, x + 1), "part", "layer 'part' returns several values; choose one of part.0, part.1"),
        (lambda x: {"out": x}, "part.aux", "layer 'part.aux' returns several values; choose one of part.out"),
    ],
)
def test_what_is_no_tensor_is_refused_in_plain_words(build, layer, message):
    with pytest.raises(LookupError, match=f"^{message}$"):
        activations(Around(build), torch.zeros(1, 1, 1, 1), layer)


def test_a_key_called_like_a_child_stands_in_brackets(one_to_four):
    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.MaxPool2d(2)

        def forward(self, x):
            return {"out": self.out(x) + 1, "low": x}

    model = nn.Sequential()
    model.backbone, model.pick = Backbone(), Part(lambda outputs: outputs["low"] + 0)
    assert list(activations(model, one_to_four)) == ["backbone.out", "backbone[out]", "backbone.low", "pick"]
    assert activations(model, one_to_four, "backbone.out").item() == 4
    assert activations(model, one_to_four, "backbone[out]").item() == 5
    assert activations(model, one_to_four, "backbone.low").sum().item() == 10


def test_an_operation_without_a_module_is_asked_for_by_the_name_that_tracing_gives_it(one_to_four):
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = nn.MaxPool2d(2)

        def forward(self, x):
            return self.pool(x).add(1).view(x.size(0), 1)

    outputs = activations(Skip(), one_to_four, ["add", "pool"])
    assert {name: output.item() for name, output in outputs.items()} == {"add": 5, "pool": 4}
    with pytest.raises(LookupError, match=r"^operation 'size' returns no tensor in this pass$"):
        activations(Skip(), one_to_four, "size")


def test_the_parts_of_what_the_network_returns_can_be_asked_for():
    class Segmenter(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Identity()

        def forward(self, x):
            return {"out": self.head(x) + 1, "aux": x + 2}

    outputs = activations(Segmenter(), torch.zeros(1, 1, 1, 1))
    assert {name: output.item() for name, output in outputs.items()} == {
        "head": 0,
        "(output).out": 1,
        "(output).aux": 2,
    }
    assert activations(Segmenter(), torch.zeros(1, 1, 1, 1), "(output).aux").item() == 2


def test_a_part_of_the_networks_output_can_be_asked_for_beside_the_layer_that_made_it():
    class Segmenter(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Softplus()

        def forward(self, x):
            return {"out": self.head(x)}

    outputs = activations(Segmenter(), torch.zeros(1, 1, 1, 1), ["head", "(output).out"])
    assert list(outputs) == ["head", "(output).out"]
    assert outputs["head"].item() == outputs["(output).out"].item() == pytest.approx(0.6931472)


def test_a_misspelt_layer_is_answered_with_the_nearest_and_the_rest(counted):
    model = lenet5()
    calls = counted(model)
    with pytest.raises(LookupError) as caught:
        activations(model, torch.zeros(1, 1, 28, 28), "Flaten")
    assert str(caught.value) == f"no layer 'Flaten'; did you mean 'flatten'? layers: {', '.join(LENET)}"
    assert calls == {}


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda model: torch.compile(model, backend="eager")])
def test_a_wrapped_model_is_looked_through(wrap, doubling, one_to_four):
    model = wrap(nn.Sequential(doubling))
    assert activations(model, one_to_four, "0").flatten().tolist() == [-2, -4, -6, -8]


def test_a_model_compiled_in_place_is_run_as_plain_python(doubling, one_to_four):
    model = nn.Sequential(doubling, nn.ReLU())
    model.compile(backend="eager")
    outputs = activations(model, one_to_four)
    assert {name: output.sum().item() for name, output in outputs.items()} == {"0": -20, "1": 0}
