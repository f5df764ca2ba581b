"""A lesson asks, takes the answer once, counts, and opens the view that explains."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.lessons import TOPICS
from cnnwidgets.lessons.pictures import grid, pixels, scale
from cnnwidgets.testing import check_view
from cnnwidgets.widgets.state import read

QUICK = ("padding", "stride", "relu")


@pytest.fixture(scope="module")
def subject():
    return cw.Subject(cw.models.lenet5(pretrained=True), cw.data.digits())


@pytest.fixture
def lesson(subject):
    return cw.Lesson(subject, topics=QUICK, seed=3)


def test_a_lesson_keeps_the_contract_of_a_view(subject):
    model, data = cw.models.lenet5(pretrained=True), torch.utils.data.Subset(cw.data.digits(), range(20))
    check_view(lambda: cw.Lesson(model, data, topics=QUICK))


def test_without_model_and_images_it_asks_about_those_that_come_along():
    lesson = cw.lessons.stride(count=1)
    assert type(lesson.subject.module).__name__ == "Sequential" and len(lesson.subject.items) == 1797
    assert lesson.question.topic == "stride"


def test_there_is_a_ready_lesson_for_each_topic(subject):
    for topic in TOPICS:
        assert getattr(cw.lessons, topic)(subject, count=1, seed=1).question.topic == topic


def test_it_counts_and_the_first_answer_stays(lesson):
    assert lesson.answered == -1 and lesson.score == (0, 0)
    wrong = (lesson.right + 1) % 4
    assert lesson.answer("ABCD"[wrong]) is False
    assert lesson.answered == wrong and lesson.score == (0, 1)
    with pytest.raises(ValueError, match="answered before"):
        lesson.answer(lesson.right)
    lesson.number = 1
    assert lesson.answer(lesson.right) is True
    assert lesson.score == (1, 2)
    lesson.again()
    assert lesson.score == (0, 0) and lesson.number == 0


def test_a_choice_that_is_none_is_refused(lesson):
    for choice in ("E", 4, -1, "AB", None):
        with pytest.raises(ValueError, match="no choice"):
            lesson.answer(choice)
    assert lesson.score == (0, 0)


def test_the_choices_are_mixed_and_the_same_for_a_whole_class(subject):
    orders = [[each.right for each in cw.Lesson(subject, topics=QUICK, seed=seed).posed] for seed in range(8)]
    again = [each.right for each in cw.Lesson(subject, topics=QUICK, seed=3).posed]
    assert again == orders[3] and len({order[0] for order in orders}) > 1


def test_other_questions_begin_without_answers(lesson):
    lesson.answer(0)
    lesson.seed = 4
    assert lesson.answers == () and lesson.number == 0 and lesson.error == ""


def test_the_answer_is_told_in_the_picture_only_when_it_is_given(lesson):
    before = lesson.picture()
    lesson.answer(0)
    after = lesson.picture()
    assert after.shape != before.shape or (after != before).any()


def test_looking_closer_opens_the_view_in_that_place_and_the_next_question_closes_it(subject, widgets):
    lesson = cw.Lesson(subject, topics=("feature_maps", "stride"), seed=1)
    lesson.closer = True
    assert lesson.children[-1].children == ()  # nothing before the answer
    lesson.answer(lesson.right)
    (view,) = lesson.children[-1].children
    assert isinstance(view, cw.ConvolutionView) and view.subject is subject
    opened = lesson.question.opens[1]
    assert (view.layer, view.index, view.channel) == (opened["layer"], opened["index"], opened["channel"])
    count = widgets()
    lesson.number = 1
    assert lesson.children[-1].children == () and widgets() < count
    lesson.close()
    assert widgets() == 0


def test_every_ready_question_opens_its_view(subject):
    lesson = cw.Lesson(subject, seed=1)
    for number in range(len(lesson.posed)):
        lesson.number = number
        lesson.answer(lesson.right)
        lesson.closer = True
        (view,) = lesson.children[-1].children
        assert type(view).__name__ == lesson.question.opens[0] and view.error == ""


def test_a_state_opens_the_same_lesson_with_its_answers(lesson, subject):
    lesson.answer(lesson.right)
    lesson.number = 2
    opened = cw.open(json.dumps(lesson.state), subject)
    assert isinstance(opened, cw.Lesson) and opened.score == (1, 1) and opened.number == 2


def test_what_does_not_apply_is_said_and_a_lesson_of_nothing_is_refused(widgets):
    data = [(torch.rand(1, 8, 8), at % 2) for at in range(6)]
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.Flatten(), nn.Linear(36, 2))
    lesson = cw.Lesson(model, data, topics=("stride", "relu"))
    assert "Not asked: relu: Sequential has no ReLU" in lesson.status()
    lesson.close()
    with pytest.raises(cw.lessons.NothingToAsk, match="relu: Sequential has no ReLU"):
        cw.Lesson(model, data, topics="relu")
    assert widgets() == 0


def _opening(**traits):
    return lambda subject, random: cw.lessons.Question("?", 1, [2], opens=("ActivationView", traits))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"topics": ["filter"]}, LookupError, "no topic 'filter'"),
        ({"topics": [5]}, TypeError, "topics are names or functions"),
        ({"topics": []}, ValueError, "needs a topic"),
        ({"topics": ["stride"], "answers": (9,)}, ValueError, "no answer 9"),
        ({"topics": ["stride"], "number": 1}, IndexError, "the lesson has 1 questions"),
        ({"topic": "stride"}, TypeError, "no keyword 'topic'"),
        ({"topics": [lambda s, r: cw.lessons.Question("?", 1, [2], opens=("MyView", {}))]}, LookupError, "no view"),
        (
            {"topics": [_opening(layer="C9")]},
            LookupError,
            "opens ActivationView at a layer that is none: no layer 'C9'",
        ),
        ({"topics": [_opening(chanel=1)]}, TypeError, "ActivationView has no keyword 'chanel'"),
    ],
)
def test_bad_input_leaves_no_widget(subject, options, error, words, widgets):
    before = widgets()
    with pytest.raises(error, match=words):
        cw.Lesson(subject, **options)
    assert widgets() == before


def test_the_page_holds_every_question_and_its_answer_and_opens_again(lesson, subject, tmp_path: Path):
    made = lesson.to_html(tmp_path / "lesson.html")
    text = made.path.read_text(encoding="utf-8")
    assert made.frames == 3 and made.bytes == made.path.stat().st_size and made.left_out == ""
    data = json.loads(re.search(r"card\.show\((\{.*\})\);", text)[1])
    assert [each["right"] for each in data["questions"]] == [each.right for each in lesson.posed]
    assert data["questions"][0]["choices"][lesson.right]["text"] == "28 × 28"
    assert "http://" not in text and "https://" not in text
    name, traits = read(made.path)
    assert name == "Lesson" and traits["seed"] == 3


def test_a_page_that_is_too_small_leaves_questions_out_and_says_so(lesson, tmp_path: Path):
    whole = lesson.to_html(tmp_path / "whole.html").bytes
    made = lesson.to_html(tmp_path / "small.html", budget=whole - 100)
    assert made.frames < 3 and "questions are beyond" in made.path.read_text(encoding="utf-8") and made.left_out
    with pytest.raises(ValueError, match="does not even hold one question"):
        lesson.to_html(tmp_path / "none.html", budget=5_000)
    with pytest.raises(ValueError, match=r"written as \.html"):
        lesson.to_html(tmp_path / "lesson.png")
    with pytest.raises(TypeError, match="no sliders"):
        lesson.to_html(tmp_path / "lesson.html", index=[1])


def test_texts_of_a_question_are_text_in_the_page(tmp_path: Path, subject):
    evil = "</script><img src=x onerror=alert(1)>"
    lesson = cw.Lesson(subject, topics=[lambda s, r: cw.lessons.Question(evil, evil + "1", [evil + "2"], why=evil)])
    text = lesson.to_html(tmp_path / "lesson.html").path.read_text(encoding="utf-8")
    assert "<img src=x" not in text


LONG = "a label with many words that goes on for longer than the picture is wide"


def _own(subject, random):
    pictures = [cw.lessons.Picture(torch.rand(9, 9), text=f"{LONG} {at}") for at in range(5)]  # two rows
    choices = [cw.lessons.Choice(f"{LONG} {at}", torch.rand(5, 5), said=f"told {at}") for at in range(7)]
    return cw.lessons.Question(f"{LONG}, {LONG}, and {LONG}?", choices[0], choices[1:], f"{LONG}. " * 12, pictures)


def _texts(subject, random):
    return cw.lessons.Question("What?", f"{LONG} {LONG}", [f"{LONG} no", "short"], "because")


@pytest.mark.parametrize("topics", [("occlusion", "relu"), ("filters", "relu"), ("training", "relu"), _own, _texts])
def test_the_saved_picture_keeps_every_word_and_in_svg_as_text(topics, tmp_path: Path):
    data = torch.utils.data.Subset(cw.data.digits(), range(60))
    layers = [layer for layer in cw.models.lenet5(pretrained=True) if not isinstance(layer, nn.ReLU)]
    lesson = cw.Lesson(nn.Sequential(*layers), data, topics=topics, seed=1)
    for answer in (None, (lesson.right + 1) % len(lesson.posed[0].choices)):
        if answer is not None:
            lesson.answer(answer)
        lesson.save(tmp_path / "lesson.svg")
        svg = (tmp_path / "lesson.svg").read_text(encoding="utf-8")
        written = html.unescape(" ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))
        question = lesson.question
        said = [question.ask, lesson.status(), *(picture.text for picture in question.shown)]
        said += [choice.text for choice in lesson.posed[0].choices]
        if answer is not None:
            said += [question.why, "is not right: it is", *(each.said for each in question.choices if not each.box)]
        assert "…" not in written and all(word in written.split() for text in said for word in text.split())
        drawn = [*question.shown, *(choice.picture for choice in question.choices if choice.picture is not None)]
        assert svg.count("<image") == len(drawn)
    size = [float(each) for each in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups()]
    ends = [float(each) for each in re.findall(r'<text[^>]* x="([\d.]+)"', svg)]
    assert max(ends, default=0) < size[0]
    lesson.save(tmp_path / "lesson.png")
    assert Image.open(tmp_path / "lesson.png").size[1] == pytest.approx(size[1] / 0.75, rel=0.02)


def test_pictures_have_one_scale_and_kernels_stand_beside_one_another():
    values = torch.tensor([[-1.0, 0.0], [0.5, 1.0]])
    drawn = pixels(cw.lessons.Picture(values, limits=(-2, 2)), 100)
    assert drawn.shape == (100, 100, 3)
    assert scale(cw.lessons.Picture(values, limits=(-2, 2)))[1:] == ["−2", "0", "2"]
    full = pixels(cw.lessons.Picture(values), 100)
    assert (full[99, 99] != drawn[99, 99]).any() and (full[0, 99] == drawn[0, 99]).all()  # 1 differs, 0 does not
    assert grid(3) == (2, 2) and grid(6) == (2, 3) and grid(1) == (1, 1)
    tiles = pixels(cw.lessons.Picture(torch.rand(3, 4, 4), "kernel"), 100)
    assert tiles.shape[2] == 4 and (tiles[-1, -1, 3] == 0) and tiles[0, 0, 3] == 255  # the fourth place is clear
    curve = pixels(cw.lessons.Picture(torch.tensor([1.0, 0.0]), "curve"), 90)
    inked = np.argwhere(curve[..., 3] > 128)
    assert curve.shape == (60, 90, 4) and inked[inked[:, 1].argmin()][0] < 10 < 50 < inked[inked[:, 1].argmax()][0]
