"""Questions that are asked before anything is shown: ready lessons, and what one of your own is made of."""

from ..compute.lessons import Choice, NothingToAsk, Picture, Question
from .ready import (
    channels,
    feature_maps,
    filters,
    occlusion,
    padding,
    pooling,
    receptive_field,
    relu,
    softmax,
    stride,
    training,
)
from .view import Lesson

__all__ = [
    "Choice",
    "Lesson",
    "NothingToAsk",
    "Picture",
    "Question",
    "channels",
    "feature_maps",
    "filters",
    "occlusion",
    "padding",
    "pooling",
    "receptive_field",
    "relu",
    "softmax",
    "stride",
    "training",
]
