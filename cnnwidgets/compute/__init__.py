"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .diagnose import diagnose
from .findings import Finding, Findings
from .hooks import Captured, capture, evaluating
from .layers import Layer, LayerTable
from .names import get_layer
from .occluder import Occluder
from .occlusion import occlusion
from .occlusion_map import OcclusionMap
from .table import layer_table

__all__ = [
    "Captured",
    "Finding",
    "Findings",
    "Layer",
    "LayerTable",
    "Occluder",
    "OcclusionMap",
    "activations",
    "capture",
    "diagnose",
    "evaluating",
    "get_layer",
    "layer_table",
    "occlusion",
]
