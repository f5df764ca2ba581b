"""Layers that do not depend on the image have no vectors to compare."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets import EmbeddingView, SignatureView


class Places(nn.Module):
    """Its first vector is made of parameters alone."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.mix, self.head = nn.Parameter(torch.rand(1, 3)), nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images.mean((2, 3)) + self.mix(self.places))


@pytest.mark.parametrize("kind", [SignatureView, EmbeddingView])
def test_a_layer_without_an_image_in_it_is_not_offered_and_not_the_first(kind):
    view = kind(Places(), [(torch.rand(3, 4, 4), k % 2) for k in range(6)])
    names = view.frames.layers.names if kind is EmbeddingView else view.layers.names
    assert "mix" not in names and view.layer == "mean" and view.error == ""
