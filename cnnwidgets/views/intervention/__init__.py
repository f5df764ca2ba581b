"""InterventionView: channels of a layer switched off, and what the network then says."""

from .view import InterventionView

__all__ = [
    "InterventionView",
]
