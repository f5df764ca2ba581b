"""Models that are ready to use."""

from __future__ import annotations

from .head import with_new_head
from .lenet5 import lenet5
from .lenet5_variant import lenet5_variant
from .pretrained import Pretrained, pretrained

__all__ = ["Pretrained", "lenet5", "lenet5_variant", "pretrained", "with_new_head"]
