"""Handwritten digits that come with scikit-learn: no download."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..late import imported
from .labelled import LabelledImages

SIZE = 28
"""Side of an MNIST image, in pixels."""
BOX = 22
"""Side of the square that the 8 x 8 pixels and an empty pixel around them are enlarged to.

Visible ink (over a tenth) is then 20 pixels high, as MNIST's is.
"""


def digits() -> LabelledImages:
    """The 1,797 handwritten digits of scikit-learn, rendered in the style of MNIST.

    scikit-learn keeps them as 8 x 8 counts of ink (0..16), so they are softer than MNIST's. As there, a digit
    is 20 pixels high and its centre of mass is at the centre of a 28 x 28 image, to the nearest pixel.
    Ink is 1, paper 0.

    Returns
    -------
    LabelledImages
        1,797 images of 1 x 28 x 28, float32 in [0, 1], classes "0" to "9".

    Notes
    -----
    Source: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
    Repository (1998), test part, CC BY 4.0. MNIST's preprocessing: Y. LeCun, C. Cortes and C. Burges, "The
    MNIST database of handwritten digits".
    """
    bunch = imported("sklearn.datasets").load_digits()
    ink = torch.from_numpy(bunch.images).to(torch.float32).unsqueeze(1) / 16
    targets = torch.from_numpy(bunch.target).to(torch.int64)
    return LabelledImages(draw_like_mnist(ink), targets, [str(digit) for digit in range(10)])


def draw_like_mnist(ink: Tensor) -> Tensor:
    """Enlarge `ink` (N, 1, 8, 8) in [0, 1] to MNIST's size, centred by mass: (N, 1, 28, 28) in [0, 1]."""
    framed = functional.pad(ink, (1, 1, 1, 1))  # strokes at the edge fade out instead of being clipped
    drawn = functional.interpolate(framed, size=(BOX, BOX), mode="bicubic", align_corners=False).clamp(0, 1)
    position = torch.arange(BOX, dtype=torch.float32)
    mass = drawn.sum(dim=(1, 2, 3)).clamp(min=1e-6)  # a blank image has none
    row = (drawn.sum(dim=(1, 3)) * position).sum(dim=1) / mass
    column = (drawn.sum(dim=(1, 2)) * position).sum(dim=1) / mass
    middle = (SIZE - 1) / 2
    tops = (middle - row).round().long().clamp(0, SIZE - BOX).tolist()
    lefts = (middle - column).round().long().clamp(0, SIZE - BOX).tolist()
    images = torch.zeros(len(ink), 1, SIZE, SIZE)
    for image, digit, top, left in zip(images, drawn, tops, lefts, strict=True):
        image[:, top : top + BOX, left : left + BOX] = digit
    return images
