"""The views: models and data sets in, live Jupyter widgets out."""

from . import colab
from .activation import ActivationView
from .attribution import AttributionView
from .convolution import ConvolutionView
from .embedding import EmbeddingView
from .film import FilmView
from .filter import FilterView
from .kernel_playground import KernelPlayground
from .occlusion import OcclusionView
from .receptive_field import ReceptiveFieldView
from .signature import SignatureView
from .summary import ModelSummary
from .training import TrainingView
from .view import ModelView

__all__ = [
    "ActivationView",
    "AttributionView",
    "ConvolutionView",
    "EmbeddingView",
    "FilmView",
    "FilterView",
    "KernelPlayground",
    "ModelSummary",
    "ModelView",
    "OcclusionView",
    "ReceptiveFieldView",
    "SignatureView",
    "TrainingView",
]

colab.enable()
