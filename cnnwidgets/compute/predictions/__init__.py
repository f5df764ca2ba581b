"""What a network says of every image of a data set: the class, how probable, and how close the second one is."""

from .gathering import Gathered
from .predictions import NONE, Predictions, predicted

__all__ = ["NONE", "Gathered", "Predictions", "predicted"]
