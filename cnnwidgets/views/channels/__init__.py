"""ChannelsView: all channels of a scan in sortable tables, and which of them know a class."""

from .view import ChannelsView

__all__ = [
    "ChannelsView",
]
