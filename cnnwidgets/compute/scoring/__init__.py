"""Class scores of many changed images, as quickly as the machine can."""

from .batching import BatchSize, out_of_memory
from .folding import agrees
from .scorer import Score, Scorer, choose_targets, map_differences, parse_single_target, parse_target

__all__ = [
    "BatchSize",
    "Score",
    "Scorer",
    "agrees",
    "choose_targets",
    "map_differences",
    "out_of_memory",
    "parse_single_target",
    "parse_target",
]
