"""Work in parts, by the processes of a Ray cluster."""

from .here import running
from .in_order import InOrder
from .on_ray import check_workers, on_ray

__all__ = ["InOrder", "check_workers", "on_ray", "running"]
