"""Models to look into, ready to use."""

from __future__ import annotations

from cnnwidgets.models.lenet5 import lenet5
from cnnwidgets.models.pretrained import Pretrained, pretrained

__all__ = ["Pretrained", "lenet5", "pretrained"]
