"""Data sets as (image tensor, label), with class names. Data is read only when its function is called."""

from __future__ import annotations

from .digits import digits
from .fashion_mnist import fashion_mnist
from .hymenoptera import hymenoptera
from .labelled import LabelledImages
from .mnist import mnist
from .photos import Photos, photos

__all__ = ["LabelledImages", "Photos", "digits", "fashion_mnist", "hymenoptera", "mnist", "photos"]
