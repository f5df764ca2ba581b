"""ConvolutionView and KernelPlayground: one number of a feature map worked out."""

from .playground import KernelPlayground
from .view import ConvolutionView

__all__ = [
    "ConvolutionView",
    "KernelPlayground",
]
