"""A lesson as a page of its own, which asks and counts without a kernel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import escape

from ..files import check_writable, parsed_bytes, write_whole
from ..render.color import DARK, LIGHT, Theme
from ..widgets.base import Exported
from ..widgets.state import kept
from .widget import code, style

TEMPLATE = Path(__file__).parent / "page.html"


def write(
    path: str | Path, sheet: Mapping[str, Any], network: str, budget: int | str, state: Mapping[str, Any] | None
) -> Exported:
    """Write the questions to `path`; see `Lesson.to_html`."""
    path, limit = Path(path).expanduser(), parsed_bytes(budget)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"the page is written as .html, not {path.suffix or 'a name without an ending'!r}: {path}")
    check_writable(path)
    questions = list(sheet["questions"])
    count = len(questions)
    data = _page({**sheet, "questions": questions}, network, state)
    while len(data) > limit:
        over = len(data) - limit
        while questions and over > 0:
            over -= len(json.dumps(questions.pop()))
        if not questions:
            raise ValueError(f"a budget of {limit:,} bytes does not even hold one question")
        left = f"{count - len(questions)} of {count} questions are beyond {limit / 1e6:g} MB"
        note = " ".join(filter(None, [str(sheet["note"]), f"Left out of this page: {left}."]))
        data = _page({"questions": questions, "note": note}, network, state)
    write_whole(path, data)
    beyond = f"{count - len(questions)} of {count} questions, beyond the budget" if len(questions) < count else ""
    return Exported(path, len(questions), 0, len(data), beyond)


def _page(sheet: Mapping[str, Any], network: str, state: Mapping[str, Any] | None) -> bytes:
    fields = {
        "title": escape(f"Lesson · {network}"),
        "network": escape(network),
        "kept": kept(state, "" if state is not None else "a topic of one's own cannot be told in data"),
        "light": _variables(LIGHT, "#ffffff"),
        "dark": _variables(DARK, "#0b1220"),
        "style": style(),
        "code": code().replace("export default {", "const widget = {").replace("</", "<\\/"),
        "data": json.dumps(sheet, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = re.sub(r"\{\{(\w+)\}\}", lambda field: str(fields[field[1]]), TEMPLATE.read_text(encoding="utf-8"))
    return text.encode()


def _variables(theme: Theme, on_accent: str) -> str:
    return (
        " ".join(f"--cnnw-{name}: {color};" for name, color in theme._asdict().items())
        + f" --cnnw-on-accent: {on_accent};"
    )
