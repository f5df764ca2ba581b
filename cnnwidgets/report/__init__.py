"""A scan as one page: the tables of its channels, and the patches that fire each."""

from .report import report

__all__ = ["report"]
