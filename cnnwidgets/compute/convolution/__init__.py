"""One number of a layer taken apart into the terms of its sum."""

from .convolution import Slide, slide
from .explain import LayerPass, explain, explainable, explainable_layers, layer_pass
from .explanation import Explanation

__all__ = [
    "Explanation",
    "LayerPass",
    "Slide",
    "explain",
    "explainable",
    "explainable_layers",
    "layer_pass",
    "slide",
]
