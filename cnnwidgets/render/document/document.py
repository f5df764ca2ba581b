"""One HTML file of one or several parts, and text of a user as HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..color import DARK, LIGHT, Theme

HERE = Path(__file__).parent
SHELL, RULES = HERE / "document.html", HERE / "document.css"
_SPANS = re.compile(
    r"`([^`]+)`|\*\*(?=\S)(.+?)(?<=\S)\*\*|\*(?=\S)(.+?)(?<=\S)\*|\[([^\]]+)\]\(((?:https?://|mailto:|#)[^\s)]+)\)"
)
_ITEM = re.compile(r"(?:[-*]|\d+\.)\s+(.*)")


@dataclass(frozen=True)
class Section:
    """A part of a document: HTML that finds what it needs within itself.

    Attributes
    ----------
    html : str
        One element, with its data and its code.
    style : str
        Rules of CSS beyond those of every document; the same text is written once.
    """

    html: str
    style: str = ""

    @property
    def bytes(self) -> int:
        """What it adds to the size of a document."""
        return len(self.html.encode()) + len(self.style.encode())


def document(name: str, sections: Sequence[Section], *, title: str = "", note: str = "", kept: str = "") -> str:
    """One page of `sections`, one below the other, that loads nothing.

    Parameters
    ----------
    name : str
        Of the window, where there is no title.
    sections : sequence of Section
        The parts.
    title, note : str
        What stands above them: plain text, and text as `prose` reads it.
    kept : str
        An element that shows nothing, for whoever reads the file.
    """
    head = (f"<h1>{escape(title)}</h1>\n" if title else "") + prose(note)
    fields = {
        "title": escape(title or name),
        "light": _variables(LIGHT),
        "dark": _variables(DARK),
        "kept": kept,
        "style": "\n".join(dict.fromkeys([RULES.read_text(encoding="utf-8"), *(each.style for each in sections)])),
        "head": f'<header class="prose">{head}</header>' if head else "",
        "sections": "\n".join(each.html for each in sections),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda field: fields[field[1]], SHELL.read_text(encoding="utf-8"))


def text_section(text: str) -> Section:
    """A text between other parts, as `prose` reads it."""
    return Section(f'<section class="prose">{prose(text)}</section>')


def prose(text: str) -> str:
    """Text as HTML: paragraphs, and of Markdown headings, lists, emphasis, code and links; HTML in it is text."""
    blocks = re.split(r"^```\w*\n(.*?)^```\s*$", text, flags=re.DOTALL | re.MULTILINE)
    parts = [f"<pre>{escape(each)}</pre>" if at % 2 else _blocks(each) for at, each in enumerate(blocks)]
    return "\n".join(filter(None, parts))


def _blocks(text: str) -> str:
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in block.splitlines()]
        while lines and (heading := re.match(r"(#{1,3})\s+(.*)", lines[0])):
            level = len(heading[1]) + 1
            found.append(f"<h{level}>{_spans(heading[2])}</h{level}>")
            lines.pop(0)
        items = [item[1] for line in lines if (item := _ITEM.fullmatch(line))]
        if lines and len(items) == len(lines):
            kind = "ul" if lines[0][0] in "-*" else "ol"
            found.append(f"<{kind}>{''.join(f'<li>{_spans(item)}</li>' for item in items)}</{kind}>")
        elif lines:
            found.append(f"<p>{_spans(' '.join(lines))}</p>")
    return "\n".join(found)


def _spans(text: str) -> str:
    def span(found: re.Match[str]) -> str:
        code, bold, italic, words, address = found.groups()
        if code is not None:
            return f"<code>{code}</code>"
        if address is not None:
            return f'<a href="{address}" rel="noopener">{words}</a>'
        return f"<b>{bold}</b>" if bold is not None else f"<i>{italic}</i>"

    return _SPANS.sub(span, escape(text))


def _variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {color};" for name, color in theme._asdict().items())


ROOM = len(document("", []).encode())
"""Bytes of a document in which nothing is yet."""
