"""What every view is built on, its export, and Colab."""

from .export import Exported
from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = [
    "Exported",
    "ImageView",
    "LayerView",
    "ModelView",
    "log",
]
