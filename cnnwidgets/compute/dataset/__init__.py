"""A data set as items; the vectors of a layer for many images; predictions."""

from .elements import is_finite
from .items import Denormalize, Item, Items
from .labels import class_names, read_label
from .naming import OutputNames
from .normalization import Pixels, pixels_of
from .own import canvas
from .responses import (
    BATCH,
    POOLINGS,
    channels_first,
    check_alike,
    checked_pooling,
    item_responses,
    pooled,
    responses,
)
from .scores import Prediction, predict, scores_of
from .substitute import of_images

__all__ = [
    "BATCH",
    "POOLINGS",
    "Denormalize",
    "Item",
    "Items",
    "OutputNames",
    "Pixels",
    "Prediction",
    "canvas",
    "channels_first",
    "check_alike",
    "checked_pooling",
    "class_names",
    "is_finite",
    "item_responses",
    "of_images",
    "pixels_of",
    "pooled",
    "predict",
    "read_label",
    "responses",
    "scores_of",
]
