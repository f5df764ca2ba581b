"""ExamplesView: the images of a data set that fire a channel most, and where in them."""

from .view import ExamplesView

__all__ = [
    "ExamplesView",
]
