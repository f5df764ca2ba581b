"""Vectors on a plane, over the states of a training."""

from .embedding import Clusters, Embedding, clusters, embed, methods, silhouettes
from .frames import ModelStates, States, states_of

__all__ = [
    "Clusters",
    "Embedding",
    "ModelStates",
    "States",
    "clusters",
    "embed",
    "methods",
    "silhouettes",
    "states_of",
]
