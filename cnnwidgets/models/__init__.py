"""Models that are ready to use."""

from __future__ import annotations

from cnnwidgets.models.head import with_new_head
from cnnwidgets.models.lenet5 import lenet5
from cnnwidgets.models.lenet5_variant import lenet5_variant
from cnnwidgets.models.pretrained import Pretrained, pretrained

__all__ = ["Pretrained", "lenet5", "lenet5_variant", "pretrained", "with_new_head"]
