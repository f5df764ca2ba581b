"""ActivationView: what every channel of a layer makes of an image."""

from .view import ActivationView

__all__ = [
    "ActivationView",
]
