"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .diagnose import diagnose
from .findings import Finding, Findings
from .hooks import Captured, capture, evaluating
from .layers import Layer, LayerTable
from .names import get_layer
from .table import layer_table

__all__ = [
    "Captured",
    "Finding",
    "Findings",
    "Layer",
    "LayerTable",
    "activations",
    "capture",
    "diagnose",
    "evaluating",
    "get_layer",
    "layer_table",
]
