"""The two LeNet-5 variants of a Fashion-MNIST walkthrough: one without padding, one that pads."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def lenet5_variant(padding: str = "valid") -> nn.Sequential:
    """LeNet-5 with ReLU, max pooling and three fully connected layers, for images (N, 1, 28, 28) of values in [0, 1].

    =========  ================  ===============  ==========  ==============  ==========
    name       module            "valid"          parameters  "same"          parameters
    =========  ================  ===============  ==========  ==============  ==========
    conv1      Conv2d(1, 6, 5)   6 @ 24 x 24      156         6 @ 28 x 28     156
    relu1      ReLU              6 @ 24 x 24                  6 @ 28 x 28
    max_pool1  MaxPool2d(2)      6 @ 12 x 12                  6 @ 14 x 14
    conv2      Conv2d(6, 16, 5)  16 @ 8 x 8       2,416       16 @ 14 x 14    2,416
    relu2      ReLU              16 @ 8 x 8                   16 @ 14 x 14
    max_pool2  MaxPool2d(2)      16 @ 4 x 4                   16 @ 7 x 7
    flatten    Flatten           256                          784
    fc1        Linear(.., 120)   120              30,840      120             94,200
    relu3      ReLU              120                          120
    fc2        Linear(120, 84)   84               10,164      84              10,164
    relu4      ReLU              84                           84
    op         Linear(84, 10)    10               850         10              850
    =========  ================  ===============  ==========  ==============  ==========

    Parameters
    ----------
    padding
        "valid" for variant 1, which does not pad: 44,426 parameters. "same" for variant 2, whose convolutions keep the
        size of their maps: 107,786 parameters, and maps that are still large enough to read after the first pooling.

    Returns
    -------
    nn.Sequential
        With PyTorch's random initial weights, in training mode.

    Raises
    ------
    ValueError
        Another padding.

    Notes
    -----
    `op` puts out scores. The softmax that belongs to it is part of PyTorch's cross-entropy loss; with one in the
    network it would be taken twice.
    """
    if padding not in ("valid", "same"):
        raise ValueError(f"padding must be 'valid' or 'same', not {padding!r}")
    side = 4 if padding == "valid" else 7
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 6, 5, padding=padding),
            relu1=nn.ReLU(),
            max_pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, 5, padding=padding),
            relu2=nn.ReLU(),
            max_pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(16 * side * side, 120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            op=nn.Linear(84, 10),
        )
    )
