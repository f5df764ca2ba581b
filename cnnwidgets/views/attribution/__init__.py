"""AttributionView: attribution methods side by side."""

from .view import AttributionView

__all__ = [
    "AttributionView",
]
