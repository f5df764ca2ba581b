"""Work in parts, by the processes of a Ray cluster."""

from .on_ray import on_ray

__all__ = ["on_ray"]
