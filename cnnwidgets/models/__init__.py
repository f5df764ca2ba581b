"""Models to look into, ready to use."""

from __future__ import annotations

from cnnwidgets.models.lenet5 import lenet5

__all__ = ["lenet5"]
