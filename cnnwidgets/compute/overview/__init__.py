"""The whole network at a glance: its stages folded by modules, what feeds what, and what each did."""

from .activity import look_out, strongest
from .choosing import is_picture, ordinary, pictures, worth_choosing
from .edges import Edge, edges
from .flow import Flow, follow
from .shares import input_shares
from .stages import MOST, Stages, stages
from .tree import Stage
from .words import describe

__all__ = [
    "MOST",
    "Edge",
    "Flow",
    "Stage",
    "Stages",
    "describe",
    "edges",
    "follow",
    "input_shares",
    "is_picture",
    "look_out",
    "ordinary",
    "pictures",
    "stages",
    "strongest",
    "worth_choosing",
]
