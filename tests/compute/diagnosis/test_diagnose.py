"""Findings, each with its evidence, and none without."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision import transforms

from cnnwidgets import data, models
from cnnwidgets.compute.diagnosis.diagnose import diagnose


def sound() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).eval()


IMAGES = [(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(i)), i % 3) for i in range(12)]


def topics(model: nn.Module, dataset: object = IMAGES, **options: object) -> list[str]:
    return [finding.topic for finding in diagnose(model, dataset, **options)]


def test_nothing_is_found_where_nothing_is_wrong():
    found = diagnose(sound(), IMAGES)
    assert list(found) == []
    assert not found
    assert repr(found) == "nothing found"


def test_training_mode_is_found_and_left_as_it_is():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU())
    model.train()
    (finding,) = diagnose(model, IMAGES)
    assert finding.topic == "training mode"
    assert "4 of 4 modules" in finding.evidence
    assert "1 BatchNorm2d" in finding.evidence
    assert model.training and model[1].training


def test_training_mode_without_a_layer_that_minds_is_no_finding():
    assert topics(sound().train()) == []


def test_the_lenet_of_the_walkthrough_lacks_an_activation_after_c5():
    (finding,) = diagnose(models.lenet5(pretrained=True), data.digits())
    assert finding.topic == "no nonlinearity"
    assert "'C5' and 'F6'" in finding.text
    assert topics(models.lenet5(relu_after_c5=True).eval(), data.digits()) in ([], ["dead units"])


def test_depthwise_and_pointwise_pairs_are_meant():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1), nn.Tanh())
    assert topics(model) == []


def test_a_name_registered_twice_is_found_in_the_source():
    class Overwritten(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential()
            self.net.add_module("func2", nn.Tanh())
            self.net.add_module("conv", nn.Conv2d(1, 2, 3))
            self.net.add_module("func2", nn.Tanh())

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.net(images)

    (finding,) = diagnose(Overwritten(), IMAGES)
    assert finding.topic == "name registered twice"
    assert finding.layer == "net.func2"
    assert finding.evidence == "lines 4, 6 of Overwritten.__init__"


def test_a_module_that_wraps_the_one_before_is_no_overwriting():
    class Wraps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)
            self.conv = nn.Sequential(self.conv, nn.Tanh())

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.conv(images)

    assert topics(Wraps()) == []


def test_a_relu_that_never_fires_is_counted():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    nn.init.zeros_(model[0].weight)
    model[0].bias.data = torch.tensor([-1.0, -1.0, -1.0, 1.0])
    (finding,) = diagnose(model, IMAGES)
    assert finding.topic == "dead units"
    assert finding.evidence == "8 images; 1 3 of 4"


def test_bytes_as_floats_look_wrong():
    (finding,) = diagnose(sound(), [(255 * image, label) for image, label in IMAGES])
    assert finding.topic == "normalisation"
    assert "0 to 255" in finding.text


class WithTransform(list):
    """A data set whose transform says Normalize, whatever the items are."""

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.25])])


def test_unnormalised_images_are_found_where_the_data_set_says_normalised():
    (finding,) = diagnose(sound(), WithTransform(IMAGES))
    assert finding.topic == "normalisation"
    assert "mean (0.5)" in finding.evidence


def test_normalised_images_are_as_they_should_be():
    assert topics(sound(), WithTransform([((image - 0.5) / 0.25, label) for image, label in IMAGES])) == []


def test_layers_that_never_run_are_named():
    model = sound()
    model.add_module("spare", nn.PReLU())
    model.add_module("empty", nn.Identity())  # without parameters it cannot be told whether its parent used it
    model.forward = lambda images: model[3](model[2](model[1](model[0](images))))
    (finding,) = diagnose(model, IMAGES)
    assert finding.topic == "never ran"
    assert finding.evidence == "spare"


class ByItsForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.Linear(36, 2)

    def forward(self, x):
        return self.part.forward(x.flatten(1))


class ByItsWeights(ByItsForward):
    def forward(self, x):
        return functional.linear(x.flatten(1), self.part.weight[:, :], bias=self.part.bias)


class InAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts, self.named = nn.ModuleList([nn.Linear(36, 2)]), nn.ModuleDict({"a": nn.ReLU()})

    def forward(self, x):
        return self.named["a"](self.parts[0](x.flatten(1)))


class InAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        tokens = x[:, 0]
        return self.attention(tokens, tokens, tokens)[0].mean(1)


class Recurrent(nn.Module):
    """Its parameters are handed on in a list."""

    def __init__(self):
        super().__init__()
        self.part = nn.LSTM(6, 2, batch_first=True)

    def forward(self, x):
        return self.part.forward(x[:, 0])[0].mean(1)


@pytest.mark.parametrize("kind", [ByItsForward, ByItsWeights, InAList, InAttention, Recurrent])
def test_modules_whose_parameters_are_used_are_not_said_never_to_have_run(kind):
    images = [(torch.rand(1, 6, 6), 0) for _ in range(2)]
    assert "never ran" not in topics(kind(), images)


def test_the_first_layer_that_is_not_finite_is_named():
    model = sound()
    model[0].bias.data[1] = float("nan")
    found = diagnose(model, IMAGES)
    assert [(f.topic, f.layer) for f in found] == [("not finite", "0")]
    assert "36 in image 0" in found[0].evidence


def test_too_few_class_names_are_found():
    (finding,) = diagnose(sound(), IMAGES, classes=["a", "b"])
    assert finding.topic == "class names"
    assert "3 outputs" in finding.text and "2 classes" in finding.text


def test_the_table_escapes_what_a_model_brings():
    found = diagnose(sound(), IMAGES, classes=["<img src=x onerror=alert(1)>", "b"])
    assert "<img" not in found._repr_html_()
    assert "&lt;img" in found._repr_html_()


def test_the_table_has_the_topic_as_the_heading_of_a_row():
    page = diagnose(sound(), IMAGES, classes=["a", "b"])._repr_html_()
    assert "<th>class names</th>" in page
    assert page.count("<tr") == 2
    assert all(f"<th>{word}</th>" in page for word in ("topic", "finding", "evidence"))


def test_fewer_than_one_image_is_refused():
    with pytest.raises(ValueError, match="count is a number of images, 1 or more, not 0"):
        diagnose(sound(), IMAGES, count=0)
