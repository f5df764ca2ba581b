"""The views: models and data sets in, live Jupyter widgets out."""

from .activation import ActivationView
from .receptive_field import ReceptiveFieldView
from .view import ModelView

__all__ = ["ActivationView", "ModelView", "ReceptiveFieldView"]
