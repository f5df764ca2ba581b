"""The weights of convolutions."""

from .conv_layers import batch_norms, convolutions, find_convolution
from .filters import NEAR_DEAD, ORDERS, Filters, filters, fold

__all__ = [
    "NEAR_DEAD",
    "ORDERS",
    "Filters",
    "batch_norms",
    "convolutions",
    "filters",
    "find_convolution",
    "fold",
]
