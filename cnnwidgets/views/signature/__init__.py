"""SignatureView: heat strips of vectors of several classes."""

from .view import SignatureView

__all__ = [
    "SignatureView",
]
