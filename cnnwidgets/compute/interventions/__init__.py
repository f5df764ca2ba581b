"""Change what a network computes, for a while."""

from .edited import arrangement_of
from .edits import Ablate, Add, Apply, Clamp, Edit, Noise, Replace, Scale
from .graph import Change, Cut, NoCut, norms_behind
from .intervention import EditedTwin, Edits, Intervention, intervene, interventions_of
from .operation import operation_outputs, proved_operations, rerouted_operation
from .place import check_edited, editable_operations, find_edited
from .selection import by_channel, on_numbers

__all__ = [
    "Ablate",
    "Add",
    "Apply",
    "Change",
    "Clamp",
    "Cut",
    "Edit",
    "EditedTwin",
    "Edits",
    "Intervention",
    "NoCut",
    "Noise",
    "Replace",
    "Scale",
    "arrangement_of",
    "by_channel",
    "check_edited",
    "editable_operations",
    "find_edited",
    "intervene",
    "interventions_of",
    "norms_behind",
    "on_numbers",
    "operation_outputs",
    "proved_operations",
    "rerouted_operation",
]
