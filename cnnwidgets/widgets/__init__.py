"""The views: models and data sets in, live Jupyter widgets out."""

from .activation import ActivationView
from .attribution import AttributionView
from .convolution import ConvolutionView
from .filter import FilterView
from .kernel_playground import KernelPlayground
from .occlusion import OcclusionView
from .receptive_field import ReceptiveFieldView
from .training import TrainingView
from .view import ModelView

__all__ = [
    "ActivationView",
    "AttributionView",
    "ConvolutionView",
    "FilterView",
    "KernelPlayground",
    "ModelView",
    "OcclusionView",
    "ReceptiveFieldView",
    "TrainingView",
]
