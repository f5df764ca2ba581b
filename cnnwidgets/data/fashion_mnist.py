"""Fashion-MNIST: pieces of clothing."""

from __future__ import annotations

from pathlib import Path

from ..late import imported
from ._torchvision import load
from .labelled import LabelledImages

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def fashion_mnist(root: str | Path | None = None, train: bool = True) -> LabelledImages:
    """Fashion-MNIST's pieces of clothing, from this computer or downloaded by torchvision.

    Parameters
    ----------
    root
        Folder of the files, existing or to be downloaded, in `FashionMNIST/raw`. Without it they are read from
        `$CNNWIDGETS_DATA/fashion-mnist`, if that is set, and otherwise kept in the user's cache:
        `$XDG_CACHE_HOME/cnnwidgets/fashion-mnist` or `~/.cache/cnnwidgets/fashion-mnist`.
        `$CNNWIDGETS_DATA` and a read-only `root` may contain only the four .gz files; these are then
        unpacked in the cache.
    train
        The 60,000 training images, or else the 10,000 test images.

    Returns
    -------
    LabelledImages
        Images of 1 x 28 x 28 in [0, 1], bright on black, not normalised; ten classes.

    Raises
    ------
    FileNotFoundError
        If files are missing and cannot be downloaded. The message lists them and says what to do.

    Notes
    -----
    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv:1708.07747 (2017).
    """
    return load(imported("torchvision.datasets").FashionMNIST, "fashion-mnist", CLASSES, root=root, train=train)
