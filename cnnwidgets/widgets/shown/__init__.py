"""How a view is shown in a notebook and for how long, saved as a picture, and exported as a page."""

from . import colab, lifetime
from .export import Exported, Exports, page_path
from .shown import Shown
from .still import variables
from .sweep import Part, part_of

__all__ = [
    "Exported",
    "Exports",
    "Part",
    "Shown",
    "colab",
    "lifetime",
    "page_path",
    "part_of",
    "variables",
]
