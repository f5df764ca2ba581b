"""Patches of a data set that fire a channel: read and cut out by the receptive field, in rows, following a view."""

from .cutting import Cutter, Example
from .pictures import Shown
from .sheet import described, patch_sheet
from .strongest import StrongestPatches

__all__ = ["Cutter", "Example", "Shown", "StrongestPatches", "described", "patch_sheet"]
