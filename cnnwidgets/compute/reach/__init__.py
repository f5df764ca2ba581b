"""Hooks that reach what a network computes: its modules, and the operations in the code of a `forward`."""

from .hooks import Calls, hook_after, hook_before
from .place import EditedPlace, check_edited, find_edited, node_of, scopes
from .reach import Reach, Run

__all__ = [
    "Calls",
    "EditedPlace",
    "Reach",
    "Run",
    "check_edited",
    "find_edited",
    "hook_after",
    "hook_before",
    "node_of",
    "scopes",
]
