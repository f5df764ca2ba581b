"""Which pixels a score depends on: Captum's methods and the sanity check."""

from .attribution import attributions
from .cam import default_layer, has_maps
from .map import AttributionMap
from .methods import GRAD_CAM, METHODS
from .sanity import randomized, rank_correlation

__all__ = [
    "GRAD_CAM",
    "METHODS",
    "AttributionMap",
    "attributions",
    "default_layer",
    "has_maps",
    "randomized",
    "rank_correlation",
]
