"""What every view is built on, its export, and Colab."""

from .export import Exported, Exports, Part, page_path, part_of
from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = [
    "Exported",
    "Exports",
    "ImageView",
    "LayerView",
    "ModelView",
    "Part",
    "log",
    "page_path",
    "part_of",
]
