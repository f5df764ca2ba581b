"""The lesson for a first CNN: each term is said, seen and asked, and none is used before it is explained."""

from __future__ import annotations

import re

import nbformat
import pytest

import cnnwidgets as cw
from cnnwidgets.compute.lessons import ask
from notebooks import refresh

TERMS = {
    "filter": "filters",
    "feature map": "feature_maps",
    "channel": "channels",
    "relu": "relu",
    "padding": "padding",
    "pooling": "pooling",
    "stride": "stride",
    "receptive field": "receptive_field",
    "softmax": "softmax",
    "occlusion": "occlusion",
}
"""Term, as it is explained in bold -> the topic that asks about it; in the order in which they come."""
WORDS = {
    "class": r"class(es)?\b", "score": "scores?", "layer": "layers?", "weight": "weights?", "kernel": "kernels?",
    "unit": "units?", "probability": "probabilit", "window": "windows?",
}  # fmt: skip
"""Further words of the field, which are explained in italics."""
CELLS = nbformat.read(refresh.FOLDER / "lesson_first_cnn.ipynb", as_version=4).cells
SEED = 7


def explained(term: str) -> int:
    """The cell that explains a term, where it stands in bold."""
    found = [at for at, cell in enumerate(CELLS) if re.search(rf"\*\*{term}\*\*", cell.source, re.IGNORECASE)]
    assert len(found) == 1, term
    return found[0]


def text(at: int) -> str:
    """What a cell says before the term that it explains; of code, what its questions say."""
    cell = CELLS[at]
    return cell.source if cell.cell_type == "markdown" else " ".join(asked(cell.source))


def asked(source: str) -> list[str]:
    """The questions of a cell with the texts of their answers."""
    subject = cw.Subject(cw.models.lenet5(pretrained=True), cw.data.digits())
    words = []
    for topic, count in re.findall(r"cw\.lessons\.(\w+)\(model, images, seed=SEED, count=(\d)\)", source):
        for each in ask(subject, [topic], seed=SEED, count=int(count)).questions:
            words += [each.ask, each.why, *(f"{choice.text} {choice.said}" for choice in each.choices)]
    return words


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """What each cell says."""
    return [text(at) for at in range(len(CELLS))]


def test_each_term_is_said_then_seen_then_asked():
    code = [cell.source if cell.cell_type == "code" else "" for cell in CELLS]
    for term, topic in TERMS.items():
        said = explained(term)
        seen = next(at for at in range(said, len(CELLS)) if re.search(r"cw\.\w+(View|Playground)\(", code[at]))
        asks = next(at for at in range(seen, len(CELLS)) if f"cw.lessons.{topic}(" in code[at])
        assert said < seen < asks, term
    assert f"SEED = {SEED}" in code[2]


def test_no_term_is_used_before_it_is_explained(texts):
    for term in TERMS:
        said = explained(term)
        pattern = rf"\b{term.replace('feature map', 'maps?')}(s|es)?\b"
        # the heading of its own section names it
        own = texts[said].partition("**" + re.search(rf"\*\*({term})\*\*", texts[said], re.IGNORECASE)[1])[0]
        own = re.sub(r"^## .*$", "", own, flags=re.MULTILINE)
        early = [each for each in [*texts[:said], own] if re.search(pattern, each, re.IGNORECASE)]
        assert early == [], f"{term} is used before it is explained"


def test_further_words_are_in_italics_where_they_first_stand(texts):
    whole = "\n".join(texts)
    for word, pattern in WORDS.items():
        first = re.search(rf"\*?\b{pattern}", whole, re.IGNORECASE)
        assert first is not None
        assert first[0].startswith("*"), f"{word}: {whole[first.start() - 30 : first.end() + 30]}"


def test_the_last_lesson_asks_about_every_term():
    last = [cell.source for cell in CELLS if cell.source.startswith("TOPICS")]
    assert len(last) == 1
    assert set(re.findall(r'"(\w+)"', last[0])) == set(TERMS.values())
