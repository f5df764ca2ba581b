"""The views: models and data sets in, live Jupyter widgets out."""

from .activation import ActivationView
from .attribution import AttributionView
from .channels import ChannelsView
from .comparison import CompareFrames, CompareView
from .convolution import ConvolutionView, KernelPlayground
from .embedding import EmbeddingView
from .examples import ExamplesView
from .film import FilmView
from .filter import FilterView
from .intervention import InterventionView
from .maximization import MaximizeView
from .occlusion import OcclusionView
from .receptive_field import ReceptiveFieldView
from .signature import SignatureView
from .summary import ModelSummary
from .training import TrainingView

__all__ = [
    "ActivationView",
    "AttributionView",
    "ChannelsView",
    "CompareFrames",
    "CompareView",
    "ConvolutionView",
    "EmbeddingView",
    "ExamplesView",
    "FilmView",
    "FilterView",
    "InterventionView",
    "KernelPlayground",
    "MaximizeView",
    "ModelSummary",
    "OcclusionView",
    "ReceptiveFieldView",
    "SignatureView",
    "TrainingView",
]
