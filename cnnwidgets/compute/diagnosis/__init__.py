"""What may mislead in a model or its data."""

from .diagnose import diagnose
from .findings import Finding, Findings

__all__ = [
    "Finding",
    "Findings",
    "diagnose",
]
