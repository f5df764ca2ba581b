"""How a score changes as a patch slides over the image."""

from .baselines import NAMED, baseline_images
from .map import OcclusionMap
from .occluder import Occluder
from .occlusion import occlusion
from .patches import Pair, Patches, pair, patches

__all__ = [
    "NAMED",
    "Occluder",
    "OcclusionMap",
    "Pair",
    "Patches",
    "baseline_images",
    "occlusion",
    "pair",
    "patches",
]
