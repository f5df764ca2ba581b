"""Tensor in, tensor out: what a network does with an image. Never draws, never downloads."""

from .accuracy import AccuracyEffects, AccuracyMeter, accuracy_effects
from .attribution import AttributionMap, attributions, randomized, rank_correlation
from .comparison import (
    ChannelMatch,
    Comparer,
    Disagreements,
    ResponseChanges,
    Similarity,
    WeightChanges,
    cka,
    disagreements,
    match_channels,
    response_changes,
    weight_changes,
)
from .convolution import Explanation, Slide, explain, slide
from .core import Captured, capture, get_layer
from .dataset import responses
from .diagnosis import Finding, Findings, diagnose
from .effects import (
    ChannelAblator,
    ChannelEffects,
    ClassUnits,
    LayerPatcher,
    Patching,
    channel_effects,
    patching,
    units_for_class,
)
from .embedding import Clusters, Embedding, clusters, embed
from .filters import Filters, filters
from .gradients import GradientEdits, edit_gradients
from .interventions import Ablate, Add, Apply, Clamp, Edit, Intervention, Noise, Replace, Scale, intervene
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
    "AccuracyEffects",
    "AccuracyMeter",
    "Add",
    "Apply",
    "AttributionMap",
    "Captured",
    "ChannelAblator",
    "ChannelEffects",
    "ChannelMatch",
    "Clamp",
    "ClassUnits",
    "Clusters",
    "Comparer",
    "Disagreements",
    "Edit",
    "Embedding",
    "Explanation",
    "Filters",
    "Finding",
    "Findings",
    "GradientEdits",
    "Intervention",
    "Layer",
    "LayerPatcher",
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
    "ResponseChanges",
    "Scale",
    "Scan",
    "Scanner",
    "Signatures",
    "Similarity",
    "Slide",
    "Stability",
    "WeightChanges",
    "accuracy_effects",
    "activations",
    "attributions",
    "capture",
    "channel_effects",
    "cka",
    "clusters",
    "diagnose",
    "disagreements",
    "edit_gradients",
    "effective_receptive_field",
    "embed",
    "evaluating",
    "explain",
    "filters",
    "get_layer",
    "intervene",
    "layer_table",
    "match_channels",
    "maximize",
    "occlusion",
    "patching",
    "perturb",
    "randomized",
    "rank_correlation",
    "receptive_field",
    "receptive_fields",
    "response_changes",
    "responses",
    "scan",
    "signatures",
    "slide",
    "stability",
    "units_for_class",
    "weight_changes",
]
