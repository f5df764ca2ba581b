"""A view as one HTML file whose sliders still move, without a kernel and without a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import check_writable, parsed_bytes, write_whole
from ...render.document import ROOM, document
from .sweep import Part

BUDGET = 20_000_000


@dataclass(frozen=True)
class Exported:
    """An HTML file that was written."""

    path: Path
    frames: int
    """How many states of the view it holds."""
    painted: int
    """How many of them the page paints itself: each stands for every channel, colour map, scale and columns."""
    bytes: int
    left_out: str
    """What of the view is not in it, in plain words; empty for nothing."""

    def __repr__(self) -> str:
        left = (
            f"; left out: {self.left_out}; a keyword, such as index=[0, 5], says which to have" if self.left_out else ""
        )
        every = f", {self.painted:,} of them with every channel, colour map and scale" if self.painted else ""
        return f"{self.path}: {self.frames:,} pictures{every}, {self.bytes / 1e6:.1f} MB{left}"


def page_path(path: str | Path) -> Path:
    """Where a page is written, checked before the work; raises ValueError or OSError where it cannot be."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"the page is written as .html, not {path.suffix or 'a name without an ending'!r}: {path}")
    check_writable(path)
    return path


class Exports:
    """What can be written to a page: it makes a part of a page of itself."""

    @property
    def closed(self) -> bool:
        """Whether it is on no page any more."""
        raise NotImplementedError

    def page_part(self, *, budget: int | str, progress: bool = False, **values: Any) -> Part:
        """A part of a page, for `to_html` and `cnnwidgets.page`; parameters and errors as of `to_html`."""
        raise NotImplementedError

    def to_html(
        self,
        path: str | Path,
        *,
        budget: int | str = BUDGET,
        progress: bool = True,
        title: str = "",
        note: str = "",
        **values: Any,
    ) -> Exported:
        """Write the view to one HTML file in which its main sliders still move, for people without Python.

        Everything that the page may show is computed now and lies in the file: it needs no kernel and no network. Of
        panels that a notebook's page paints, such as maps, it has the numbers: there it shows every value of the traits
        in `painted`, and the value under the mouse. The view itself is afterwards as it was. In the place of a state
        that cannot be drawn stands why.

        Parameters
        ----------
        path : str or Path
            Where to; must end in `.html`.
        budget : int or str
            Largest size of the file, in bytes or as `"20MB"`.
        progress : bool
            A bar on stderr where it takes longer than a second.
        title, note : str
            What stands above the view, in words of your own. The title is plain text; the note may have headings,
            lists, `**bold**`, `*italic*`, code and links as in Markdown. HTML in either is shown as text.
        **values
            For a trait of the view, the values that its slider in the page shall have: `index=range(20)`,
            `layer=["C1", "C3"]`; a single one counts as one. By default those of `sliders`: every layer that the
            menu lists, the first 10 images, 64 of others; of what is painted, all.

        Returns
        -------
        Exported
            `path`, `frames`, how many of them are `painted`, `bytes`, and `left_out`, which says in plain words what is
            not in the file; so does the page.

        Raises
        ------
        ValueError
            Another ending; a budget that is none or does not hold the present picture; no value for a slider, or one
            that the view never takes.
        TypeError
            A name that is no trait of the view; a title or a note that is no text.
        OSError
            The file cannot be written; what was there is left as it was.
        Exception
            What went wrong with the first state, where none can be drawn.
        """
        path, limit = page_path(path), parsed_bytes(budget)
        for name, text in (("title", title), ("note", note)):
            if not isinstance(text, str):
                raise TypeError(f"{name} is a text, not {text!r:.60}")
        room = limit - len(document(title, [], title=title, note=note).encode()) + ROOM  # a part counts an empty one
        if room <= 0:
            raise ValueError(f"a budget of {limit:,} bytes does not even hold title and note")
        part = self.page_part(budget=room, progress=progress, **values)
        data = document(part.name, [part.section], title=title, note=note, kept=part.kept).encode()
        write_whole(path, data)
        return Exported(path, part.frames, part.painted, len(data), part.left_out)
