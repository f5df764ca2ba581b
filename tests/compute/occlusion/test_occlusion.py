"""Occlusion maps: numbers worked out by hand, Captum's numbers, whatever a network gives, and bad input."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnwidgets import Occluder, occlusion
from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.layers import mixes_images


class Pixels(nn.Module):
    """Two classes: the sum of all pixels, and ten times that of the pixel at (1, 4)."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(10.0))

    def forward(self, x):
        return torch.stack([x.sum((1, 2, 3)), self.factor * x[:, 0, 1, 4]], dim=1)


class Gives(nn.Module):
    """Gives whatever `make` makes of the images."""

    def __init__(self, make):
        super().__init__()
        self.make, self.weight = make, nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.make(x)


def small_net():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3, stride=2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 5),
    ).eval()


PHOTO = torch.arange(18.0).reshape(1, 1, 3, 6)


def test_each_score_is_that_of_the_image_with_the_patch_in_its_place():
    found = occlusion(Pixels(), PHOTO, target=0, window=(1, 2), stride=(1, 2))
    # the sum of all is 153; rows of pairs: 0+1, 2+3, 4+5 / 6+7, 8+9, 10+11 / 12+13 ...
    assert found.scores.tolist() == [[[152, 148, 144], [140, 136, 132], [128, 124, 120]]]
    assert found.unoccluded.tolist() == [153]
    assert found.change[0, 2].tolist() == [25, 29, 33]
    assert found.complete and found.targets.tolist() == [0]


def test_an_object_off_centre_in_an_oblong_image_is_found_where_it_is():
    found = occlusion(Pixels(), PHOTO, target=1, window=1, stride=1)
    hit = torch.zeros(3, 6)
    hit[1, 4] = 100  # ten times the pixel's 10
    assert torch.equal(found.change[0], hit)
    assert found.boxes[1, 4].tolist() == [1, 4, 2, 5]
    assert torch.equal(found.upsample()[0], hit)


def test_the_borders_are_visited_where_the_stride_does_not_fit():
    found = occlusion(Pixels(), torch.ones(1, 1, 5, 7), target=0, window=3, stride=3)
    assert found.change[0].tolist() == [[9, 9, 3], [6, 6, 2]]


def test_upsampled_is_the_mean_over_the_patches_that_hide_a_pixel():
    found = occlusion(Gives(sums), PHOTO[:, :, :1].clone(), target=0, window=(1, 4), stride=(1, 2))
    # patches hide 0+1+2+3 = 6 and 2+3+4+5 = 14
    assert found.change.tolist() == [[[6, 14]]]
    assert found.upsample().tolist() == [[[6, 6, 10, 10, 14, 14]]]


def test_pixels_that_no_patch_hides_are_nan():
    found = occlusion(Gives(lambda x: x.flatten(1)), torch.ones(1, 1, 1, 5), target=0, window=(1, 1), stride=(1, 3))
    map_ = found.upsample()[0, 0]
    assert map_.isnan().tolist() == [False, True, True, False, True]
    assert map_[[0, 3]].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("target", "shape", "classes"), [(None, (2, 3, 3), [1, 1]), (1, (2, 3, 3), [1, 1]), ([1, 0], (2, 2, 3, 3), None)]
)
def test_one_class_several_or_the_predicted_one(target, shape, classes):
    images = torch.cat([PHOTO, PHOTO + 100])
    found = occlusion(Pixels(), images, target=target, window=(1, 2), stride=(1, 2))
    assert found.scores.shape == shape
    if classes is None:
        assert found.unoccluded.tolist() == [[100, 153], [1100, 1953]]
        assert found.targets.tolist() == [[1, 0], [1, 0]]
        assert found.upsample().shape == (2, 2, 3, 6)
    else:
        best = [0, 0] if target is None else classes  # 153 > 100, 1953 > 1100
        assert found.targets.tolist() == best


def test_a_probability_is_the_softmax_of_logits():
    model = Gives(lambda x: torch.stack([x[:, 0, 0, 0], torch.zeros(len(x))], dim=1))
    found = occlusion(model, torch.full((1, 1, 1, 2), 3.0).log(), target=0, window=1, stride=1, score="probability")
    assert found.unoccluded.tolist() == pytest.approx([0.75])
    assert found.scores[0, 0].tolist() == pytest.approx([0.5, 0.75])


def test_probabilities_are_not_put_through_the_softmax_again():
    model = Gives(lambda x: torch.stack([x[:, 0, 0, 0], 1 - x[:, 0, 0, 0]], dim=1))
    found = occlusion(model, torch.full((1, 1, 1, 2), 0.25), target=1, window=1, stride=1, score="probability")
    assert found.scores.tolist() == [[[1, 0.75]]]


@pytest.mark.parametrize("back", [torch.bfloat16, torch.float32])
def test_probabilities_in_bfloat16_are_not_put_through_the_softmax_again(back):
    shares = torch.tensor([0.61, 0.29, 0.0989, 0.0011]).bfloat16()
    assert abs(float(shares.double().sum()) - 1) > 1e-3
    model = Gives(lambda x: (shares + 0 * x[:, 0, :1, 0]).to(back)).bfloat16()
    found = occlusion(model, torch.ones(1, 1, 1, 2), target=0, window=1, stride=1, score="probability")
    assert found.unoccluded.tolist() == [float(shares[0])]


def test_a_layer_says_how_much_each_of_its_maps_changes(doubling):
    model = nn.Sequential(doubling, nn.Flatten(), nn.Linear(4, 2))  # -2 times the image of 1, 2, 3, 4
    found = occlusion(model, torch.arange(1.0, 5).reshape(1, 2, 2), layer="0", window=1, stride=1)
    assert found.scores.tolist() == [[[[0.5, 1], [1.5, 2]]]]  # mean over four pixels of 2 * value
    assert torch.equal(found.change, found.scores)
    assert found.targets is None and found.unoccluded.tolist() == [[0]]


def test_a_layer_ends_the_pass_and_a_vector_changes_number_by_number(counted):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False), nn.ReLU(), nn.Linear(2, 2))
    nn.init.constant_(model[1].weight, 1.0)
    assert not mixes_images(model, torch.ones(1, 1, 2, 2))
    calls = counted(model)
    found = occlusion(model, torch.arange(1.0, 5).reshape(1, 1, 2, 2), layer="1", window=1, stride=1)
    assert found.scores.tolist() == [[[[1, 2], [3, 4]], [[1, 2], [3, 4]]]]
    assert calls["1"] > 0 and calls["3"] == 0


def test_a_disc_hides_less_than_a_square():
    ones = torch.ones(1, 1, 4, 4)
    assert occlusion(Gives(sums), ones, target=0, window=4, stride=4).change.item() == 16
    assert occlusion(Gives(sums), ones, target=0, window=4, stride=4, shape="disc").change.item() == 12


def sums(x):
    return x.sum((2, 3)).repeat(1, 2)


def test_a_constant_image_under_its_own_mean_changes_nothing():
    found = occlusion(small_net(), torch.full((1, 3, 9, 12), 0.3), baseline="mean", target=2)
    assert found.change.abs().max() < 1e-6


def test_bytes_are_taken_as_fractions():
    found = occlusion(Pixels(), torch.full((1, 3, 6), 255, dtype=torch.uint8), target=0, window=3, stride=3)
    assert found.scores.tolist() == [[[9, 9]]]


@pytest.mark.parametrize("window, stride", [((4, 6), (4, 6)), ((5, 4), (2, 3)), ((4, 4), (3, 4))])
@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_the_upsampled_change_is_captums_occlusion(window, stride, baseline):
    from captum.attr import Occlusion

    model, images = small_net(), torch.randn(2, 3, 13, 17)
    found = occlusion(model, images, target=3, window=window, stride=stride, baseline=baseline)
    with torch.no_grad():
        expected = Occlusion(model).attribute(images, (3, *window), (3, *stride), baseline, target=3)
    assert expected.abs().max() > 0.01
    assert torch.allclose(found.upsample(), expected[:, 0], atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=15)
@given(size=st.integers(1, 40), other=st.integers(1, 40), images=st.integers(1, 3))
def test_the_map_does_not_depend_on_the_size_of_the_batches(size, other, images):
    model, photos = small_net(), torch.randn(images, 3, 11, 8)
    maps = [occlusion(model, photos, window=3, stride=2, batch_size=number) for number in (size, other)]
    assert torch.allclose(maps[0].scores, maps[1].scores, atol=1e-6)


def test_each_place_takes_one_pass_and_the_whole_image_one(counted):
    model = Pixels()
    assert not mixes_images(model, torch.ones(1, 1, 3, 6))
    images = []
    model.register_forward_pre_hook(lambda part, args: images.append(len(args[0])))
    occlusion(model, torch.ones(2, 1, 3, 6), target=0, window=1, stride=1, batch_size=5)
    assert sum(images) == 2 * (1 + 18) and max(images) == 5


def test_nan_scores_stay_where_they_are():
    model = Gives(lambda x: torch.stack([x.sum((1, 2, 3)).log(), x[:, 0, 0, 0]], dim=1))
    found = occlusion(model, torch.tensor([[[[1.0, -0.8, 0.5]]]]), target=0, window=1, stride=1)
    # the logarithms of -0.3, 1.5 and 0.2
    assert found.scores.isnan().tolist() == [[[True, False, False]]]
    assert found.scores[0, 0, 1:].exp().tolist() == pytest.approx([1.5, 0.2])
    with pytest.raises(ValueError, match=r"scores of the whole image are not finite, .* give a target"):
        occlusion(model, torch.tensor([[[[-1.0, -0.8, 0.5]]]]), window=1, stride=1)


def test_a_dict_or_a_class_a_pixel_is_chosen_with_score():
    model = Gives(lambda x: {"out": x.repeat(1, 2, 1, 1), "aux": x})
    found = occlusion(model, PHOTO, window=3, stride=3, score=lambda output: output["out"][:, 1].mean((1, 2)))
    assert found.change.tolist() == [[[(0 + 1 + 2 + 6 + 7 + 8 + 12 + 13 + 14) / 18, 5.0]]]


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (Pixels(), {"target": 2}, "no target 2; allowed: 0 to 1"),
        (Pixels(), {"target": [0, -1]}, "no target -1; allowed: 0 to 1"),
        (Pixels(), {"target": []}, "empty list"),
        (Pixels(), {"window": 4}, "window of 4 x 4 is larger than the image of 3 x 6"),
        (Pixels(), {"stride": 0}, "stride must be 1 pixel or more, not 0"),
        (Pixels(), {"score": "loss"}, "score is 'logit', 'probability' or a function .* not 'loss'"),
        (Pixels(), {"target": 1, "layer": "conv"}, "either a target or a layer"),
        (Gives(lambda x: x.sum((2, 3))), {"score": "probability"}, "softmax of a single score is always 1; .* score="),
        (Gives(lambda x: x.sum((2, 3))[:, :0]), {}, "gives [0-9]+ x 0, not class scores"),
        (Gives(lambda x: {"out": x, "aux": x}), {}, "gives a dict with out, aux, not class scores; .* score="),
        (Gives(lambda x: (x, x)), {}, "gives a tuple, not class scores"),
        (Gives(lambda x: x.repeat(1, 2, 1, 1)), {}, "gives [0-9]+ x 2 x 3 x 6, not class scores"),
        (Gives(lambda x: x.sum((1, 2, 3))), {}, "gives [0-9]+, not class scores"),
        (Gives(lambda x: x.flatten(1)[:1]), {}, "which is not one result each"),
    ],
)
def test_what_cannot_be_done_says_what_can(model, options, words):
    with pytest.raises(ValueError, match=words):
        occlusion(model, PHOTO, **{"window": 2, **options})


@pytest.mark.parametrize(
    ("images", "error", "words"),
    [
        ([1, 2], TypeError, "images must be a tensor .* not list"),
        (torch.zeros(3, 6), ValueError, "not 3 x 6"),
        (torch.zeros(0, 1, 3, 6), ValueError, "hold pixels, not 0 x 1 x 3 x 6"),
    ],
)
def test_what_is_no_image_is_refused(images, error, words):
    with pytest.raises(error, match=words):
        occlusion(Pixels(), images)


def test_unknown_layers_and_what_a_layer_refuses_are_named():
    with pytest.raises(LookupError, match="no layer 'conv'"):
        occlusion(small_net(), torch.zeros(3, 9, 9), layer="conv")
    with pytest.raises(ForwardError, match=r"layer '0' \(Conv2d\) refused its input: .*wants 3 channels"):
        occlusion(small_net(), torch.zeros(1, 9, 9))


def test_the_target_is_a_class_number():
    with pytest.raises(TypeError, match="target is a class number or several, not 'cat'"):
        occlusion(Pixels(), PHOTO, target="cat")


def test_hiding_the_cat_lowers_its_score_and_captum_agrees(data_root):
    from captum.attr import Occlusion

    from cnnwidgets.data import photos
    from cnnwidgets.models import pretrained

    model = pretrained("resnet18", data_root / "weights" / "resnet18-imagenet-pq.pth").model
    cat = photos()[0][0][None]
    found = occlusion(model, cat, window=56, stride=28)
    assert 281 <= found.targets.item() <= 287  # tabby ... lynx
    with torch.no_grad():
        expected = Occlusion(model).attribute(
            cat, (3, 56, 56), (3, 28, 28), target=found.targets.item(), perturbations_per_eval=7
        )
    assert torch.allclose(found.upsample(), expected[:, 0], atol=1e-5 * float(found.unoccluded), rtol=0)
    assert found.change.max() > 0.2 * found.unoccluded


def test_a_layer_in_torchscript_is_refused_by_that_name():
    with pytest.raises(ValueError, match="layer '0' is TorchScript"):
        occlusion(torch.jit.script(small_net()), torch.zeros(1, 3, 6, 6), layer="0")


def test_a_single_score_counts_as_class_0():
    found = occlusion(Pixels(), PHOTO, window=3, score=lambda output: output[:, 1])
    assert found.targets.tolist() == [0]


@pytest.mark.parametrize("batch_size", [None, 1, 9])
@pytest.mark.parametrize("layer", [None, "1"])
def test_a_network_that_mixes_the_images_of_a_batch_gets_one_at_a_time(layer, batch_size):
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6, track_running_stats=False), nn.ReLU(), nn.Flatten()]
    model = nn.Sequential(*parts, nn.Linear(96, 4))
    images = torch.rand(2, 3, 6, 6)
    options = {"target": 1} if layer is None else {"layer": layer}
    found = occlusion(model, images, window=2, stride=2, batch_size=batch_size, **options)
    for number, image in enumerate(images):
        for row in range(3):
            for column in range(3):
                hidden = image[None].clone()
                hidden[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 0
                wanted = model(hidden)[0, 1]
                if layer is not None:
                    wanted = (model[:2](hidden) - model[:2](image[None])).abs().mean((2, 3))[0]
                torch.testing.assert_close(found.scores[number, ..., row, column], wanted.detach())


def test_two_images_under_one_patch_do_not_mix_either():
    model = nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten())
    images = torch.stack([torch.arange(4.0).reshape(1, 2, 2), torch.arange(4.0).reshape(1, 2, 2).square()])
    at = Occluder(model, images, window=1, stride=1).at(0, 1)
    for image, found in zip(images, at, strict=True):
        hidden = image.clone()
        hidden[0, 0, 1] = 0
        torch.testing.assert_close(
            found, ((hidden - hidden.mean()) / (hidden.var(correction=0) + 1e-5).sqrt()).flatten()
        )
