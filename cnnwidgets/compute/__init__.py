"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .attribution import AttributionMap, attributions, randomized, rank_correlation
from .convolution import Explanation, Slide, explain, slide
from .core import Captured, capture, get_layer
from .dataset import responses
from .diagnosis import Finding, Findings, diagnose
from .embedding import Clusters, Embedding, clusters, embed
from .filters import Filters, filters
from .gradients import GradientEdits, edit_gradients
from .interventions import (
    Ablate,
    Add,
    Apply,
    ChannelAblator,
    ChannelEffects,
    Clamp,
    ClassUnits,
    Edit,
    Intervention,
    Noise,
    Patching,
    Replace,
    Scale,
    channel_effects,
    intervene,
    patching,
    units_for_class,
)
from .layers import Layer, LayerTable, activations, layer_table
from .maximization import MaximizedPicture, Maximizer, maximize
from .occlusion import Occluder, OcclusionMap, occlusion
from .perturbation import CHANGES, Stability, perturb, stability
from .receptive_field import (
    ReceptiveField,
    ReceptiveFields,
    effective_receptive_field,
    receptive_field,
    receptive_fields,
)
from .scan import LayerScan, Place, Scan, Scanner, scan
from .shadow import evaluating
from .signatures import Outlier, Signatures, signatures

__all__ = [
    "CHANGES",
    "Ablate",
    "Add",
    "Apply",
    "AttributionMap",
    "Captured",
    "ChannelAblator",
    "ChannelEffects",
    "Clamp",
    "ClassUnits",
    "Clusters",
    "Edit",
    "Embedding",
    "Explanation",
    "Filters",
    "Finding",
    "Findings",
    "GradientEdits",
    "Intervention",
    "Layer",
    "LayerScan",
    "LayerTable",
    "MaximizedPicture",
    "Maximizer",
    "Noise",
    "Occluder",
    "OcclusionMap",
    "Outlier",
    "Patching",
    "Place",
    "ReceptiveField",
    "ReceptiveFields",
    "Replace",
    "Scale",
    "Scan",
    "Scanner",
    "Signatures",
    "Slide",
    "Stability",
    "activations",
    "attributions",
    "capture",
    "channel_effects",
    "clusters",
    "diagnose",
    "edit_gradients",
    "effective_receptive_field",
    "embed",
    "evaluating",
    "explain",
    "filters",
    "get_layer",
    "intervene",
    "layer_table",
    "maximize",
    "occlusion",
    "patching",
    "perturb",
    "randomized",
    "rank_correlation",
    "receptive_field",
    "receptive_fields",
    "responses",
    "scan",
    "signatures",
    "slide",
    "stability",
    "units_for_class",
]
