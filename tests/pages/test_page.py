"""Several views, lessons and texts become one file; whatever is wrong leaves none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import cnnwidgets as cw

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def subject():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 4))
    return cw.Subject.of(model, [(torch.rand(1, 8, 8), at) for at in range(4)])


@pytest.fixture
def view(subject):
    view = cw.ActivationView(subject, layer="0", index=2)
    yield view
    view.close()


@pytest.fixture(scope="module")
def lesson():
    lesson = cw.Lesson(topics=["stride", "padding"], seed=3)
    yield lesson
    lesson.close()


def mains(path: Path) -> list[str]:
    return re.findall(r"<main class=\"cnnw\".*?</main>", path.read_text("utf-8"), re.DOTALL)


def test_each_part_stands_in_the_page_as_its_own_page_has_it(view, lesson, tmp_path):
    filters = cw.FilterView(view.subject)
    made = cw.page([view, "some words", lesson, filters], tmp_path / "class.html", title="A <class>", progress=False)
    alone = [part.to_html(tmp_path / "one.html", progress=False) and mains(tmp_path / "one.html") for part in
             (view, lesson, filters)]  # fmt: skip
    assert mains(made.path) == [each for [each] in alone]
    text = made.path.read_text("utf-8")
    assert text.count("<html") == 1 and "<h1>A &lt;class&gt;</h1>" in text and "<title>A &lt;class&gt;</title>" in text
    assert text.index("</main>") < text.index("<p>some words</p>") < text.index("card.show(")
    assert made.bytes == made.path.stat().st_size and made.left_out == ""
    assert (view.layer, view.index, view.exporting) == ("0", 2, False)
    filters.close()


def test_a_text_is_markdown_in_part_and_html_in_it_is_text(tmp_path):
    blocks = [
        f"# A heading\nWords with **bold**, *italic*, `a*b*` and 2 * 3 * 4, {EVIL}",
        "- one\n- [two](https://a.b/?c=1&d)",
        "1. first\n2. second",
        "```\n<b>code</b>\n```",
    ]
    words = "\n\n".join(blocks)
    text = cw.page([words], tmp_path / "text.html").path.read_text("utf-8")
    assert (
        "<h2>A heading</h2>\n<p>Words with <b>bold</b>, <i>italic</i>, <code>a*b*</code> and 2 * 3 * 4, &lt;img" in text
    )
    assert '<ul><li>one</li><li><a href="https://a.b/?c=1&amp;d" rel="noopener">two</a></li></ul>' in text
    assert "<ol><li>first</li><li>second</li></ol>" in text and "<pre>&lt;b&gt;code&lt;/b&gt;\n</pre>" in text
    assert "<img" not in text
    bad = cw.page(['[x](javascript:alert(1)) [y](https://a"onclick=alert(1))'], tmp_path / "bad.html")
    assert "<a" not in re.sub(r'<a href="https://a&quot;onclick=alert\(1" rel', "", bad.path.read_text("utf-8"))


def test_the_budget_holds_for_the_whole_file_and_the_page_says_what_each_part_leaves_out(view, lesson, tmp_path):
    filters = cw.FilterView(view.subject)
    made = cw.page([view, (filters, {"layer": ["0"]}), lesson], tmp_path / "small.html", budget=110_000, progress=False)
    assert made.path.stat().st_size == made.bytes <= 110_000
    assert re.match(r"part 1 of the page, ActivationView: .*beyond the budget of 0\.\d+ MB", made.left_out)
    with pytest.raises(ValueError, match=r"part \d of the page, \w+: a budget of .* does not even hold"):
        cw.page([view, lesson], tmp_path / "tiny.html", budget=30_000)
    assert not (tmp_path / "tiny.html").exists()
    filters.close()


def test_values_of_the_sliders_of_a_view_are_its_own(view, tmp_path):
    made = cw.page([(view, {"index": [1, 3], "layer": ["0"]})], tmp_path / "one.html", progress=False)
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', made.path.read_text("utf-8"))[1])
    assert {frame["at"][0] for frame in data["frames"]} == {"1", "3", "2"}  # and where it stands
    again = cw.open(made.path, view.subject)  # one view alone can be opened again
    assert again.index == 2
    again.close()


@pytest.mark.parametrize(
    ("parts", "error", "words"),
    [
        (lambda view: view, TypeError, "parts are a list"),
        (lambda view: "text", TypeError, "parts are a list"),
        (lambda view: [], ValueError, "at least one part"),
        (lambda view: ["text", 7], TypeError, "part 2 of the page is a int; there are views, lessons, texts"),
        (lambda view: ["text", nn.ReLU()], TypeError, "part 2 of the page is a ReLU"),
        (lambda view: [(view, {"indx": [0]})], TypeError, "ActivationView has no 'indx'"),
        (lambda view: [(view, {"index": [99]})], LookupError, "part 1 of the page, ActivationView: index 99 is out of"),
    ],
)
def test_bad_parts_are_named_and_nothing_is_written(view, parts, error, words, tmp_path):
    target = tmp_path / "class.html"
    target.write_text("before")
    with pytest.raises(error, match=words):
        cw.page(parts(view), target, progress=False)
    assert target.read_text() == "before" and [each.name for each in tmp_path.iterdir()] == ["class.html"]
    assert view.index == 2


def test_a_closed_view_and_a_place_that_cannot_be_written_are_told_before_the_work(view, subject, tmp_path):
    closed = cw.FilterView(subject)
    closed.close()
    with pytest.raises(ValueError, match="part 2 of the page, FilterView: it is closed"):
        cw.page([view, closed], tmp_path / "class.html")
    with pytest.raises(OSError, match="no such folder, or no permission"):
        cw.page([view], tmp_path / "nowhere" / "class.html")
    with pytest.raises(ValueError, match=r"written as \.html"):
        cw.page([view], tmp_path / "class.pdf")


def test_a_page_of_several_views_keeps_no_place_and_says_so(view, lesson, tmp_path):
    made = cw.page([view, lesson], tmp_path / "class.html", progress=False)
    with pytest.raises(ValueError, match="keeps no place: it holds 2 views"):
        cw.open(made.path, view.subject)


def test_a_view_alone_has_a_title_and_a_note_too(view, lesson, tmp_path):
    for part in (view, lesson):
        made = part.to_html(tmp_path / "one.html", title="My <title>", note=f"**Look** {EVIL}", progress=False)
        text = made.path.read_text("utf-8")
        assert "<title>My &lt;title&gt;</title>" in text and "<h1>My &lt;title&gt;</h1>\n<p><b>Look</b> &lt;img" in text
        assert made.bytes == len(text.encode())
    with pytest.raises(TypeError, match="note is a text, not 7"):
        view.to_html(tmp_path / "two.html", note=7)
    with pytest.raises(ValueError, match="does not even hold title and note"):
        view.to_html(tmp_path / "two.html", note="x" * 2000, budget=1000)
    assert not (tmp_path / "two.html").exists()
