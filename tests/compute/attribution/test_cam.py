"""The layer that Grad-CAM takes by default, and maps that come as parts, as tokens, or for another image."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from cnnwidgets.compute.attribution.attribution import attributions

Pair = namedtuple("Pair", "low high")


@dataclass(frozen=True)
class Levels:
    low: torch.Tensor
    high: torch.Tensor | None = None


class Output(OrderedDict):
    """A dict whose entries are attributes too, as transformers' outputs are."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        object.__setattr__(self, key, value)


FORMS = {
    "tuple": (lambda low, high: (low, high), lambda found: found[1], "body.1"),
    "tuple with None": (lambda low, high: (None, high), lambda found: found[1], "body.1"),
    "first of a tuple": (lambda low, high: (high, None), lambda found: found[0], "body.0"),
    "list": (lambda low, high: [low, high], lambda found: found[1], "body.1"),
    "dict": (lambda low, high: {"low": low, "high": high}, lambda found: found["high"], "body.high"),
    "numbers as keys": (lambda low, high: {1: low, 2: high}, lambda found: found[2], "body.2"),
    "named tuple": (Pair, lambda found: found.high, "body.high"),
    "data class": (Levels, lambda found: found.high, "body.high"),
    "dict with attributes": (lambda low, high: Output(low=low, high=high), lambda found: found.high, "body.high"),
    "nested": (lambda low, high: {"all": [low, (high, None)]}, lambda found: found["all"][1][0], "body.all.1.0"),
    "a key that is a child too": (lambda low, high: {"a": low, "one": high}, lambda found: found["one"], "body[one]"),
}


class Body(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.one, self.two, self.form = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2), form

    def forward(self, x):
        low = self.one(x).relu()
        return self.form(low, self.two(low).relu())


class Net(nn.Module):
    """A body that returns its maps in some form, and a head for one of them."""

    def __init__(self, form, choose):
        super().__init__()
        torch.manual_seed(1)
        self.body, self.head, self.choose = Body(form), nn.Linear(6, 3), choose

    def forward(self, x):
        return self.head(self.choose(self.body(x)).mean((2, 3)))


def grad_cam(score, maps, size):
    """Grad-CAM by the formula of the paper, enlarged."""
    gradient = torch.autograd.grad(score, maps, retain_graph=True)[0]
    found = (gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()
    return nn.functional.interpolate(found, size, mode="bilinear").detach()


@pytest.mark.parametrize("name", FORMS)
def test_a_part_of_what_a_layer_returns_is_taken_by_default(name):
    form, choose, layer = FORMS[name]
    model, image = Net(form, choose).eval(), torch.rand(1, 3, 12, 12)
    maps = choose(model.body(image))
    wanted = grad_cam(model.head(maps.mean((2, 3)))[0, 1], maps, (12, 12))
    found = attributions(model, image, method="grad_cam", target=1)
    assert found.layer == layer and wanted.any()
    torch.testing.assert_close(found.values, wanted)
    torch.testing.assert_close(attributions(model, image, method="grad_cam", target=1, layer=layer).values, wanted)


class Siamese(nn.Module):
    """Scores of one image and another by the same body."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())
        nn.init.ones_(self.body[0].weight)

    def forward(self, one, other):
        score = self.body(one).mean((1, 2, 3)) - self.body(other).mean((1, 2, 3))
        return torch.stack([score, -score], 1)


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_images_the_maps_of_the_one_that_is_explained_are_taken(swapped):
    image, other = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    image[..., 3, 12] = 1
    prepare = (lambda x: (other.expand_as(x), x)) if swapped else (lambda x: (x, other.expand_as(x)))
    options = {"method": "grad_cam", "target": int(swapped), "prepare": prepare}
    found = attributions(Siamese(), image, **options)
    assert found.layer == ("body:2" if swapped else "body:1")
    wanted = torch.zeros(16, 16)
    wanted[2:5, 11:14] = 1 / 256  # the sum over 3 × 3 pixels, times the gradient of a mean
    torch.testing.assert_close(found.values[0, 0], wanted)
    layer = "body.0:1" if swapped else "body.0:2"
    with pytest.raises(ValueError, match=f"layer '{layer}' does not depend on the image that is explained"):
        attributions(Siamese(), image, layer=layer, **options)


def test_a_branch_that_the_score_does_not_use_is_not_taken():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.out, self.aux = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, 3)

        def forward(self, x):
            x = self.body(x)
            return {"out": self.out(x).mean((2, 3)), "aux": self.aux(x).mean((2, 3))}

    for name in ("out", "aux"):
        found = attributions(Heads(), torch.rand(1, 1, 8, 8), method="grad_cam", score=lambda o, name=name: o[name])
        assert found.layer == name


def test_a_tensor_handed_on_by_a_layer_that_nobody_reads_is_not_taken():
    class Hands(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.tap, self.fc = nn.Conv2d(1, 2, 3), nn.Sequential(), nn.Linear(2, 2)

        def forward(self, x):
            x = self.body(x)
            self.tap(x)
            return self.fc(x.mean((2, 3)))

    assert attributions(Hands(), torch.rand(1, 1, 8, 8), method="grad_cam").layer == "body"


class Attention(nn.Module):
    """Self-attention whose weights pass through a module."""

    def __init__(self, size):
        super().__init__()
        self.norm, self.qkv, self.weights, self.heads = nn.LayerNorm(size), nn.Linear(size, 3 * size), nn.Softmax(-1), 2

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return x + (self.weights(q @ k.mT) @ v).transpose(1, 2).flatten(2)


class Transformer(nn.Module):
    """Patches as tokens behind `extra` others, two blocks, and a head for the mean or the first token."""

    def __init__(self, extra=1, pooled=False, first=False):
        super().__init__()
        torch.manual_seed(2)
        self.patches, self.extra = nn.Conv2d(3, 8, 4, stride=4), nn.Parameter(torch.randn(1, extra, 8))
        self.blocks, self.head = nn.ModuleList([Attention(8), Attention(8)]), nn.Linear(8, 3)
        self.pooled, self.first = pooled, first

    def tokens(self, x):
        x = self.patches(x).flatten(2).mT
        return torch.cat([self.extra.expand(len(x), -1, -1), x], 1)

    def classify(self, tokens):
        return self.head(tokens.mean(1) if self.pooled else tokens[:, 0])

    def forward(self, x):
        x = self.tokens(x)
        for block in self.blocks:
            x = block(x)
        return self.classify(x)


@pytest.mark.parametrize("size", [(32, 32), (16, 32)])
@pytest.mark.parametrize(("extra", "pooled", "layer"), [(1, False, 0), (5, False, 0), (0, True, 1), (1, True, 1)])
def test_tokens_are_taken_as_a_grid_where_they_count_last(extra, pooled, layer, size):
    model, images = Transformer(extra, pooled).eval(), torch.rand(2, 3, *size)
    tokens = model.tokens(images)
    for block in model.blocks[: layer + 1]:
        tokens = block(tokens)
    grid = tokens[:, extra:].mT.unflatten(2, (size[0] // 4, size[1] // 4))
    rest = torch.cat([tokens[:, :extra], grid.flatten(2).mT], 1)
    for block in model.blocks[layer + 1 :]:
        rest = block(rest)
    scores = model.classify(rest).sum(0)
    for target, score in enumerate(scores):
        found = attributions(model, images, method="grad_cam", target=target)
        assert found.note.startswith(f"blocks.{layer}, tokens as maps of {size[0] // 4} × {size[1] // 4}")
        torch.testing.assert_close(found.values, grad_cam(score, grid, size))


def test_an_attention_matrix_is_taken_on_demand_alone_and_said_to_be_none():
    model, image = Transformer(0, pooled=True).eval(), torch.rand(1, 3, 32, 32)
    found = attributions(model, image, method="grad_cam", target=0, layer="blocks.1.weights")
    assert "its maps do not change where the image does" in found.note
    found = attributions(model, image, method="grad_cam", target=0, layer="blocks.0")
    assert "do not change" not in found.note


def test_tokens_in_sequence_first_order_are_a_grid_too():
    class First(Transformer):
        def __init__(self):
            super().__init__(0, pooled=True)
            self.last = nn.Linear(8, 8)

        def forward(self, x):
            return self.head(self.last(self.tokens(x).transpose(0, 1)).mean(0))

    model, images = First().eval(), torch.rand(2, 3, 16, 16)
    maps = model.last(model.tokens(images)).mT.unflatten(2, (4, 4))
    wanted = grad_cam(model.head(maps.mean((2, 3)))[:, 1].sum(), maps, (16, 16))
    found = attributions(model, images, method="grad_cam", target=1)
    assert found.layer == "last"
    torch.testing.assert_close(found.values, wanted)


def test_tokens_that_are_mixed_and_channels_that_look_like_them_are_kept_apart():
    class Mixer(nn.Module):
        """Mixes 16 tokens of 25 numbers; turned round, these are 25 tokens."""

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.mix, self.head = nn.Conv2d(3, 25, 4, stride=4), nn.Linear(16, 16), nn.Linear(25, 3)

        def forward(self, x):
            return self.head(self.mix(self.patches(x).flatten(2)).mean(2))

    found = attributions(Mixer().eval(), torch.rand(1, 3, 16, 16), method="grad_cam")
    assert found.layer == "patches"


def test_channels_last_maps_are_taken_as_they_are():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.norm, self.head = nn.Conv2d(3, 6, 4, stride=4), nn.LayerNorm(6), nn.Linear(6, 3)

        def forward(self, x):
            return self.head(self.norm(self.patches(x).permute(0, 2, 3, 1)).square().mean((1, 2)))

    model, image = Last().eval(), torch.rand(1, 3, 16, 16)
    maps = model.norm(model.patches(image).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    wanted = grad_cam(model.head(maps.square().mean((2, 3)))[0, 0], maps, (16, 16))
    found = attributions(model, image, method="grad_cam", target=0)
    assert found.layer == "norm"
    torch.testing.assert_close(found.values, wanted)


def test_where_no_layer_lies_over_the_image_it_is_asked_for():
    class Latents(nn.Module):
        """Sixteen latents ask the pixels."""

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.latents, self.values, self.head = nn.Parameter(torch.randn(16, 3)), nn.Linear(3, 5), nn.Linear(5, 2)

        def forward(self, x):
            pixels = x.flatten(2).mT
            return self.head(self.values((self.latents @ pixels.mT).softmax(-1) @ pixels).mean(1))

    with pytest.raises(ValueError, match="no layer of Latents gives maps that lie over the image and count"):
        attributions(Latents(), torch.rand(1, 3, 16, 16), method="grad_cam")


def test_finding_the_layer_changes_nothing(watched):
    model, image = Transformer().train(), torch.rand(1, 3, 32, 32)
    before = watched(model)
    attributions(model, image, method="grad_cam")
    assert watched(model) == before


def test_the_layer_of_a_network_of_convolutions_takes_one_pass_more(counted):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    image = torch.rand(1, 1, 8, 8)
    calls = counted(model)
    attributions(model, image, method="grad_cam", layer="1")
    given = calls[""]
    attributions(model, image, method="grad_cam")
    assert calls[""] - given == given + 1
