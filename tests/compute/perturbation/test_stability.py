"""Scores while an image is changed more and more."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import cnnwidgets as cw
from cnnwidgets.compute.core import counting


class Brightness(nn.Module):
    """Two classes: dark and bright, with a threshold of 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([self.threshold.expand_as(mean), mean], 1)


def test_each_row_is_the_scores_of_the_image_changed_so():
    model, image = cw.models.lenet5(pretrained=True), cw.data.digits()[0][0]
    found = cw.stability(model, image, "rotate", range(-40, 41, 20), blur=0.5)
    for value, row in zip(found.values, found.scores, strict=True):
        alone = model.eval()(cw.perturb(image, rotate=value, blur=0.5)[None])[0].softmax(0)
        assert_close(row.float(), alone.detach(), atol=1e-5, rtol=0)


def test_the_prediction_flips_half_way_between_two_values():
    found = cw.stability(Brightness(), torch.full((1, 2, 2), 0.4), "brightness", [0.5, 1.0, 1.5, 2.0])
    assert found.targets == [0, 0, 1, 1]
    assert found.flips == [(1.25, 0, 1)]


def test_a_range_of_41_values_is_one_pass():
    model, values = Brightness(), torch.linspace(-90, 90, 41).tolist()
    cw.stability(model, torch.rand(1, 4, 4), "rotate", [0, 1])  # finds out that it does not mix the images of a batch
    with counting(model) as passes:
        cw.stability(model, torch.rand(1, 4, 4), "rotate", values)
    assert len(passes) == 1


def test_a_network_that_puts_out_probabilities_is_taken_at_its_word():
    model = nn.Sequential(Brightness(), nn.Softmax(1))
    found = cw.stability(model, torch.full((1, 2, 2), 0.4), "brightness", [1.0])
    assert_close(found.scores[0], torch.tensor([0.5, 0.4]).double().softmax(0), atol=1e-6, rtol=0)


def test_the_model_is_as_it_was_in_training_mode_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cw.stability(model, torch.rand(1, 8, 8), "noise", [0.0, 0.1])
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((torch.rand(1, 4, 4), "spin", [1]), {}, TypeError, "no change 'spin'"),
        ((torch.rand(1, 4, 4), "rotate", []), {}, ValueError, "1 to 1000 numbers"),
        ((torch.rand(2, 1, 4, 4), "rotate", [1]), {}, ValueError, "one image, not of 2"),
        ((torch.rand(1, 4, 4), "rotate", [1]), {"rotate": 2}, TypeError, "cannot have another value"),
        ((torch.rand(1, 4, 4), "rotate", [1000]), {}, ValueError, "from -360 to 360"),
    ],
)
def test_bad_input_is_named(arguments, options, error, words):
    image, change, values = arguments
    with pytest.raises(error, match=words):
        cw.stability(Brightness(), image, change, values, **options)


def test_a_network_without_class_scores_is_refused():
    with pytest.raises(TypeError, match=r"class scores \(N, K\)"):
        cw.stability(nn.Conv2d(1, 2, 3), torch.rand(1, 8, 8), "rotate", [1.0])
