"""See inside convolutional networks: interactive Jupyter widgets for PyTorch models."""

from . import data, models
from .compute import (
    Explanation,
    Filters,
    Layer,
    LayerTable,
    ReceptiveField,
    ReceptiveFields,
    Slide,
    activations,
    capture,
    diagnose,
    effective_receptive_field,
    evaluating,
    explain,
    filters,
    get_layer,
    layer_table,
    receptive_field,
    receptive_fields,
    slide,
)
from .widgets import ActivationView, ConvolutionView, FilterView, KernelPlayground, ModelView, ReceptiveFieldView

__version__ = "0.1.0"

__all__ = [
    "ActivationView",
    "ConvolutionView",
    "Explanation",
    "FilterView",
    "Filters",
    "KernelPlayground",
    "Layer",
    "LayerTable",
    "ModelView",
    "ReceptiveField",
    "ReceptiveFieldView",
    "ReceptiveFields",
    "Slide",
    "activations",
    "capture",
    "data",
    "diagnose",
    "effective_receptive_field",
    "evaluating",
    "explain",
    "filters",
    "get_layer",
    "layer_table",
    "models",
    "receptive_field",
    "receptive_fields",
    "slide",
]
