"""Passes in which modules give what they gave before, instead of computing it again."""

from .recall import Known, recallable, recalled

__all__ = ["Known", "recallable", "recalled"]
