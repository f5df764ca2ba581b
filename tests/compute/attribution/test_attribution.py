"""Attributions whose numbers can be worked out by hand, against our own autograd, and against Captum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from captum import attr
from torch import nn
from torch.nn import functional as F

from cnnwidgets.compute.attribution.attribution import attributions
from cnnwidgets.compute.attribution.methods import METHODS
from cnnwidgets.compute.core.forward import ForwardError


def linear(weights, channels=1, side=2):
    """Scores of two classes: `weights` times the pixels, and 0."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, 2, bias=False))
    with torch.no_grad():
        model[1].weight.zero_()
        model[1].weight[0] = torch.tensor(weights)
    return model


@pytest.fixture
def image():
    return torch.tensor([[1.0, 2.0], [3.0, -4.0]]).reshape(1, 1, 2, 2)


WEIGHTS = [1.0, -2.0, 0.5, 3.0]


def test_the_saliency_of_a_linear_network_is_the_size_of_its_weights(image):
    found = attributions(linear(WEIGHTS), image, target=0)
    assert found.values.flatten().tolist() == [1.0, 2.0, 0.5, 3.0]
    assert (found.method, found.targets.tolist(), found.against, found.layer) == ("saliency", [0], None, None)


def test_input_times_gradient_of_a_linear_network_is_weight_times_pixel(image):
    found = attributions(linear(WEIGHTS), image, method="input_x_gradient", target=0)
    assert found.values.flatten().tolist() == [1.0, -4.0, 1.5, -12.0]


def test_against_takes_the_other_score_off(image):
    model = linear(WEIGHTS)
    with torch.no_grad():
        model[1].weight[1] = torch.tensor([1.0, 1.0, 1.0, 1.0])
    found = attributions(model, image, method="input_x_gradient", target=0, against=1)
    assert found.values.flatten().tolist() == [0.0, -6.0, -1.5, -8.0]
    found = attributions(model, image, method="occlusion", target=0, against=1, window=1, stride=1)
    assert found.values.flatten().tolist() == pytest.approx([0.0, -6.0, -1.5, -8.0])
    assert found.passes == 1 + 1 + 4


def test_occlusion_by_pixels_of_a_linear_network_is_weight_times_pixel_too(image):
    found = attributions(linear(WEIGHTS), image, method="occlusion", target=0, window=1, stride=1)
    assert found.values.flatten().tolist() == pytest.approx([1.0, -4.0, 1.5, -12.0])


def test_by_default_each_image_is_asked_about_its_own_highest_class(image):
    found = attributions(linear(WEIGHTS), torch.cat([image, -image]))  # scores -13.5 and 13.5 against 0
    assert found.targets.tolist() == [1, 0]
    assert found.values.flatten(1).tolist() == [[0.0] * 4, [1.0, 2.0, 0.5, 3.0]]


def test_each_image_may_have_a_target_of_its_own(image):
    found = attributions(linear(WEIGHTS), torch.cat([image, image]), target=[0, 1])
    assert found.values.flatten(1).tolist() == [[1.0, 2.0, 0.5, 3.0], [0.0] * 4]


@pytest.fixture
def curved():
    """Class 0 scores the sum of the squares, class 1 nothing."""

    class Squares(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            square = (self.scale * x).square().sum((1, 2, 3))
            return torch.stack([square, 0 * square], 1)

    return Squares()


def test_integrated_gradients_add_up_to_the_difference_of_the_scores(curved, image):
    found = attributions(curved, torch.cat([image, 2 * image]), method="integrated_gradients", target=0)
    assert found.values.flatten(1).tolist() == pytest.approx(
        torch.stack([image, 2 * image]).square().flatten(1).numpy(), rel=1e-4
    )
    found = attributions(curved, image, method="integrated_gradients", target=0, baseline=1.0)
    assert float(found.values.sum()) == pytest.approx(30.0 - 4.0, rel=1e-4)
    assert found.values.flatten().tolist() == pytest.approx([0.0, 3.0, 8.0, 15.0], abs=1e-3)
    assert "the sum differs from the difference of the scores by" in found.note


def test_integrated_gradients_keep_targets_apart_when_they_go_through_in_parts(curved, image, monkeypatch):
    from cnnwidgets.compute.attribution import methods as attribution_methods

    images = torch.cat([image, 2 * image, 3 * image])
    options = {"method": "integrated_gradients", "target": [0, 1, 0], "against": [1, 0, 1], "steps": 7}
    whole = attributions(curved, images, **options)
    monkeypatch.setattr(attribution_methods, "_AT_ONCE", 4 * 5)
    parts = attributions(curved, images, **options)
    torch.testing.assert_close(parts.values, whole.values)
    assert whole.values[1].sum() < 0 < whole.values[2].sum()


# ---------------------------------------------------------------------------------------------- Grad-CAM


def one_convolution(in_place=False):
    """Maps x and -2x, each averaged; class 0 scores 3 times the first mean plus the second, after a ReLU."""
    model = nn.Sequential()
    model.add_module("conv", nn.Conv2d(1, 2, 1, bias=False))
    model.add_module("relu", nn.ReLU(in_place))
    model.add_module("pool", nn.AdaptiveAvgPool2d(1))
    model.add_module("flatten", nn.Flatten())
    model.add_module("fc", nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model.conv.weight.copy_(torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1))
        model.fc.weight.copy_(torch.tensor([[3.0, 1.0], [0.0, 0.0]]))
    return model


@pytest.mark.parametrize("in_place", [False, True])
def test_grad_cam_weighs_maps_by_their_mean_gradient(in_place, image):
    found = attributions(one_convolution(in_place), image, method="grad_cam", target=0)
    # the maps behind the ReLU: 1 2 3 0 and 0 0 0 8; every gradient is 3 / 4 and 1 / 4
    assert found.layer == "relu"
    assert found.values.flatten().tolist() == pytest.approx([0.75, 1.5, 2.25, 2.0])


@pytest.mark.parametrize("in_place", [False, True])
def test_a_relu_in_place_does_not_falsify_grad_cam_of_the_layer_before_it(in_place, image):
    found = attributions(one_convolution(in_place), image, method="grad_cam", target=0, layer="conv")
    # x = 1 2 3 -4 and -2x; gradients 3/4 where x > 0 and 1/4 where x < 0: means 9/16 and 1/16, sum 7/16 x, cut at 0
    assert found.values.flatten().tolist() == pytest.approx([7 / 16, 14 / 16, 21 / 16, 0.0])


def test_grad_cam_is_enlarged_to_the_image(image):
    model = nn.Sequential(nn.AvgPool2d(2), *one_convolution())
    found = attributions(model, image.repeat_interleave(2, 2).repeat_interleave(2, 3), method="grad_cam", target=0)
    assert found.values.shape == (1, 1, 4, 4)
    assert found.values[0, 0, 0, 0] == pytest.approx(0.75)
    assert found.note == "2, maps of 2 × 2"


class Twice(nn.Module):
    """One ReLU that runs twice, in place."""

    def __init__(self):
        super().__init__()
        self.conv, self.again = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        x = self.relu(self.conv(x))
        return self.fc(self.relu(self.again(x)).mean((2, 3)))


def test_each_call_of_a_module_that_runs_twice_has_its_own_grad_cam():
    torch.manual_seed(1)
    model, image = Twice().eval(), torch.randn(1, 1, 6, 6)
    first = model.conv(image).relu()
    second = model.again(first).relu()
    for layer, maps in (("relu:1", first), ("relu:2", second)):
        score = model.fc(second.mean((2, 3)))[0, 0]
        gradient = torch.autograd.grad(score, maps, retain_graph=True)[0]
        wanted = (gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
        found = attributions(model, image, method="grad_cam", target=0, layer=layer)
        torch.testing.assert_close(found.values, wanted.detach())
    assert attributions(model, image, method="grad_cam").layer == "relu:2"
    with pytest.raises(LookupError, match="choose one of relu:1, relu:2"):
        attributions(model, image, method="grad_cam", layer="relu")


# ------------------------------------------------------------------------------------ guided backpropagation


class Guided(torch.autograd.Function):
    """A ReLU that lets positive parts of the gradient through: where it fired or, for deconvolution, everywhere."""

    @staticmethod
    def forward(ctx, x, everywhere):
        ctx.save_for_backward(x)
        ctx.everywhere = everywhere
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient.clamp(min=0) * (torch.ones_like(x) if ctx.everywhere else (x > 0)), None


RELUS = {
    "modules": lambda: [nn.ReLU(), nn.ReLU(), nn.ReLU()],
    "in place": lambda: [nn.ReLU(True), nn.ReLU(True), nn.ReLU(True)],
    "one module": lambda: [nn.ReLU()] * 3,
    "one module in place": lambda: [nn.ReLU(True)] * 3,
    "F.relu": lambda: [F.relu] * 3,
    "F.relu in place": lambda: [lambda x: F.relu(x, inplace=True), lambda x: F.relu(x, True), F.relu_],
    "torch.relu": lambda: [torch.relu, torch.Tensor.relu, torch.relu_],
    "result of an in place one not used": lambda: [lambda x: (F.relu_(x), x)[1]] * 3,
}


class Residual(nn.Module):
    """Two convolutions, a residual sum in place whose parts are read twice, and three ReLUs."""

    def __init__(self, relus):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.fc = nn.BatchNorm2d(4), nn.Linear(4, 3)
        if isinstance(relus[0], nn.Module):
            self.relus = nn.ModuleList(relus)
        else:
            self.functions = relus

    def forward(self, x):
        first, second, third = self.relus if hasattr(self, "relus") else self.functions
        x = self.one(x)
        out = first(x + 0)
        inner = second(self.norm(self.two(out))) * 1
        inner += out
        skip = inner.sin()
        return self.fc((third(inner * 1) + skip).mean((2, 3)))


@pytest.mark.parametrize("method", ["guided_backprop", "deconvolution"])
@pytest.mark.parametrize("relus", RELUS)
def test_guided_methods_treat_every_kind_of_relu(relus, method):
    images = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(3))
    reference = Residual([lambda x: Guided.apply(x, method == "deconvolution")] * 3).eval()
    given = images.clone().requires_grad_()
    wanted = torch.autograd.grad(reference(given)[:, 1].sum(), given)[0]
    found = attributions(Residual(RELUS[relus]()), images, method=method, target=1)
    torch.testing.assert_close(found.values, wanted)
    plain = attributions(Residual(RELUS[relus]()), images, target=1)
    assert not torch.allclose(plain.values, wanted.abs(), atol=1e-3)


def test_what_else_reads_the_input_of_a_relu_keeps_its_gradient():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.fc = nn.ReLU(), nn.Linear(1, 2, bias=False)
            nn.init.constant_(self.fc.weight, 1.0)

        def forward(self, x):
            x = x * 1
            return self.fc((self.relu(x) - 3 * x).sum((2, 3)))

    image = torch.tensor([[[[2.0, -2.0]]]])
    found = attributions(Both(), image, method="guided_backprop", target=0)
    assert found.values.flatten().tolist() == [1 - 3, -3]
    found = attributions(Both(), image, method="deconvolution", target=0)
    assert found.values.flatten().tolist() == [1 - 3, 1 - 3]


def test_guided_grad_cam_is_the_product_of_the_two():
    torch.manual_seed(2)
    model, images = Twice(), torch.randn(2, 1, 6, 6)
    product = [attributions(model, images, method=m, target=0).values for m in ("guided_backprop", "grad_cam")]
    found = attributions(model, images, method="guided_grad_cam", target=0)
    torch.testing.assert_close(found.values, product[0] * product[1])


# --------------------------------------------------------------------------------------- against Captum itself


@pytest.fixture
def ordinary():
    torch.manual_seed(5)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(20, 4)).eval()


@pytest.mark.parametrize("method", [name for name in METHODS if name != "occlusion"])
def test_on_a_model_that_captum_can_be_right_on_the_numbers_are_captums(method, ordinary):
    images = torch.randn(3, 3, 10, 10)
    found = attributions(ordinary, images, method=method, target=[1, 0, 3], steps=20).values
    given, target = images.clone().requires_grad_(), torch.tensor([1, 0, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = {
            "saliency": lambda: attr.Saliency(ordinary).attribute(given, target),
            "input_x_gradient": lambda: attr.InputXGradient(ordinary).attribute(given, target),
            "integrated_gradients": lambda: attr.IntegratedGradients(ordinary).attribute(
                given, target=target, n_steps=20
            ),
            "guided_backprop": lambda: attr.GuidedBackprop(ordinary).attribute(given, target),
            "deconvolution": lambda: attr.Deconvolution(ordinary).attribute(given, target),
            "grad_cam": lambda: attr.LayerAttribution.interpolate(
                attr.LayerGradCam(ordinary, ordinary[4]).attribute(given, target, relu_attributions=True),
                (10, 10),
                "bilinear",
            ),
            "guided_grad_cam": lambda: attr.GuidedGradCam(ordinary, ordinary[4]).attribute(
                given, target, interpolate_mode="bilinear"
            ),
        }[method]()
    torch.testing.assert_close(found, wanted.detach().float())


# ------------------------------------------------------------------------------------------- nothing is changed


@pytest.fixture
def lived_in():
    """A network with frozen weights, gradients, mixed modes, a hook of the user's and noise."""

    class Noisy(Residual):
        def forward(self, x):
            x += 0 * torch.rand_like(x)
            return super().forward(x)

    model = Noisy(RELUS["one module in place"]())
    model.norm.train()
    model.two.weight.requires_grad_(False)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    model.one.register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_changed_and_nobody_is_warned(method, grad, lived_in, watched):
    images = torch.randn(2, 2, 5, 5)
    kept, before = images.clone(), watched(lived_in)
    with torch.set_grad_enabled(grad), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = attributions(lived_in, images, method=method, steps=3)
    assert found.values.isfinite().all() and not found.values.requires_grad
    assert watched(lived_in) == before
    assert torch.equal(images, kept) and not images.requires_grad


@pytest.mark.parametrize("error", [ValueError("a trap"), KeyboardInterrupt("a trap")])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("last", [0, 1])
def test_nothing_is_changed_by_an_error_or_an_interrupt(method, error, last, lived_in, watched):
    calls = []

    def trap(*_):
        calls.append(1)
        if len(calls) > (2 if method.endswith("grad_cam") else 1) * last:
            raise error

    lived_in.relus[0].register_forward_hook(trap)
    images, before = torch.randn(1, 2, 5, 5), watched(lived_in)
    with pytest.raises((ForwardError, KeyboardInterrupt)):
        attributions(lived_in, images, method=method, steps=3)
    assert watched(lived_in) == before


@pytest.mark.parametrize("method", METHODS)
def test_frozen_networks_and_inference_mode_are_no_hindrance(method):
    model, images = Residual(RELUS["modules"]()), torch.randn(1, 2, 5, 5)
    wanted = attributions(model, images, method=method, steps=3).values
    model.requires_grad_(False)
    with torch.inference_mode():
        found = attributions(model, images + 0, method=method, steps=3).values
    torch.testing.assert_close(found, wanted)


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("method", ["guided_backprop", "deconvolution", "guided_grad_cam"])
def test_guided_methods_are_refused_where_there_is_no_relu(method):
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    with pytest.raises(ValueError, match=r"runs none \(it uses tanh\): the result would equal the plain gradient"):
        attributions(model, torch.ones(1, 1, 2, 2), method=method)


def test_activations_of_another_kind_beside_relus_are_told():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.SiLU(), nn.ReLU6(), nn.Flatten(), nn.Linear(8, 2))
    found = attributions(model, torch.ones(1, 1, 2, 2), method="guided_backprop")
    assert found.note == "only its 1 ReLUs are modified, not hardtanh, silu"


def test_guided_methods_are_refused_on_torchscript():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        part = torch.jit.script(nn.Sequential(nn.ReLU()))
    model = nn.Sequential(part, nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="must see each ReLU, and 0 is TorchScript"):
        attributions(model, torch.ones(1, 1, 2, 2), method="guided_backprop")


def test_a_network_that_cuts_the_gradient_is_refused_but_can_be_occluded(image):
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            with torch.no_grad():
                return self.fc(x.flatten(1))

    with pytest.raises(ValueError, match=r"no gradient with respect to the image.*occlusion needs no gradient"):
        attributions(Cut(), image)
    assert attributions(Cut(), image, method="occlusion").values.abs().sum() > 0


def test_a_network_that_overwrites_what_its_gradient_needs_is_refused(image):
    class Overwrites(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            x = torch.sigmoid(x)
            x += 1
            return self.fc(x.flatten(1))

    with pytest.raises(ValueError, match=r"overwrites .* occlusion needs no gradient"):
        attributions(Overwrites(), image)


def test_a_layer_that_the_score_does_not_come_from_is_refused(image):
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.aside, self.fc = nn.Conv2d(1, 1, 1), nn.Linear(4, 2)

        def forward(self, x):
            self.aside(x)
            return self.fc(x.flatten(1))

    with pytest.raises(ValueError, match="Grad-CAM: the score has no gradient with respect to the layer"):
        attributions(Aside(), image, method="grad_cam", layer="aside")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "salience"}, ValueError, "no method 'salience'; did you mean 'saliency'?"),
        ({"method": 3}, ValueError, "no method 3; there are saliency"),
        ({"target": 2}, ValueError, "no target 2; allowed: 0 to 1"),
        ({"target": -1}, ValueError, "no target -1; allowed: 0 to 1"),
        ({"target": [0, 1]}, ValueError, "target has 2 class numbers for 1 images"),
        ({"target": "cat"}, TypeError, "target is a class number, or one for each image, not 'cat'"),
        ({"target": 0, "against": 0}, ValueError, "target and against are the same class, 0"),
        ({"against": 7}, ValueError, "no against 7; allowed: 0 to 1"),
        ({"steps": 0}, ValueError, "steps must be a whole number, 1 or more, not 0"),
        ({"baseline": "grey"}, ValueError, "no baseline 'grey'"),
        ({"window": 3, "method": "occlusion"}, ValueError, "larger than the image"),
        ({"method": "grad_cam", "layer": "9"}, LookupError, "no layer '9'"),
        ({"layer": "9"}, LookupError, "no layer '9'"),
        ({"method": "grad_cam", "layer": "1"}, ValueError, "layer '1' has none: it puts out 2"),
        ({"method": "grad_cam"}, ValueError, "no layer of Sequential gives maps"),
        ({"score": "loss"}, ValueError, "score is 'logit', 'probability' or a function"),
    ],
)
def test_what_is_wrong_is_said_plainly(options, error, words, image, watched):
    model = linear(WEIGHTS)
    before = watched(model)
    with pytest.raises(error) as raised:
        attributions(model, image, **options)
    assert words in str(raised.value)
    assert watched(model) == before


def test_images_must_be_images(image):
    with pytest.raises(TypeError, match="images must be a tensor"):
        attributions(linear(WEIGHTS), "image.png")
    with pytest.raises(ForwardError, match="refused its input"):
        attributions(linear(WEIGHTS), torch.ones(1, 1, 3, 3))


def test_a_score_can_be_made_of_anything_the_network_gives():
    class Segment(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 1, bias=False)
            nn.init.constant_(self.conv.weight, 2.0)

        def forward(self, image, times):
            return {"out": times * self.conv(image)}

    found = attributions(
        Segment(),
        torch.ones(1, 1, 2, 2),
        score=lambda output: output["out"][:, 1, 0].mean(1),
        prepare=lambda images: {"image": images, "times": 3},
    )
    assert found.values.flatten().tolist() == [3.0, 3.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="the model gives a dict with out, not class scores"):
        attributions(Segment(), torch.ones(1, 1, 2, 2), prepare=lambda images: (images, 1))


def test_the_probability_is_explained_with_its_own_gradient(image):
    model = linear([0.5, 0.0, 0.0, 0.0])
    p = torch.softmax(torch.tensor([0.5, 0.0]), 0)[0].item()
    found = attributions(model, image, target=0, score="probability")
    assert found.values.flatten().tolist() == pytest.approx([0.5 * p * (1 - p), 0, 0, 0])


def test_maps_are_summed_over_the_channels():
    found = attributions(
        linear([1.0, 2.0], channels=2, side=1), torch.ones(1, 2, 1, 1), method="input_x_gradient", target=0
    )
    assert found.values.shape == (1, 2, 1, 1)
    assert found.maps.tolist() == [[[3.0]]]


def test_a_threshold_is_named_as_what_the_network_uses_instead_of_relus(image):
    model = nn.Sequential(nn.Threshold(0.0, 0.0), *linear(WEIGHTS))
    with pytest.raises(ValueError, match=r"runs none \(it uses threshold\)"):
        attributions(model, image, method="guided_backprop", target=0)


@pytest.mark.parametrize("method", ["grad_cam", "guided_grad_cam"])
def test_grad_cam_says_that_it_cannot_see_into_torchscript(image, method):
    model = torch.jit.script(nn.Sequential(nn.Conv2d(1, 1, 1), *linear(WEIGHTS)))
    with pytest.raises(ValueError, match="must see the maps of a layer, and the model is TorchScript"):
        attributions(model, image, method=method, layer="0")


# ---------------------------------------------------------------------------------- networks that mix the images


class Mixing(nn.Module):
    """Batch statistics, and attention between the images of a batch."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4, track_running_stats=False)
        self.relu, self.fc = nn.ReLU(), nn.Linear(4, 3)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x))).mean((2, 3))
        return self.fc(x + (x @ x.T).softmax(1) @ x)


@pytest.mark.parametrize("method", METHODS)
def test_the_map_of_an_image_does_not_depend_on_the_others(method):
    images = torch.randn(3, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    options = {"method": method, "steps": 5, "window": 2, "stride": 2, "baseline": "mean"}
    found = attributions(Mixing(), images, **options)
    alone = [attributions(Mixing(), image[None], **options) for image in images]
    assert found.targets.tolist() == [int(each.targets) for each in alone]
    torch.testing.assert_close(found.values, torch.cat([each.values for each in alone]))
    assert found.values.abs().sum() > 0 and "3 ReLUs" not in found.note
    chosen = attributions(Mixing(), images, target=[2, 1, 0], against=[0, 0, 1], **options)
    alone = attributions(Mixing(), images[2:], target=0, against=1, **options)
    torch.testing.assert_close(chosen.values[2:], alone.values)


def test_the_points_on_the_path_of_integrated_gradients_do_not_mix():
    model = Mixing().eval()
    image = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    total = torch.zeros_like(image)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        point = (float(node) * image).requires_grad_()
        total += float(weight) * torch.autograd.grad(model(point)[0, 1], point)[0]
    found = attributions(model, image, method="integrated_gradients", target=1, steps=6)
    torch.testing.assert_close(found.values, total * image)


@pytest.mark.parametrize("rows", [lambda x: torch.cat([x, x]), lambda x: x.sum(0, keepdim=True), lambda x: x[:1]])
def test_a_network_without_one_row_of_scores_for_each_image_is_refused(rows):
    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return rows(self.fc(x.flatten(1))) if len(x) > 1 else torch.cat([self.fc(x.flatten(1))] * 2)

    with pytest.raises(ValueError, match=r"for . images the model gives . x 2, which is not one result each"):
        attributions(Rows(), torch.rand(3, 1, 2, 2))


class Complex(nn.Module):
    """Complex maps, whose sizes a layer weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 3, dtype=torch.complex64), nn.Linear(72, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x.to(torch.complex64)).abs().flatten(1))


class Cut(nn.Module):
    """No gradient comes through, though the weights behind have one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(72, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.relu(self.conv(x)).detach().flatten(1))


def test_what_has_no_gradient_and_complex_maps_are_said_in_words():
    image = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match="no layer of Complex gives maps of real numbers"):
        attributions(Complex(), image, method="grad_cam")
    with pytest.raises(ValueError, match="layer 'conv' has none: it puts out 2 @ 6x6 complex numbers; nor has any"):
        attributions(Complex(), image, method="grad_cam", layer="conv")
    for method in ("saliency", "guided_backprop", "deconvolution"):
        with pytest.raises(ValueError, match="the score has no gradient with respect to the image"):
            attributions(Cut(), image, method=method)
