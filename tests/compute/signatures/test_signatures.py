from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.signatures.signatures import Signatures


def made(vectors: list[list[float]], labels: list[int], metric: str) -> Signatures:
    numbers = torch.tensor(labels)
    return Signatures(
        "x", tuple(sorted(set(labels))), torch.arange(len(labels)) + 10, numbers, torch.tensor(vectors), metric
    )


def test_euclidean_distances_within_and_between_classes_by_hand():
    found = made([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], [1, 1, 3], "euclidean")
    assert found.distances()[0].tolist() == [0, 5, 1]
    table = found.table()
    assert table[0, 0] == 5 and math.isnan(table[1, 1])  # a single image is not far from itself
    assert table[0, 1] == table[1, 0] == pytest.approx((1 + math.sqrt(18)) / 2)
    assert found.within == 5 and found.between == pytest.approx((1 + math.sqrt(18)) / 2)


def test_cosine_distance_is_that_of_directions_and_1_to_nothing():
    found = made([[2.0, 0.0], [5.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.0]], [0] * 5, "cosine")
    assert found.distances()[0].tolist() == [0, 0, 1, 2, 1]


def test_the_odd_one_out_ranks_first_and_does_not_drag_the_centre_along():
    found = made([[1.0], [2.0], [3.0], [100.0], [7.0]], [5, 5, 5, 5, 9], "euclidean")
    ranked = found.outliers(5)  # the median of 1 2 3 100 is 2.5
    assert [(each.index, each.distance) for each in ranked] == [(13, 97.5), (10, 1.5), (11, 0.5), (12, 0.5)]
    with pytest.raises(LookupError, match="class 4 is not compared; classes: 5, 9"):
        found.outliers(4)


def test_signatures_of_a_layer_are_those_of_the_first_images_of_each_class():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    model[1].weight.data = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0]])
    dataset = [(torch.full((1, 2, 2), float(k)), k % 2) for k in range(6)]
    found = cw.signatures(model, dataset, "1", [1, 0], count=2, metric="euclidean")
    assert (found.indices.tolist(), found.labels.tolist()) == ([1, 3, 0, 2], [1, 1, 0, 0])
    assert found.vectors.tolist() == [[1, 1], [3, 3], [0, 0], [2, 2]]


@pytest.mark.parametrize(
    ("layer", "options", "error", "text"),
    [
        ("2", {}, LookupError, "no layer '2'"),
        ("1", {"count": 0}, ValueError, "count must be 1 or more, not 0"),
        ("1", {"metric": "manhattan"}, ValueError, "metric is cosine or euclidean, not 'manhattan'"),
        ("1", {"pooling": "sum"}, ValueError, "pooling is mean, max or none"),
    ],
)
def test_what_is_wrong_is_named(layer, options, error, text):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(error, match=text):
        cw.signatures(model, [(torch.zeros(1, 2, 2), 0)], layer, [0], **options)


@pytest.mark.parametrize("layer", ["C1", "func1", "S2", "C3", "C5", "F6", "func3", "OUTPUT"])
def test_the_first_five_of_mnist_is_the_odd_one_among_the_first_five(data_root, layer):
    found = cw.signatures(cw.models.lenet5(pretrained=True), cw.data.mnist(), layer, [1, 3, 5])
    assert found.indices[10:].tolist() == [0, 11, 35, 47, 65]
    assert found.outliers(5)[0].index == 0
    assert found.within < found.between
