"""LeNet-5 for 28 x 28 images, with weights for handwritten digits that come with the package."""

from __future__ import annotations

from collections import OrderedDict
from importlib.resources import files

import safetensors.torch
import torch
from torch import nn

WEIGHTS = "lenet5.safetensors"


def lenet5(*, pretrained: bool = False, relu_after_c5: bool = False) -> nn.Sequential:
    """LeNet-5 with ReLU and max pooling, for images (N, 1, 28, 28) of values in [0, 1].

    =======  ==========================  ===========
    name     module                      output
    =======  ==========================  ===========
    C1       Conv2d(1, 6, 5, padding=2)  6 @ 28 x 28
    func1    ReLU                        6 @ 28 x 28
    S2       MaxPool2d(2)                6 @ 14 x 14
    C3       Conv2d(6, 16, 5)            16 @ 10 x 10
    func2    ReLU                        16 @ 10 x 10
    S4       MaxPool2d(2)                16 @ 5 x 5
    C5       Conv2d(16, 120, 5)          120 @ 1 x 1
    flatten  Flatten                     120
    F6       Linear(120, 84)             84
    func3    ReLU                        84
    OUTPUT   Linear(84, 10)              10
    =======  ==========================  ===========

    Parameters
    ----------
    pretrained
        Load the weights that come with the package. They were trained on MNIST's 60,000 training images;
        `benchmarks/train_lenet5.py` made them and states their accuracy. No download, and the random
        number generators stay as they were.
    relu_after_c5
        Put one more ReLU, `func_c5`, between C5 and flatten.

    Returns
    -------
    nn.Sequential
        61,706 parameters, float32. With `pretrained` it is on the CPU and in evaluation mode; otherwise it
        has PyTorch's random initial weights and is in training mode, like any new module.

    Raises
    ------
    ValueError
        If both `pretrained` and `relu_after_c5` are set.

    Notes
    -----
    There is no ReLU after C5 by default: F6 gets C5's signed output, and C5 and F6 together are one linear
    map. This is the network of a published walkthrough as it really ran. Its code does add a ReLU after C5,
    but under the name `func2`, which C3's ReLU already has, and `add_module` with a taken name puts the new
    module in the old one's place instead of at the end. The published losses belong to the network without
    that ReLU.

    Layer names and sizes follow Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning
    applied to document recognition", Proceedings of the IEEE 86 (1998). That network has scaled tanh units,
    trainable subsampling, a sparsely connected C3 and radial basis outputs instead.
    """
    if pretrained and relu_after_c5:
        raise ValueError(
            "the pretrained weights belong to the network without a ReLU after C5: "
            "choose pretrained=True or relu_after_c5=True, not both"
        )
    if not pretrained:
        return _layers(relu_after_c5)
    with torch.device("meta"):  # initial weights that nobody needs would draw random numbers
        model = _layers(relu_after_c5)
    weights = safetensors.torch.load(files(__package__).joinpath(WEIGHTS).read_bytes())
    # clone: each parameter gets memory of its own instead of a window into the file's bytes.
    model.load_state_dict({name: weight.clone() for name, weight in weights.items()}, assign=True)
    return model.eval()


def _layers(relu_after_c5: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["C1"] = nn.Conv2d(1, 6, 5, padding=2)
    layers["func1"] = nn.ReLU()
    layers["S2"] = nn.MaxPool2d(2)
    layers["C3"] = nn.Conv2d(6, 16, 5)
    layers["func2"] = nn.ReLU()
    layers["S4"] = nn.MaxPool2d(2)
    layers["C5"] = nn.Conv2d(16, 120, 5)
    if relu_after_c5:
        layers["func_c5"] = nn.ReLU()
    layers["flatten"] = nn.Flatten()
    layers["F6"] = nn.Linear(120, 84)
    layers["func3"] = nn.ReLU()
    layers["OUTPUT"] = nn.Linear(84, 10)
    return nn.Sequential(layers)
