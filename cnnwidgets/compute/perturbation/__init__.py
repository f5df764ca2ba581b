"""Changed images, and how the scores follow the change."""

from .changes import CHANGES, Change, perturb
from .stability import Stability, stability

__all__ = ["CHANGES", "Change", "Stability", "perturb", "stability"]
