"""OcclusionView: a patch over the image, and how the score answers."""

from .view import OcclusionView

__all__ = [
    "OcclusionView",
]
