"""An own image in the place of the data set's."""

from .own import ShowsOwnImages
from .panel import InputPanel

__all__ = ["InputPanel", "ShowsOwnImages"]
