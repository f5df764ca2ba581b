"""One number of a layer taken apart into the terms of its sum."""

from .convolution import Slide, Taps, slide
from .explain import LayerPass, explain, explainable, explainable_layers, layer_pass
from .explanation import Explanation
from .windows import nearest

__all__ = [
    "Explanation",
    "LayerPass",
    "Slide",
    "Taps",
    "explain",
    "explainable",
    "explainable_layers",
    "layer_pass",
    "nearest",
    "slide",
]
