"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .activations import activations
from .attribution import attributions
from .attribution_map import AttributionMap
from .captured import Captured
from .convolution import Slide, slide
from .diagnose import diagnose
from .effective_field import effective_receptive_field
from .embedding import Clusters, Embedding, clusters, embed
from .explain import explain
from .explanation import Explanation
from .fields import ReceptiveField, ReceptiveFields
from .filters import Filters, filters
from .findings import Finding, Findings
from .gradients import GradientEdits
from .hooks import capture, evaluating
from .layers import Layer, LayerTable
from .names import get_layer
from .occluder import Occluder
from .occlusion import occlusion
from .occlusion_map import OcclusionMap
from .randomized import randomized, rank_correlation
from .receptive_field import receptive_field, receptive_fields
from .signatures import Outlier, Signatures, signatures
from .table import layer_table
from .training_hooks import edit_gradients

__all__ = [
    "AttributionMap",
    "Captured",
    "Clusters",
    "Embedding",
    "Explanation",
    "Filters",
    "Finding",
    "Findings",
    "GradientEdits",
    "Layer",
    "LayerTable",
    "Occluder",
    "OcclusionMap",
    "Outlier",
    "ReceptiveField",
    "ReceptiveFields",
    "Signatures",
    "Slide",
    "activations",
    "attributions",
    "capture",
    "clusters",
    "diagnose",
    "edit_gradients",
    "effective_receptive_field",
    "embed",
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
    "signatures",
    "slide",
]
