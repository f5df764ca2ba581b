"""What a user gives as images, signals or volumes, as tensors that a network takes."""

from .batch import as_batch, as_images, as_numbers, holds_numbers
from .forms import as_tensor, channels_first, is_picture

__all__ = ["as_batch", "as_images", "as_numbers", "as_tensor", "channels_first", "holds_numbers", "is_picture"]
