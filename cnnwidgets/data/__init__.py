"""Data sets as (image tensor, label), with class names. Data is read only when its function is called."""

from __future__ import annotations

from cnnwidgets.data.digits import digits
from cnnwidgets.data.fashion_mnist import fashion_mnist
from cnnwidgets.data.hymenoptera import hymenoptera
from cnnwidgets.data.labelled import LabelledImages
from cnnwidgets.data.mnist import mnist
from cnnwidgets.data.photos import Photos, photos

__all__ = ["LabelledImages", "Photos", "digits", "fashion_mnist", "hymenoptera", "mnist", "photos"]
