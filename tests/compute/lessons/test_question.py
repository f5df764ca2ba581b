"""A question is refused where it could not be answered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnnwidgets.compute.lessons import Choice, Picture, Question
from cnnwidgets.compute.lessons.places import shared
from cnnwidgets.compute.lessons.question import apart
from cnnwidgets.lessons.pictures import pixels

EYE = torch.eye(3)


def test_texts_numbers_tensors_and_boxes_become_choices():
    question = Question("How many?", right=4, wrong=["3", 5.5])
    assert [choice.text for choice in question.choices] == ["4", "3", "5.5"]
    question = Question("Which?", right=EYE, wrong=[1 - EYE])
    assert [choice.picture.values[0, 0] for choice in question.choices] == [1, 0]
    question = Question("Where?", right=(0, 0, 1, 1), wrong=[(1, 1, 2, 2)], shown=[EYE])
    assert question.right.box == (0.0, 0.0, 1.0, 1.0) and question.shown[0].kind == "map"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Three", [" three "]),
        (1, [2, 3, 2]),
        (EYE, [1 - EYE, EYE.clone()]),
        (EYE, [EYE + 0.01]),
        (Picture(EYE, limits=(0, 1)), [Picture(2 * EYE, limits=(0, 2))]),  # each drawn on a scale of its own
        (Picture(EYE, limits=(0, 1)), [Picture(2 * EYE, limits=(0, 1))]),  # beyond the scale
        (EYE, [2 * EYE, Picture(3 * EYE, limits=(0, 6))]),
        (1e6 * EYE, [1e-3 * EYE, 1 - EYE]),  # on one scale both are 0
        (np.float32(0.1), [torch.tensor(0.1)]),
        ((0, 0, 1, 1), [(0, 0, 1, 1)]),
    ],
)
def test_an_answer_twice_is_refused(right, wrong):
    with pytest.raises(ValueError, match="offers an answer twice"):
        Question("Which?", right=right, wrong=wrong, shown=[EYE])


@pytest.mark.parametrize(("right", "wrong"), [(EYE, 2 * EYE), (torch.ones(3, 3), 2 * torch.ones(3, 3))])
def test_maps_that_are_compared_share_one_scale_and_so_differ(right, wrong):
    question = Question("Which?", right, [wrong])
    assert [choice.picture.limits for choice in question.choices] == [(0, 2), (0, 2)]
    drawn = [pixels(choice.picture, 9) for choice in question.choices]
    assert (drawn[0][0, 0] != drawn[1][0, 0]).any()
    assert Question("Which?", -right, [wrong]).right.picture.limits == (-2, 2)
    own = Question("Which?", Picture(right, limits=(0, 9)), [wrong])
    assert [choice.picture.limits for choice in own.choices] == [(0, 9), (0, 2)]
    kinds = Question("Which?", Picture(right[None], "kernel"), [wrong, Picture(right[None] / 2, "image")])
    assert [choice.picture.limits for choice in kinds.choices] == [(0, 1), (0, 2), None]


def test_numbers_of_numpy_and_torch_are_numbers():
    question = Question(
        "How many?", np.float32(0.1), [torch.tensor(0.2), np.int64(3), torch.tensor(4), np.float64(5.5)]
    )
    assert [choice.text for choice in question.choices] == ["0.1", "0.2", "3", "4", "5.5"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Question(" ", 1, [2]), "ask is empty"),
        (lambda: Question("Which?", 1, []), "has 1 choices: 2 to 9"),
        (lambda: Question("Which?", 1, range(2, 11)), "has 10 choices"),
        (lambda: Question("Where?", (0, 0, 1, 1), [(1, 1, 2, 2)]), "need a picture"),
        (lambda: Question("Where?", (0, 0, 1, 1), ["nowhere"], shown=[EYE]), "all must be boxes"),
        (lambda: Choice(""), "needs a text, a picture or a box"),
        (lambda: Picture(torch.rand(3)), "has 2 axes"),
        (lambda: Picture(torch.empty(0, 3)), "none of them empty"),
        (lambda: Picture(EYE / 0), "NaN or infinite"),
        (lambda: Picture(EYE, "photo"), "no kind of picture 'photo'"),
        (lambda: Picture(torch.rand(5, 3, 3), "image"), "has 1, 3 or 4 channels, not 5"),
        (lambda: Picture(2 * EYE[None], "image"), "has values in 0 to 1, not 0 to 2"),
        (lambda: Picture(EYE, boxes=[(0, 0, 4, 3)]), "no part of a picture of 3 × 3 pixels"),
        (lambda: Picture(EYE[0], "curve", boxes=[(0, 0, 1, 1)]), "a curve has no boxes"),
        (lambda: Picture(EYE, limits=(1, 1)), "the lower one first"),
        (lambda: Question("Where?", (0, 0, 1, 1), [(2, 2, 1, 3)], shown=[EYE]), "no part of a picture"),
        (lambda: Question("Where?", (0, 0, 1, 1), [(2, 2, 9, 9)], shown=[EYE]), "no part of a picture"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_choice_of_no_kind_is_a_type_error():
    with pytest.raises(TypeError, match="a choice is a text"):
        Question("Which?", object(), [1])


def test_only_candidates_that_can_be_told_apart_are_kept():
    right = Choice.of(EYE)
    kept = apart(right, [Choice.of(each) for each in (EYE * 1.001, 1 - EYE, 1.001 - EYE, -EYE, 2 * EYE, 3 * EYE)], 3)
    assert [float(choice.picture.values[0, 0]) for choice in kept] == [0, -1, 2]


def test_boxes_share_a_part_of_their_union():
    assert shared((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(2 / 6)
    assert shared((0, 0, 1, 1), (1, 0, 2, 1)) == 0
