"""Cards in one HTML page that needs neither a kernel nor a network: its sliders choose among them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zlib
from collections.abc import Hashable, Mapping, Sequence
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..color import FLAG, css_gradient
from ..document import ROOM, Section, document
from ..text import fitting_size, ink
from .card import BETWEEN, NARROWEST, TRUE, Card, column_width, reduced
from .painted import Moves, Painted, Paints
from .panel import Panel

TEMPLATE = Path(__file__).with_name("page.html")
QUALITY = 85
"""Of pictures that are reduced to their place, as for WebP; those that are not are kept to the pixel."""


class Page:
    """Collects cards, each at one position of the sliders; what several share is stored once.

    Parameters
    ----------
    title : str
        Of the page.
    sliders : sequence of (name, label)
        From the outermost to the innermost; what a slider offers may depend on those before it.
    play : str or None
        Name of the slider that can play by itself.
    paints : Paints, optional
        What the page needs to paint panels itself; only with it may a card be painted.
    """

    def __init__(
        self,
        title: str,
        sliders: Sequence[tuple[str, str]] = (),
        *,
        play: str | None = None,
        paints: Paints | None = None,
    ) -> None:
        self.title = title
        self.note = ""
        """One more line below every card."""
        self.sliders = list(sliders)
        self.play = play
        self.paints = paints
        self.bytes = ROOM + len(TEMPLATE.read_bytes()) + (paints.bytes if paints else 0)
        """Size of the page so far, to within a few kB."""
        self._width = NARROWEST
        self._frames: dict[tuple[str, ...], dict[str, Any]] = {}
        self._pictures: dict[Hashable, tuple[int, str]] = {}
        self._panels: dict[str, int] = {}
        self._numbers: dict[str, Any] = {}
        self._gradients: dict[str, str] = {}
        self._scripts: dict[str, Moves] = {}
        self._buffers: dict[bytes, tuple[int, str]] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def add(
        self,
        at: Sequence[str],
        card: Card,
        *,
        painted: Painted | None = None,
        moves: Moves | None = None,
        most: int | None = None,
    ) -> bool:
        """Show `card` where the sliders stand at these values, a text for each.

        A card that is painted stands for all values of the sliders of what is painted: `at` says nothing of these. In
        one that moves, the page itself moves a place.

        Returns
        -------
        bool
            False where the page would grow beyond `most` bytes: then it stays as it was.

        Raises
        ------
        ValueError
            Another number of values than of sliders.
        """
        names = [name for name, _ in self.sliders]
        if painted is not None and self.paints is not None:  # of those that are painted it has every value
            names = [name for name in names if name not in self.paints.given["start"]]
        if len(at) != len(names):
            raise ValueError(f"{len(names)} sliders, but {len(at)} values: {', '.join(at)}")
        stores: tuple[dict[Any, Any], ...] = (self._panels, self._pictures, self._numbers, self._buffers, self._scripts)
        before = self.bytes, [len(store) for store in stores]
        sheets: Mapping[Panel, Mapping[str, Any]] = {} if painted is None else painted.sheets
        widths = [  # of what the page paints nobody knows the width before, but how wide it may be
            max([column_width(column), *(panel.width for panel in column if panel in sheets), *_room(column, moves)])
            for column in card.columns
        ]
        columns = [
            [self._panel(panel, width, sheets.get(panel)) for panel in column]
            for column, width in zip(card.columns, widths, strict=True)
        ]
        frame: dict[str, Any] = {"at": list(at), "title": card.title, "footer": card.footer, "columns": columns}
        if painted is not None:
            frame["paint"] = {"count": painted.count, "words": painted.words}
            self._embed(painted)
        if moves is not None:
            frame["moves"] = self._moved(moves, dict(zip(chain(*card.columns), chain(*columns), strict=True)))
        self.bytes += len(json.dumps(frame)) + 1
        if most is not None and self.bytes > most:
            self.bytes = before[0]
            for store, count in zip(stores, before[1], strict=True):
                for key in list(store)[count:]:
                    del store[key]
            return False
        self._frames[tuple(at)] = frame
        self._width = max(self._width, sum(widths) + BETWEEN * (len(widths) - 1))
        return True

    def html(self, *, start: Sequence[str] | None = None, order: Sequence[Sequence[str]] | None = None) -> str:
        """The page alone in a document, as `section` makes it."""
        return document(self.title, [self.section(start=start, order=order)])

    def section(self, *, start: Sequence[str] | None = None, order: Sequence[Sequence[str]] | None = None) -> Section:
        """The page as a part of a document.

        `start` is where the sliders stand at first, `order` that of the frames, else as they came.
        """
        frames = [self._frames[tuple(at)] for at in order] if order is not None else list(self._frames.values())
        if not frames:
            raise ValueError("a page needs at least one card")
        data: dict[str, Any] = {
            "sliders": self.sliders,
            "play": self.play,
            "start": list(start if start is not None else frames[0]["at"]),
            "frames": frames,
            "panels": [json.loads(panel) for panel in self._panels],
            "pictures": [text for _, text in self._pictures.values()],
            "gradients": self._gradients,
            "flag": FLAG,
        }
        if self._buffers:
            data["buffers"] = [text for _, text in self._buffers.values()]
        if self.paints is not None:
            data["paints"] = {**self.paints.given, "numbers": self._numbers}
        fields = {
            "width": str(self._width),
            "note": escape(self.note),
            "paints": self.paints.code if self.paints else "null",
            "scripts": ",".join(f"{json.dumps(name)}: {each.code}" for name, each in self._scripts.items()),
            "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        }
        html = re.sub(r"\{\{(\w+)\}\}", lambda field: fields[field[1]], TEMPLATE.read_text(encoding="utf-8"))
        styles = [each.style for each in (self.paints, *self._scripts.values()) if each is not None]
        return Section(html, "\n".join(dict.fromkeys(styles)))

    def _panel(self, panel: Panel, width: int, sheet: Mapping[str, Any] | None) -> int:
        """Number of the panel, `width` px wide, among those stored; the page paints one with a sheet."""
        described: dict[str, Any] = {"heading": panel.heading, "width": width}
        if sheet is not None:
            return self._described(described | {"paint": dict(sheet)})
        if (pixels := panel.drawn()) is not None:
            described |= self._picture(panel, pixels)
        if panel.colorbar:
            name = panel.colorbar[0]
            self._gradients.setdefault(name, css_gradient(name))
            described["colorbar"] = list(panel.colorbar)
        if panel.bars:  # a NaN is no JSON: no bar
            described["bars"] = [[label, part if part == part else 0.0, text] for label, part, text in panel.bars]
            if panel.truth is not None:
                described["truth"] = [panel.truth[0], "right" if panel.truth[1] else "wrong", TRUE]
        if panel.lines:
            described["lines"] = [line if isinstance(line, str) else list(line) for line in panel.lines]
        if panel.dots:
            described["dots"] = list(panel.dots)
        return self._described(described)

    def _described(self, described: dict[str, Any]) -> int:
        text = json.dumps(described)
        if text not in self._panels:
            self.bytes += len(text) + 1
        return self._panels.setdefault(text, len(self._panels))

    def _embed(self, painted: Painted) -> None:
        for key, make in painted.numbers.items():
            if key not in self._numbers:
                self._numbers[key] = make()
                self.bytes += len(json.dumps({key: self._numbers[key]}))

    def _moved(self, moves: Moves, numbers: Mapping[Panel, int]) -> dict[str, Any]:
        """What a card says of its place, once its panels have their numbers."""
        if moves.name not in self._scripts:
            self._scripts[moves.name] = moves
            self.bytes += len(moves.code.encode()) + len(moves.style.encode())
        boxes = []
        for key, panel in moves.boxes.items():
            parts = [numbers[part] for part in panel.on_card if part in numbers]
            boxes.append({"key": key, "panels": parts, "headed": bool(panel.heading), "width": moves.widths.get(key)})
        buffers = [[self._buffer(buffer), len(buffer)] for buffer in moves.buffers]
        return {"script": moves.name, "given": dict(moves.given), "boxes": boxes, "buffers": buffers}

    def _buffer(self, buffer: bytes) -> int:
        """Number of the buffer among those stored."""
        key = hashlib.sha1(buffer).digest()
        if key not in self._buffers:
            text = base64.b64encode(zlib.compress(buffer, 9)).decode()
            self._buffers[key] = len(self._buffers), text
            self.bytes += len(text) + 3
        return self._buffers[key][0]

    def _picture(self, panel: Panel, pixels: NDArray[np.uint8]) -> dict[str, Any]:
        wide, high = panel.size_of(pixels)
        rows, columns = pixels.shape[:2]
        crisp = wide >= columns
        found: dict[str, Any] = {"wide": wide, "high": high, "crisp": crisp, "clear": pixels.shape[2] == 4}
        found["picture"] = self._store(pixels if crisp else reduced(pixels, (wide, high)), lossless=crisp)
        for name, boxes in (("marks", panel.marks), ("flags", panel.flags)):
            if boxes:
                found[name] = [
                    [round(100 * edge / (columns, rows)[side % 2], 2) for side, edge in enumerate(box)] for box in boxes
                ]
        if panel.texts:
            found["type"] = fitting_size((text for row in panel.texts for text in row), wide / columns)
            found["texts"] = [
                [[text, ink(pixels[y, x])] for x, text in enumerate(row)] for y, row in enumerate(panel.texts)
            ]
        return found

    def _store(self, pixels: NDArray[np.uint8], *, lossless: bool) -> int:
        """Number of the picture among those stored."""
        key = (pixels.shape, lossless, hashlib.sha1(np.ascontiguousarray(pixels).tobytes()).digest())
        if key not in self._pictures:
            file = io.BytesIO()
            options: dict[str, Any] = {"lossless": True} if lossless else {"quality": QUALITY}
            Image.fromarray(np.ascontiguousarray(pixels)).save(file, "WEBP", **options)
            text = base64.b64encode(file.getvalue()).decode()
            self._pictures[key] = len(self._pictures), text
            self.bytes += len(text) + 3
        return self._pictures[key][0]


def _room(column: Sequence[Panel], moves: Moves | None) -> list[int]:
    """Widths of the boxes that move in a column, where they are told."""
    if moves is None:
        return []
    return [
        moves.widths[key] for key, panel in moves.boxes.items() if key in moves.widths and panel.on_card[0] in column
    ]
