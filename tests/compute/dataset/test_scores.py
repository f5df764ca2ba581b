"""Class probabilities from logits or from probabilities, and from nothing else."""

from __future__ import annotations

import math

import pytest
import torch

from cnnwidgets.compute.dataset.scores import predict


def test_the_softmax_of_logits_is_worked_out_by_hand():
    found = predict(torch.tensor([[0.0, math.log(3), math.log(4)]]))
    assert found.targets == [2, 1, 0]
    assert found.probabilities == pytest.approx([4 / 8, 3 / 8, 1 / 8])
    assert found.source == "softmax"


def test_probabilities_are_taken_as_they_are():
    found = predict(torch.tensor([0.1, 0.7, 0.2]))
    assert found.targets == [1, 2, 0]
    assert found.probabilities == pytest.approx([0.7, 0.2, 0.1])
    assert found.source == "probabilities"


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_probabilities_rounded_to_half_precision_are_no_logits(kind):
    shares = torch.tensor([0.61, 0.29, 0.0989, 0.0011]).to(kind)  # in bfloat16 they sum to 0.9987
    found = predict(shares)
    assert found.source == "probabilities"
    assert found.probabilities == pytest.approx(shares.tolist())


@pytest.mark.parametrize(
    "scores", [[0.5, 0.6], [-0.5, 1.5], [1.0, 2.0]], ids=["sum is 1.1", "one is negative", "sum is 3"]
)
def test_what_is_no_probability_goes_through_the_softmax(scores):
    assert predict(torch.tensor(scores)).source == "softmax"


def test_logarithms_of_probabilities_give_the_probabilities():
    assert predict(torch.tensor([0.25, 0.75]).log()).probabilities == pytest.approx([0.75, 0.25])


def test_only_the_best_are_given():
    scores = torch.arange(1000.0)
    assert predict(scores).targets == [999, 998, 997, 996, 995]
    assert predict(scores, count=2).targets == [999, 998]
    assert predict(scores[:3], count=10).targets == [2, 1, 0]


def test_large_logits_in_half_precision_do_not_overflow():
    found = predict(torch.tensor([[60000.0, 60000.0]], dtype=torch.float16))
    assert found.probabilities == [0.5, 0.5]


def test_whole_numbers_are_logits_too():
    assert predict(torch.tensor([0, 5])).targets == [1, 0]


def test_scores_with_a_gradient_are_read_without_it():
    assert predict(torch.tensor([1.0, 2.0], requires_grad=True)).targets == [1, 0]


@pytest.mark.parametrize(
    "output",
    [
        None,
        torch.tensor(3.0),
        torch.ones(1),
        torch.ones(2, 3),
        torch.ones(3, 1),
        torch.ones(1, 3, 2, 2),
        torch.ones(0),
        torch.tensor([1.0, float("nan")]),
        torch.tensor([1.0, float("inf")]),
        torch.tensor([1j, 2j]),
    ],
)
def test_what_is_no_class_score_is_no_prediction(output):
    assert predict(output) is None
