"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .diagnose import diagnose
from .effective_field import effective_receptive_field
from .fields import ReceptiveField, ReceptiveFields
from .findings import Finding, Findings
from .hooks import Captured, capture, evaluating
from .layers import Layer, LayerTable
from .names import get_layer
from .receptive_field import receptive_field, receptive_fields
from .table import layer_table

__all__ = [
    "Captured",
    "Finding",
    "Findings",
    "Layer",
    "LayerTable",
    "ReceptiveField",
    "ReceptiveFields",
    "activations",
    "capture",
    "diagnose",
    "effective_receptive_field",
    "evaluating",
    "get_layer",
    "layer_table",
    "receptive_field",
    "receptive_fields",
]
