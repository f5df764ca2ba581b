"""One number of a layer taken apart into the terms of its sum."""

from .convolution import Slide, Taps, slide
from .explain import LayerPass, explain, layer_pass
from .explanation import Explanation
from .known import EXPLAINED, explainable, explainable_layers
from .operands import NAMES, Operation
from .rules import Addition, Concatenation
from .whole import WholeMap, whole_map, whole_slide
from .windows import nearest

__all__ = [
    "EXPLAINED",
    "NAMES",
    "Addition",
    "Concatenation",
    "Explanation",
    "LayerPass",
    "Operation",
    "Slide",
    "Taps",
    "WholeMap",
    "explain",
    "explainable",
    "explainable_layers",
    "layer_pass",
    "nearest",
    "slide",
    "whole_map",
    "whole_slide",
]
