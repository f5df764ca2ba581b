"""The whole network at a glance, with the other views below it."""

from .view import ExploreView, explore

__all__ = ["ExploreView", "explore"]
