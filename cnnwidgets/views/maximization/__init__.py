"""MaximizeView: pictures optimised to drive a channel, beside the real images that fire it most."""

from .view import MaximizeView

__all__ = [
    "MaximizeView",
]
