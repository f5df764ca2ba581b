"""A card as a PNG, as SVG or PDF, or as a page."""

from .card import TRUE, Card, card
from .chart import BOTTOM, LEFT, RIGHT, SECOND, TOP, Chart, Line, ticks
from .histogram import counts, histogram
from .movie import alike, write_gif, write_mp4
from .page import Page
from .painted import Moves, Painted, Paints
from .panel import Panel
from .scatter import NO_GROUP, extent, group_color, scatter, silhouette
from .sheet import sheet
from .vector import FORMATS, TooNarrow, encode_card

__all__ = [
    "BOTTOM",
    "FORMATS",
    "LEFT",
    "NO_GROUP",
    "RIGHT",
    "SECOND",
    "TOP",
    "TRUE",
    "Card",
    "Chart",
    "Line",
    "Moves",
    "Page",
    "Painted",
    "Paints",
    "Panel",
    "TooNarrow",
    "alike",
    "card",
    "counts",
    "encode_card",
    "extent",
    "group_color",
    "histogram",
    "scatter",
    "sheet",
    "silhouette",
    "ticks",
    "write_gif",
    "write_mp4",
]
