"""Several views, lessons and texts in one HTML file."""

from .page import page

__all__ = ["page"]
