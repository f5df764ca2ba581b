"""Operations without a module, by their names in the trace."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from cnnwidgets.compute.layers.activations import activations
from cnnwidgets.compute.layers.operations import run_operations, trace
from cnnwidgets.compute.layers.table import layer_table


class Functional(nn.Module):
    """conv, then a functional ReLU in place, `+ 1`, and `cat` with the first sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, 2.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bent = F.relu(self.conv(images) - 4.0)
        more = bent + 1.0
        joined = torch.cat([bent, more], 1)
        return joined.mul_(10.0)


class Chooses(nn.Module):
    """Control flow that depends on the data."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv(images) if images.sum() > 0 else images


CALLS: list[int] = []


class Counts(nn.Module):
    """A trace that freezes what it saw: a number that belongs to no module and changes from call to call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        CALLS.append(1)
        return self.conv(images) + len(CALLS)


IMAGE = torch.tensor([[[1.0, 3.0]]])


def test_operations_have_the_names_of_the_trace_and_true_values():
    model = Functional()
    # 2 * (1, 3) = (2, 6); - 4 = (-2, 2); relu (0, 2); + 1 = (1, 3)
    found = activations(model, IMAGE, ["sub", "relu", "add"])
    assert found["sub"].flatten().tolist() == [-2, 2]
    assert found["relu"].flatten().tolist() == [0, 2]
    assert found["add"].flatten().tolist() == [1, 3]


def test_an_operation_in_place_does_not_change_what_was_before_it():
    found = activations(Functional(), IMAGE, ["cat", "mul_"])
    assert found["cat"].flatten().tolist() == [0, 2, 1, 3]
    assert found["mul_"].flatten().tolist() == [0, 20, 10, 30]


def test_modules_and_operations_can_be_asked_for_together():
    found = activations(Functional(), IMAGE, ["relu", "conv"])
    assert list(found) == ["relu", "conv"]
    assert found["conv"].flatten().tolist() == [2, 6]


def test_the_table_lists_operations_where_they_run():
    table = layer_table(Functional(), IMAGE)
    assert table.names == ["conv", "sub", "relu", "add", "cat", "mul_", "(output)"]
    assert [row.name for row in table if row.operation] == ["sub", "relu", "add", "cat", "mul_"]
    assert table["cat"].form == "2 @ 1x2"
    assert layer_table(Functional(), IMAGE, operations=False).names == ["conv", "(output)"]


def test_the_sums_of_a_resnet_stand_behind_the_layers_that_they_add():
    names = layer_table(torchvision.models.resnet18(weights=None), torch.rand(3, 32, 32)).names
    at = names.index("add_3")
    assert names[at - 1 : at + 2] == ["layer2.1.bn2", "add_3", "layer2.1.relu:2"]
    assert sum(name.startswith("add") for name in names) == 8


def test_a_model_that_cannot_be_traced_says_why():
    table = layer_table(Chooses(), torch.ones(1, 2, 2))
    assert table.names == ["conv"]
    assert "torch.fx cannot trace the model" in table.note
    assert "control flow" in table.note


def test_a_graph_that_gives_another_output_than_the_model_is_not_used():
    table = layer_table(Counts(), torch.ones(1, 2, 2))
    assert not any(row.operation for row in table)
    assert "another output than the model" in table.note


def test_an_unknown_name_is_refused_with_the_layers_there_are():
    with pytest.raises(LookupError, match=r"no layer 'ad'.*conv"):
        activations(Functional(), IMAGE, "ad")


def test_a_misspelt_operation_is_hinted_at_too():
    with pytest.raises(LookupError, match=r"no layer 'reluu'; did you mean 'relu'\? layers: conv, sub, relu, add"):
        activations(Functional(), IMAGE, "reluu")


def test_tracing_leaves_no_trace_in_the_model():
    class Remembers(Functional):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.seen = images
            return super().forward(images)

    model = Remembers()
    before = dict(model.__dict__)
    traced = trace(model)
    assert traced.operations
    run_operations(model, traced, IMAGE[None])
    assert model.__dict__ == before


def test_a_submodule_called_like_an_operation_keeps_its_name():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add = nn.Sequential(nn.Conv2d(1, 1, 1))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.add(images) + 1

    names = layer_table(Named(), IMAGE).names
    assert len(set(names)) == len(names)
    assert "add" in names
    assert any(name.startswith("add") and name not in ("add", "add.0") for name in names)


def test_keyword_arguments_reach_the_graph_in_the_right_order():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.conv.weight)

        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return self.conv(left) - right

    found = activations(
        Two(), IMAGE, "sub", prepare=lambda image: {"right": torch.ones_like(image[None]), "left": image[None]}
    )
    assert found.flatten().tolist() == [0, 2]


def test_the_users_hooks_never_see_a_stand_in_for_a_tensor():
    model = nn.Sequential(Functional())
    seen: list[object] = []
    model[0].register_forward_hook(lambda part, args, output: seen.append(output))
    layer_table(model, IMAGE)
    assert seen
    assert all(isinstance(output, torch.Tensor) for output in seen)
    assert len(model[0]._forward_hooks) == 1


def test_a_module_may_write_to_the_lists_that_it_is_given():
    class Padded(nn.Module):
        def forward(self, images: torch.Tensor, sizes: list[int]) -> torch.Tensor:
            sizes[0] += 1
            return images * sizes[0]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.conv.weight)
            self.pad = Padded()
            self.pad.__module__ = "torch.nn"  # so that torch.fx does not look inside

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.pad(self.conv(images), [2, 3]) + 1

    model = Model()
    traced = trace(model)
    for _ in range(2):  # a list that is kept would have grown
        outputs, _ = run_operations(model, traced, IMAGE[None])
        assert outputs["add"].flatten().tolist() == [4, 10]  # 1 and 3, times 2 + 1, plus 1


# ---------------------------------------------------------------------- a graph of another path


class Normalises(nn.Module):
    """What is a tensor is normalised; a stand-in for one is not, so that the graph lacks this step."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 1), nn.Linear(2, classes)
        nn.init.constant_(self.head.weight, 1e-6)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.Tensor):
            x = (x - 0.5) / 0.25
        return self.head((self.conv(x).relu() + 1).mean((2, 3))).softmax(1)


class RunsMore(nn.Module):
    """A module more than the graph has, which changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.extra = nn.Conv2d(1, 1, 1), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if isinstance(x, torch.Tensor):
            x = self.extra(x)
        return self.conv(x) + 1


class RunsTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(2 if isinstance(x, torch.Tensor) else 1):
            x = self.act(x)
        return x + 1


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Normalises(), "another output than the model at layer 'conv'"),
        (RunsMore(), "in which layer 'extra' runs too"),
        (nn.Sequential(RunsTwice(), nn.Conv2d(1, 1, 1)), "in which layer '0.act' runs 2 times"),
    ],
)
def test_a_graph_of_a_path_that_the_model_does_not_take_is_not_used_however_alike_their_outputs(model, words):
    table = layer_table(model, torch.rand(1, 4, 4))
    assert not any(row.operation for row in table)
    assert words in table.note


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e6])
def test_a_graph_of_the_same_path_is_used_whatever_the_size_of_its_numbers(dtype, size):
    model = Functional()
    with torch.no_grad():
        model.conv.weight.mul_(size)
    assert any(row.operation for row in layer_table(model.to(dtype), IMAGE))


def test_a_graph_is_compared_inside_blocks_and_behind_a_module_that_writes_over_its_input():
    model = torchvision.models.resnet18(num_classes=2)
    assert any(row.operation for row in layer_table(model, torch.rand(3, 32, 32)))
    attention = nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(4, 2, 4, batch_first=True))
    assert layer_table(attention, torch.rand(1, 3, 2, 2)).note == ""


def test_what_reads_a_tensor_that_was_filled_in_place_depends_on_the_image():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.part, self.whole = nn.Conv2d(1, 2, 3), nn.Conv2d(4, 1, 1)

        def forward(self, images):
            joined = torch.zeros(1, 4, 6, 6)
            joined[:, :2] = self.part(images)
            return self.whole(joined)

    table = layer_table(Halves(), torch.rand(1, 8, 8))
    assert table["whole"].depends
