"""One careful pass: run a model, keep what its modules put out, put everything back."""

from .captured import UNSEEN, Captured, some_of
from .fingerprint import digest, fingerprint, hooks_version, settings_version, weights_version
from .forward import ForwardError, Prepare, call, describe, hand_over, in_one_line
from .hooks import alone, capture, claimed, counting, not_ours, rerouted
from .memory import give_back
from .model import FORMS, Entrance, device_of, dtype_of, entrance, gathered, has_forward, known_whole, moved, plain
from .names import (
    OUTPUT,
    find_layer,
    first_names,
    get_layer,
    listing,
    module_names,
    named_parts,
    nearest,
    shortened,
    unknown,
    unknown_layer,
    whole,
)
from .outputs import are_probabilities, leaves, rebuilt, replaced, why_not
from .progress import Bar, Report
from .state import same_random_state

__all__ = [
    "FORMS",
    "OUTPUT",
    "UNSEEN",
    "Bar",
    "Captured",
    "Entrance",
    "ForwardError",
    "Prepare",
    "Report",
    "alone",
    "are_probabilities",
    "call",
    "capture",
    "claimed",
    "counting",
    "describe",
    "device_of",
    "digest",
    "dtype_of",
    "entrance",
    "find_layer",
    "fingerprint",
    "first_names",
    "gathered",
    "get_layer",
    "give_back",
    "hand_over",
    "has_forward",
    "hooks_version",
    "in_one_line",
    "known_whole",
    "leaves",
    "listing",
    "module_names",
    "moved",
    "named_parts",
    "nearest",
    "not_ours",
    "plain",
    "rebuilt",
    "replaced",
    "rerouted",
    "same_random_state",
    "settings_version",
    "shortened",
    "some_of",
    "unknown",
    "unknown_layer",
    "weights_version",
    "whole",
    "why_not",
]
