"""The views: models and data sets in, live Jupyter widgets out."""

from .activation import ActivationView
from .view import ModelView

__all__ = ["ActivationView", "ModelView"]
