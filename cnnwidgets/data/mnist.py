"""MNIST: handwritten digits."""

from __future__ import annotations

from pathlib import Path

from ..late import imported
from ._torchvision import load
from .labelled import LabelledImages


def mnist(root: str | Path | None = None, train: bool = True) -> LabelledImages:
    """MNIST's handwritten digits, from this computer or downloaded by torchvision.

    Parameters
    ----------
    root
        Folder of the files, existing or to be downloaded, in `MNIST/raw`. Without it they are read from
        `$CNNWIDGETS_DATA/mnist`, if that is set, and otherwise kept in the user's cache:
        `$XDG_CACHE_HOME/cnnwidgets/mnist` or `~/.cache/cnnwidgets/mnist`.
        `$CNNWIDGETS_DATA` and a read-only `root` may contain only the four .gz files; these are then
        unpacked in the cache.
    train
        The 60,000 training images, or else the 10,000 test images.

    Returns
    -------
    LabelledImages
        Images of 1 x 28 x 28, ink 1 on paper 0, not normalised; classes "0" to "9".

    Raises
    ------
    FileNotFoundError
        If files are missing and cannot be downloaded. The message lists them and says what to do.

    Notes
    -----
    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits" (1998).
    """
    return load(
        imported("torchvision.datasets").MNIST, "mnist", [str(digit) for digit in range(10)], root=root, train=train
    )
