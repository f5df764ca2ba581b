"""EmbeddingView: the vectors of a layer as points on a plane."""

from .view import EmbeddingView

__all__ = [
    "EmbeddingView",
]
