"""Inputs that are linked to the traits of a view."""

from .basic import (
    SCALE_TIP,
    Group,
    ScaleControl,
    auto_entry,
    button,
    channel_word,
    checkbox,
    colormap_menu,
    doubling,
    dropdown,
    entry,
    fit,
    fraction,
    hint,
    index_control,
    labelled,
    named,
    slider,
    top_power,
)
from .channel import ChannelControl
from .guard import Guard
from .layer import LayerPicker
from .place import SPEEDS, PlaceControl
from .progress import ProgressRow, duration
from .ranges import IntBox, IntRange, Player
from .search import Search
from .target import TargetMenu
from .ticks import Choices

__all__ = [
    "SCALE_TIP",
    "SPEEDS",
    "ChannelControl",
    "Choices",
    "Group",
    "Guard",
    "IntBox",
    "IntRange",
    "LayerPicker",
    "PlaceControl",
    "Player",
    "ProgressRow",
    "ScaleControl",
    "Search",
    "TargetMenu",
    "auto_entry",
    "button",
    "channel_word",
    "checkbox",
    "colormap_menu",
    "doubling",
    "dropdown",
    "duration",
    "entry",
    "fit",
    "fraction",
    "hint",
    "index_control",
    "labelled",
    "named",
    "slider",
    "top_power",
]
