"""The embedded LeNet-5: its layers, its weights, and what it can read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

import cnnwidgets.models
from cnnwidgets.data import LabelledImages, digits, mnist
from cnnwidgets.models import lenet5

WEIGHTS = Path(cnnwidgets.models.__file__).with_name("lenet5.safetensors")
OUTPUTS = {
    "C1": (6, 28, 28),
    "func1": (6, 28, 28),
    "S2": (6, 14, 14),
    "C3": (16, 10, 10),
    "func2": (16, 10, 10),
    "S4": (16, 5, 5),
    "C5": (120, 1, 1),
    "flatten": (120,),
    "F6": (84,),
    "func3": (84,),
    "OUTPUT": (10,),
}


def outputs(model: nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    kept = {}
    for name, layer in model.named_children():
        images = kept[name] = layer(images)
    return kept


def accuracy(model: nn.Module, dataset: LabelledImages) -> float:
    images = dataset.images.float() / (255 if dataset.images.dtype == torch.uint8 else 1)
    with torch.no_grad():
        right = [model(batch).argmax(dim=1) for batch in images.split(1000)]
    return (torch.cat(right) == dataset.targets).double().mean().item()


def test_the_layers_have_their_published_names_order_and_output_shapes():
    shapes = {name: tuple(output.shape) for name, output in outputs(lenet5(), torch.zeros(2, 1, 28, 28)).items()}
    assert list(shapes.items()) == [(name, (2, *shape)) for name, shape in OUTPUTS.items()]


def test_each_layer_has_as_many_parameters_as_worked_out_by_hand():
    counts = {
        name: sum(parameter.numel() for parameter in layer.parameters()) for name, layer in lenet5().named_children()
    }
    assert {name: count for name, count in counts.items() if count} == {
        "C1": 6 * (25 + 1),
        "C3": 16 * (6 * 25 + 1),
        "C5": 120 * (16 * 25 + 1),
        "F6": 84 * (120 + 1),
        "OUTPUT": 10 * (84 + 1),
    }
    assert sum(counts.values()) == 61_706


@pytest.mark.parametrize(("relu_after_c5", "reaches_f6"), [(False, -2.0), (True, 0.0)])
def test_a_negative_output_of_c5_reaches_f6_unless_the_relu_is_asked_for(relu_after_c5, reaches_f6):
    model = lenet5(relu_after_c5=relu_after_c5)
    with torch.no_grad():
        model.C5.weight.zero_()
        model.C5.bias.fill_(-2.0)
    flat = outputs(model, torch.zeros(1, 1, 28, 28))["flatten"]
    assert flat.tolist() == [[reaches_f6] * 120]


def test_the_extra_relu_stands_between_c5_and_flatten_under_a_name_of_its_own():
    names = [name for name, _ in lenet5(relu_after_c5=True).named_children()]
    expected = list(OUTPUTS)
    expected.insert(expected.index("flatten"), "func_c5")
    assert names == expected


def test_pretrained_weights_with_the_extra_relu_are_refused():
    with pytest.raises(ValueError, match="belong to the network without a ReLU after C5"):
        lenet5(pretrained=True, relu_after_c5=True)


def test_the_pretrained_network_leaves_the_random_numbers_alone():
    before = torch.get_rng_state()
    lenet5(pretrained=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_untrained_network_depends_on_the_seed_alone():
    torch.manual_seed(3)
    first = lenet5()
    torch.manual_seed(3)
    second = lenet5()
    assert torch.equal(first.C1.weight, second.C1.weight)
    assert not torch.equal(first.C1.weight, lenet5().C1.weight)


def test_the_pretrained_network_is_in_evaluation_mode_and_can_be_trained_on():
    model = lenet5(pretrained=True)
    assert not any(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_two_pretrained_networks_share_no_memory():
    first, second = lenet5(pretrained=True), lenet5(pretrained=True)
    before = second.F6.bias.clone()
    with torch.no_grad():
        first.F6.bias.zero_()
    assert torch.equal(second.F6.bias, before)
    assert before.abs().max() > 0


def test_the_weights_file_is_small_and_says_where_it_comes_from():
    assert WEIGHTS.stat().st_size < 300_000
    with safe_open(WEIGHTS, "pt") as file:
        metadata = file.metadata()
    assert metadata["seed"] == "42"
    assert metadata["data"].startswith("MNIST, 60,000 training images")
    assert float(metadata["accuracy_mnist_test"]) >= 0.985
    assert float(metadata["accuracy_digits"]) >= 0.92


def test_it_reads_the_digits_as_well_as_its_weights_file_says():
    with safe_open(WEIGHTS, "pt") as file:
        stated = float(file.metadata()["accuracy_digits"])
    measured = accuracy(lenet5(pretrained=True), digits())
    assert measured >= 0.92
    assert measured == pytest.approx(stated, abs=0.002)  # a close call may go the other way on another machine


def test_it_reads_mnists_test_images_as_well_as_its_weights_file_says(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with safe_open(WEIGHTS, "pt") as file:
        stated = float(file.metadata()["accuracy_mnist_test"])
    measured = accuracy(lenet5(pretrained=True), mnist(train=False))
    assert measured >= 0.985
    assert measured == pytest.approx(stated, abs=0.001)
