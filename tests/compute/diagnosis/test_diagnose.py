"""Findings, each with its evidence, and none without."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision import transforms

from cnnwidgets import data, models
from cnnwidgets.compute.diagnosis.channels import duplicates
from cnnwidgets.compute.diagnosis.diagnose import diagnose
from cnnwidgets.compute.scan import scan


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


def with_faults() -> nn.Module:
    """Of 20 channels: 7 is dead in all images, 2, 11 and 4 do the same, and 5 does twice as much."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 20, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20 * 36, 3)).eval()
    with torch.no_grad():
        model[0].bias[7] = -100
        model[0].bias += (torch.arange(20) != 7) * 0.5
        for to, scale in ((11, 1), (4, 1), (5, 2)):
            model[0].weight[to], model[0].bias[to] = scale * model[0].weight[2], scale * model[0].bias[2]
    return model


def test_a_scan_tells_the_dead_and_the_duplicate_channels_of_all_images():
    model = with_faults()
    assert topics(model) == []  # less than a tenth are dead
    found = diagnose(model, IMAGES, scan=scan(model, IMAGES, progress=False))
    assert [(finding.topic, finding.layer, finding.evidence) for finding in found] == [
        ("dead units", "1", "12 images; 1: 1 (7) of 20"),
        ("duplicate channels", "0", "12 images; 0: 2 = 4 = 11"),
    ]
    part = scan(model, IMAGES, part=(0, 2), progress=False)
    assert diagnose(model, IMAGES, scan=part)[0].evidence.startswith("6 of 12 images; ")


def test_channels_that_differ_in_a_single_image_are_no_duplicates():
    model = with_faults()
    with torch.no_grad():
        model[0].weight[11] *= 1.01
    found = scan(model, IMAGES, ["0"], progress=False)["0"]
    assert duplicates(found) == [[2, 4]]


def test_layers_that_were_not_scanned_are_told_by_the_images_looked_at():
    model = nn.Sequential(with_faults()[0], nn.ReLU(), nn.Conv2d(20, 4, 1), nn.ReLU())
    with torch.no_grad():
        model[2].bias[:] = torch.tensor([9.0, -1e3, -1e3, 9.0])
    found = diagnose(model, IMAGES, scan=scan(model, IMAGES, ["1"], progress=False))
    dead = [finding.evidence for finding in found if finding.topic == "dead units"]
    assert dead == ["12 images; 1: 1 (7) of 20", "8 images; 3 2 of 4"]


def test_a_scan_of_other_weights_or_images_is_refused():
    model = with_faults()
    with pytest.raises(ValueError, match="is of 5 images, and the data set has 12"):
        diagnose(model, IMAGES, scan=scan(model, IMAGES[:5], progress=False))
    old = scan(model, IMAGES, progress=False)
    with torch.no_grad():
        model[0].bias += 1
    with pytest.raises(ValueError, match="of other weights"):
        diagnose(model, IMAGES, scan=old)


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
