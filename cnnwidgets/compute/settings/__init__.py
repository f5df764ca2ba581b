"""What the code of a model reads besides its weights and its input."""

from .reading import BESIDE, PLAIN, names_in, settings

__all__ = ["BESIDE", "PLAIN", "names_in", "settings"]
