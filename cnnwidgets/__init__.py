"""See inside convolutional networks: interactive Jupyter widgets for PyTorch models."""

from . import data, models
from .compute import (
    Layer,
    LayerTable,
    Occluder,
    OcclusionMap,
    activations,
    capture,
    diagnose,
    evaluating,
    get_layer,
    layer_table,
    occlusion,
)
from .widgets import ActivationView, ModelView

__version__ = "0.1.0"

__all__ = [
    "ActivationView",
    "Layer",
    "LayerTable",
    "ModelView",
    "Occluder",
    "OcclusionMap",
    "activations",
    "capture",
    "data",
    "diagnose",
    "evaluating",
    "get_layer",
    "layer_table",
    "models",
    "occlusion",
]
