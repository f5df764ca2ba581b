"""Where a layer stands in a traced network, and which norms are behind it."""

from __future__ import annotations

import torch
import torchvision
from torch import nn

from cnnwidgets.compute.interventions.graph import norms_behind
from cnnwidgets.compute.layers import trace
from cnnwidgets.compute.reach import node_of


class Joined(nn.Module):
    """Two convolutions that are joined and normalised together, and a short cut round a third."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 2, 1), nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.norm, self.c, self.after = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.norm(torch.cat([self.relu(self.a(x)), self.b(x)], 1)))
        return self.after(self.c(x) + x)


def test_a_norm_is_found_through_activations_and_concatenation_and_not_through_a_sum():
    model = Joined()
    assert norms_behind(model, "a") == norms_behind(model, "b") == norms_behind(model, "b.0") == ["norm"]
    assert norms_behind(model, "relu", 1) == ["norm"]
    assert norms_behind(model, "relu", 2) == norms_behind(model, "c") == norms_behind(model, "norm") == []


def test_the_norm_of_a_network_that_cannot_be_traced_is_not_told():
    class Branches(Joined):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    assert norms_behind(Branches(), "a") == []


def test_the_norms_of_a_resnet_are_those_beside_its_convolutions():
    model = torchvision.models.resnet18()
    assert norms_behind(model, "conv1") == ["bn1"]
    assert norms_behind(model, "layer3.0.downsample.0") == ["layer3.0.downsample.1"]
    assert norms_behind(model, "layer4") == norms_behind(model, "layer4.0.bn2") == []


def test_a_call_has_a_node_and_a_container_that_of_its_last_step():
    model = Joined()
    graph = trace(model).graph
    assert graph is not None
    assert node_of(graph, "relu", 1).args[0].target == "a"
    assert node_of(graph, "relu", 2).args[0].target == "norm"
    assert node_of(graph, "relu", 3) is node_of(graph, "nothing") is None
    assert node_of(graph, "b").target == "b.1" and node_of(graph, "b", 2) is None
