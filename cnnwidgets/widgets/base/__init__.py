"""What every view is built on."""

from .layer_view import ImageView, LayerView
from .view import ModelView, log

__all__ = ["ImageView", "LayerView", "ModelView", "log"]
