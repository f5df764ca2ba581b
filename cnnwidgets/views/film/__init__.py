"""FilmView: a recorded training to scrub through."""

from .view import FilmView

__all__ = [
    "FilmView",
]
