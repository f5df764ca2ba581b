"""A lesson as a part of a page, which asks and counts without a kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import escape

from ..files import parsed_bytes
from ..render.document import Section, document
from ..widgets.shown import Part
from ..widgets.state import kept
from .widget import code, style

TEMPLATE = Path(__file__).parent / "page.html"


def part(sheet: Mapping[str, Any], network: str, budget: int | str, state: Mapping[str, Any] | None) -> Part:
    """The questions, as many of them as the budget holds; see `Lesson.to_html`."""
    limit, questions = parsed_bytes(budget), list(sheet["questions"])
    count, left, said = len(questions), "", dict(sheet)
    place = kept(state, "" if state is not None else "a topic of one's own cannot be told in data")
    name, section = f"Lesson · {network}", _section(said, network)
    while (over := len(document(name, [section], kept=place).encode()) - limit) > 0:
        while questions and over > 0:
            over -= len(json.dumps(questions.pop()))
        if not questions:
            raise ValueError(f"a budget of {limit:,} bytes does not even hold one question")
        left = f"{count - len(questions)} of {count} questions"
        beyond = f"Left out of this page: {left} are beyond {limit / 1e6:g} MB."
        said = {"questions": questions, "note": " ".join(filter(None, [str(sheet["note"]), beyond]))}
        section = _section(said, network)
    return Part(
        name,
        section,
        len(questions),
        left_out=f"{left}, beyond the budget" if left else "",
        kept=place,
    )


def _section(sheet: Mapping[str, Any], network: str) -> Section:
    fields = {
        "network": escape(network),
        "code": code().replace("export default {", "const widget = {").replace("</", "<\\/"),
        "data": json.dumps(sheet, separators=(",", ":")).replace("<", "\\u003c"),
    }
    html = re.sub(r"\{\{(\w+)\}\}", lambda field: str(fields[field[1]]), TEMPLATE.read_text(encoding="utf-8"))
    return Section(html, style())
