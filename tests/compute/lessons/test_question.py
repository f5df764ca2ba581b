"""A question is refused where it could not be answered."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.compute.lessons import Choice, Picture, Question
from cnnwidgets.compute.lessons.places import shared
from cnnwidgets.compute.lessons.question import apart

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
        ((0, 0, 1, 1), [(0, 0, 1, 1)]),
    ],
)
def test_an_answer_twice_is_refused(right, wrong):
    with pytest.raises(ValueError, match="offers an answer twice"):
        Question("Which?", right=right, wrong=wrong, shown=[EYE])


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
