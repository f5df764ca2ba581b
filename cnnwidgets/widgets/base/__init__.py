"""What every view is built on, its export, and Colab."""

from .export import BUDGET, Exported, Part, page_path, part_of, to_html
from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = [
    "BUDGET",
    "Exported",
    "ImageView",
    "LayerView",
    "ModelView",
    "Part",
    "log",
    "page_path",
    "part_of",
    "to_html",
]
