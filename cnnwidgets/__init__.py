"""See inside convolutional networks: interactive Jupyter widgets for PyTorch models."""

from . import data, models
from .compute import (
    Layer,
    LayerTable,
    ReceptiveField,
    ReceptiveFields,
    activations,
    capture,
    diagnose,
    effective_receptive_field,
    evaluating,
    get_layer,
    layer_table,
    receptive_field,
    receptive_fields,
)
from .widgets import ActivationView, ModelView, ReceptiveFieldView

__version__ = "0.1.0"

__all__ = [
    "ActivationView",
    "Layer",
    "LayerTable",
    "ModelView",
    "ReceptiveField",
    "ReceptiveFieldView",
    "ReceptiveFields",
    "activations",
    "capture",
    "data",
    "diagnose",
    "effective_receptive_field",
    "evaluating",
    "get_layer",
    "layer_table",
    "models",
    "receptive_field",
    "receptive_fields",
]
