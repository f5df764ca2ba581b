"""Pictures that a user gives beside a data set: read from everything that may hold one, numbered, and remembered."""

from .kept import FIRST, KEPT, OwnImage, adopt, is_own, own_image
from .reading import in_bytes, read_picture, sized

__all__ = ["FIRST", "KEPT", "OwnImage", "adopt", "in_bytes", "is_own", "own_image", "read_picture", "sized"]
