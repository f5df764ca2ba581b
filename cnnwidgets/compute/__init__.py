"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .attribution import attributions
from .attribution_map import AttributionMap
from .captured import Captured
from .convolution import Slide, slide
from .diagnose import diagnose
from .effective_field import effective_receptive_field
from .explain import explain
from .explanation import Explanation
from .fields import ReceptiveField, ReceptiveFields
from .filters import Filters, filters
from .findings import Finding, Findings
from .gradients import GradientEdits
from .hooks import capture, edit_gradients, evaluating
from .layers import Layer, LayerTable
from .names import get_layer
from .occluder import Occluder
from .occlusion import occlusion
from .occlusion_map import OcclusionMap
from .randomized import randomized, rank_correlation
from .receptive_field import receptive_field, receptive_fields
from .table import layer_table

__all__ = [
    "AttributionMap",
    "Captured",
    "Explanation",
    "Filters",
    "Finding",
    "Findings",
    "GradientEdits",
    "Layer",
    "LayerTable",
    "Occluder",
    "OcclusionMap",
    "ReceptiveField",
    "ReceptiveFields",
    "Slide",
    "activations",
    "attributions",
    "capture",
    "diagnose",
    "edit_gradients",
    "effective_receptive_field",
    "evaluating",
    "explain",
    "filters",
    "get_layer",
    "layer_table",
    "occlusion",
    "randomized",
    "rank_correlation",
    "receptive_field",
    "receptive_fields",
    "slide",
]
