"""What differs between two networks: weights, responses, predictions, and whether their layers are alike at all."""

from .changes import ResponseChange, ResponseChanges
from .comparer import Comparer
from .disagreement import Disagreement, Disagreements, matched_classes
from .functions import cka, disagreements, response_changes
from .matching import ChannelMatch, match_channels
from .pairing import LayerPair, Pairing, pair_layers
from .scanned import scans_of
from .similarity import FEWEST, Similarity
from .weights import WeightChange, WeightChanges, weight_changes

__all__ = [
    "FEWEST",
    "ChannelMatch",
    "Comparer",
    "Disagreement",
    "Disagreements",
    "LayerPair",
    "Pairing",
    "ResponseChange",
    "ResponseChanges",
    "Similarity",
    "WeightChange",
    "WeightChanges",
    "cka",
    "disagreements",
    "match_channels",
    "matched_classes",
    "pair_layers",
    "response_changes",
    "scans_of",
    "weight_changes",
]
