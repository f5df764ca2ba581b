"""FilterView: the kernels of a convolution."""

from .view import FilterView

__all__ = [
    "FilterView",
]
