"""What is looked at, and what is remembered."""

from .code import Given, call, cell_of, image_of, maps_of, recording_of
from .memory import Memory, Thumbnails
from .off import ChannelsOff, channels_off, edits_code, edits_of, switched
from .operations import REST, Operations
from .page import kept
from .place import read, told
from .subject import Look, Snapshot, Subject, together
from .traits import Colormap, Index, Integer, NotNone, Number, Pixel, Place, Scale, ScoreOf, Target, refused

__all__ = [
    "REST",
    "ChannelsOff",
    "Colormap",
    "Given",
    "Index",
    "Integer",
    "Look",
    "Memory",
    "NotNone",
    "Number",
    "Operations",
    "Pixel",
    "Place",
    "Scale",
    "ScoreOf",
    "Snapshot",
    "Subject",
    "Target",
    "Thumbnails",
    "call",
    "cell_of",
    "channels_off",
    "edits_code",
    "edits_of",
    "image_of",
    "kept",
    "maps_of",
    "read",
    "recording_of",
    "refused",
    "switched",
    "together",
    "told",
]
