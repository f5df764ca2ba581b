"""The views: models and data sets in, live Jupyter widgets out."""

from .activation import ActivationView
from .attribution import AttributionView
from .comparison import CompareFrames, CompareView
from .convolution import ConvolutionView, KernelPlayground
from .embedding import EmbeddingView
from .film import FilmView
from .filter import FilterView
from .intervention import InterventionView
from .occlusion import OcclusionView
from .receptive_field import ReceptiveFieldView
from .signature import SignatureView
from .summary import ModelSummary
from .training import TrainingView

__all__ = [
    "ActivationView",
    "AttributionView",
    "CompareFrames",
    "CompareView",
    "ConvolutionView",
    "EmbeddingView",
    "FilmView",
    "FilterView",
    "InterventionView",
    "KernelPlayground",
    "ModelSummary",
    "OcclusionView",
    "ReceptiveFieldView",
    "SignatureView",
    "TrainingView",
]
