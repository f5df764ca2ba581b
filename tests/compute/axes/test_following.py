"""The axes of an image, followed through operations; what they are is worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from cnnwidgets.compute.axes import following_axes

C, P, NO, BOTH = frozenset({"channel"}), frozenset({"position"}), frozenset(), frozenset({"channel", "position"})


def tokens(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2).transpose(1, 2)


def weights(*shape: int) -> torch.Tensor:
    return torch.ones(shape)


@pytest.mark.parametrize(
    ("operation", "roles"),
    [
        (lambda x: x.relu() + 1, [NO, C, P, P]),
        (lambda x: x.permute(0, 2, 3, 1), [NO, P, P, C]),
        (lambda x: x.flatten(2), [NO, C, P]),
        (tokens, [NO, P, C]),
        (lambda x: x.flatten(1), [NO, BOTH]),
        (lambda x: x.flatten(2).unflatten(2, (4, 4)), [NO, C, P, P]),
        (lambda x: x.flatten(1).view(2, 4, 4, 4), [NO, C, P, P]),
        (lambda x: x.flatten(1, 2).view(2, 4, 4, 4), [NO, C, P, P]),
        (lambda x: x.permute(0, 2, 1, 3).flatten(2), [NO, P, BOTH]),
        (lambda x: x.view(2, 4, 2, 2, 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(8, 4, 4), [P, P, C]),
        (lambda x: tokens(x) @ weights(4, 6), [NO, P, C]),
        (lambda x: x.flatten(2) @ weights(16, 6), [NO, C, P]),
        (lambda x: weights(2, 6, 4) @ x.flatten(2), [NO, C, P]),
        (lambda x: tokens(x) @ tokens(x).transpose(1, 2), [NO, P, P]),
        (lambda x: x.flatten(2) @ tokens(x), [NO, C, C]),
        (lambda x: (tokens(x) @ tokens(x).transpose(1, 2)).softmax(-1) @ tokens(x), [NO, P, C]),
        (lambda x: functional.layer_norm(x, (4,)), [NO, C, P, P]),
        (lambda x: functional.conv1d(x.flatten(2), weights(5, 4, 3)), [NO, C, P]),
        (lambda x: functional.conv1d(tokens(x), weights(6, 16, 1)), [NO, P, C]),  # over the tokens
        (lambda x: functional.avg_pool2d(x, 2), [NO, C, P, P]),
        (lambda x: functional.interpolate(x, scale_factor=2), [NO, C, P, P]),
        (lambda x: x.mean(1), [NO, P, P]),
        (lambda x: x.mean((2, 3)), [NO, C]),
        (lambda x: x.sum(3, keepdim=True), [NO, C, P, NO]),
        (lambda x: torch.cat([x, x], 1), [NO, C, P, P]),
        (lambda x: torch.cat([weights(2, 1, 4), tokens(x)], 1), [NO, P, C]),
        (lambda x: torch.stack([x, x], 1), [NO, NO, C, P, P]),
        (lambda x: x.unbind(1)[0], [NO, P, P]),
        (lambda x: x[:, :, ::2, 1], [NO, C, P]),
        (lambda x: functional.unfold(x, 2), [NO, C, P]),
        (lambda x: weights(2, 4, 4), [NO, NO, NO]),
    ],
)
def test_the_roles_of_the_axes_behind_an_operation(operation, roles):
    image = torch.rand(2, 4, 4, 4)  # of no size can be told which axis it is
    with following_axes(image, batched=True) as mode:
        assert list(mode.roles(operation(image))) == roles


def test_attention_of_torch_gives_features_of_positions():
    attention = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    image = torch.rand(1, 4, 2, 2)
    with torch.no_grad(), following_axes(image, batched=True) as mode:
        x = tokens(image)
        assert list(mode.roles(attention(x, x, x)[0])) == [NO, P, C]


def test_an_image_without_a_batch_axis_has_its_channels_first():
    image, signal = torch.rand(3, 4, 4), torch.rand(1, 3, 4)
    with following_axes((image,), batched=False) as mode:
        assert list(mode.roles(image)) == [C, P, P]
    with following_axes(signal, batched=True) as mode:
        assert list(mode.roles(signal)) == [NO, C, P]
