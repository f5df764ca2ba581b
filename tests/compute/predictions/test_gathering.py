"""Predictions that are made many at a time say what those of each batch say, to the bit."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.compute.predictions import Gathered, Predictions, gathering, predictions


def same(one: Predictions, other: Predictions) -> bool:
    equal = (torch.equal(one.numbers[name], other.numbers[name]) for name in one.numbers)
    return all(equal) and one.outputs == other.outputs


def batches() -> list[tuple[torch.Tensor, torch.Tensor, list[int | None]]]:
    torch.manual_seed(0)
    made = []
    for at in range(9):
        scores = torch.randn(4, 10 if at < 7 else 3) * 3
        if at == 2:
            scores[1, 1] = torch.nan  # left out
        if at == 3:
            scores = scores.softmax(1)
        if at == 5:
            scores = scores.double()
        made.append((scores, torch.arange(4 * at, 4 * at + 4).flip(0), [None, 1, 2, at]))
    return made


@pytest.mark.parametrize("waiting", [1, 90, 10_000])
def test_they_are_those_of_each_batch(waiting, monkeypatch):
    monkeypatch.setattr(gathering, "WAITING", waiting)
    known = Predictions.of(torch.eye(4)[:1], torch.tensor([99]), [0])
    expected, found = known.with_others(*(Predictions.of(*each) for each in batches())), Gathered(known)
    for each in batches():
        found.add(*each)
    assert len(expected) == 36 and same(found.predictions, expected)
    assert found.predictions is found.predictions
    found.add(torch.tensor([0.0, 2.0]), torch.tensor([50]), [1])  # of one image
    assert same(
        found.predictions, expected.with_others(Predictions.of(torch.tensor([[0.0, 2.0]]), torch.tensor([50]), [1]))
    )


def test_many_batches_are_turned_together(monkeypatch):
    asked = []
    real = predictions.predicted
    monkeypatch.setattr(predictions, "predicted", lambda scores: asked.append(len(scores)) or real(scores))
    found = Gathered()
    for scores, images, labels in batches()[:2]:
        found.add(scores, images, labels)
    assert asked == []
    assert len(found.predictions) == 8 and asked == [8]


def test_scores_that_a_network_overwrites_are_kept_as_they_were():
    scores, found = torch.tensor([[0.0, 1.0]]), Gathered()
    found.add(scores, torch.tensor([0]), [1])
    scores.zero_()
    found.add(scores + torch.tensor([3.0, 0.0]), torch.tensor([1]), [1])
    assert found.predictions.targets.tolist() == [1, 0]


@pytest.mark.parametrize(
    "scores", [torch.zeros(2, 3, 4, 4), torch.zeros(()), torch.zeros(2, 1), torch.zeros(3, 2), None]
)
def test_what_are_no_class_scores_of_the_images_says_nothing(scores):
    found = Gathered()
    found.add(scores, torch.tensor([0, 1]), [None, None])
    assert not found.predictions
