"""What every view is built on, its export, and Colab."""

from .export import Exported, Part, page_path
from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = [
    "Exported",
    "ImageView",
    "LayerView",
    "ModelView",
    "Part",
    "log",
    "page_path",
]
