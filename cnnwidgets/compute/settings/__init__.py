"""What the code of a model reads besides its weights and its input."""

from .reading import settings

__all__ = ["settings"]
