"""One HTML file of several views, lessons and texts, for people without Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import parsed_bytes, write_whole
from ..render.document import ROOM, Section, document, text_section
from ..widgets.shown import Exported, Exports, Part, page_path
from ..widgets.state import kept

SPARE = 500
"""Bytes for what stands around the parts."""


def page(
    parts: Sequence[Exports | str | tuple[Exports, Mapping[str, Any]]],
    path: str | Path,
    *,
    title: str = "",
    budget: int | str = "20MB",
    progress: bool = True,
) -> Exported:
    """Write several views, lessons and texts to one HTML file, one below the other, for people without Python.

    Each view is in it as `to_html` would write it, with its own sliders; a lesson asks, takes the answers and counts.
    Views and lessons share the budget: each may take as much as all that are left would have in equal parts, so that
    what a small one leaves goes to those behind it. The views themselves are afterwards as they were.

    Parameters
    ----------
    parts : sequence
        Views, two views by `side_by_side`, lessons and texts. A text may have headings, lists, `**bold**`, `*italic*`,
        code and links as in Markdown; HTML in it is shown as text. `(view, {"index": [0, 5]})` also says which values
        the sliders of a view have, as the keywords of its `to_html` do.
    path : str or Path
        Where to; must end in `.html`.
    title : str
        What stands above all of it, plain text.
    budget : int or str
        Largest size of the file, in bytes or as `"20MB"`.
    progress : bool
        A bar on stderr for each view that takes longer than a second.

    Returns
    -------
    Exported
        `path`, `frames` of all views together, how many of them are `painted`, `bytes`, and `left_out`, which says of
        each part what is not in the file; so does the page.

    Raises
    ------
    TypeError
        Something else among the parts: says which. `parts` is no sequence; a slider that is no trait of its view.
    LookupError
        A slider has no such value.
    ValueError
        No part; a view that is closed; another ending; a budget that does not hold the first picture of each view.
    OSError
        The file cannot be written; what was there is left as it was.

    Examples
    --------
    >>> import tempfile, cnnwidgets as cw
    >>> view = cw.FilterView(cw.models.lenet5(pretrained=True))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cw.page(["# Filters", view, cw.Lesson(topics=["padding"])], f"{folder}/class.html").left_out
    ''
    """
    path, limit = page_path(path), parsed_bytes(budget)
    if not isinstance(title, str):
        raise TypeError(f"title is a text, not {title!r:.60}")
    given = _checked(parts)
    words = {at: text_section(part) for at, part in enumerate(given) if isinstance(part, str)}
    spent = len(document(title, list(words.values()), title=title).encode()) + SPARE
    views = {at: part for at, part in enumerate(given) if not isinstance(part, str)}
    made: dict[int, Part] = {}
    for at, (view, values) in views.items():
        room = ROOM + (limit - spent) // (len(views) - len(made))  # a part counts what stands around it
        try:
            made[at] = view.page_part(budget=max(room, 1), progress=progress, **values)
        except ValueError as error:
            raise ValueError(f"{_called(at, view)}: {error}") from error
        except LookupError as error:
            raise LookupError(f"{_called(at, view)}: {error}") from error
        spent += made[at].section.bytes
    sections: list[Section] = [words[at] if at in words else made[at].section for at in range(len(given))]
    place = next(iter(made.values())).kept if len(made) == 1 else kept(None, f"it holds {len(made)} views")
    data = document("cnnwidgets", sections, title=title, kept=place).encode()
    if len(data) > limit:
        raise ValueError(f"a budget of {limit:,} bytes does not hold these parts, which take {len(data):,}")
    write_whole(path, data)
    left = [f"{_called(at, views[at][0])}: {part.left_out}" for at, part in made.items() if part.left_out]
    frames, painted = sum(part.frames for part in made.values()), sum(part.painted for part in made.values())
    return Exported(path, frames, painted, len(data), "; ".join(left))


def _checked(parts: Any) -> list[str | tuple[Exports, Mapping[str, Any]]]:
    """The parts, each view with the values of its sliders."""
    if isinstance(parts, (str, Exports)) or not isinstance(parts, Sequence):
        raise TypeError(f'parts are a list, such as [view, "a text", lesson], not {type(parts).__name__}')
    if not parts:
        raise ValueError("a page needs at least one part: a view, a lesson or a text")
    found: list[str | tuple[Exports, Mapping[str, Any]]] = []
    for at, part in enumerate(parts):
        if isinstance(part, str):
            found.append(part)
            continue
        paired = isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Mapping)
        view, values = part if paired else (part, {})
        if not isinstance(view, Exports):
            raise TypeError(
                f"part {at + 1} of the page is a {type(view).__name__}; there are views, lessons, texts, and "
                '(view, {"index": [0, 5]})'
            )
        if view.closed:
            raise ValueError(f"{_called(at, view)}: it is closed")
        found.append((view, values))
    return found


def _called(at: int, view: Exports) -> str:
    return f"part {at + 1} of the page, {type(view).__name__}"
