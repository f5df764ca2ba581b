"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .hooks import Captured, capture, evaluating
from .layers import Layer, LayerTable, layer_table
from .names import get_layer

__all__ = [
    "Captured",
    "Layer",
    "LayerTable",
    "activations",
    "capture",
    "evaluating",
    "get_layer",
    "layer_table",
]
