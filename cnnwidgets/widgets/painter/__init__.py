"""Paints in the page: the numbers of a layer go there once, and what moves then needs no kernel."""

from .exported import page_style, painted, paints
from .numbers import Numbers, drawn_size
from .page import pages
from .painter import Painter, Painting, code, possible
from .series import Series

__all__ = [
    "Numbers",
    "Painter",
    "Painting",
    "Series",
    "code",
    "drawn_size",
    "page_style",
    "pages",
    "painted",
    "paints",
    "possible",
]
