"""An own image in the place of the data set's."""

from .own import ShowsOwnImages

__all__ = ["ShowsOwnImages"]
