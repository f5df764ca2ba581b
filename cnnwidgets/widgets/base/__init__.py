"""What every view is built on, its export, and Colab."""

from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = [
    "ImageView",
    "LayerView",
    "ModelView",
    "log",
]
