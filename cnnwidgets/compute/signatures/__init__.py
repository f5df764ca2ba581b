"""Vectors of several classes compared."""

from .members import class_numbers, first_classes, members
from .signatures import METRICS, Outlier, Signatures, gathered, signatures

__all__ = [
    "METRICS",
    "Outlier",
    "Signatures",
    "class_numbers",
    "first_classes",
    "gathered",
    "members",
    "signatures",
]
