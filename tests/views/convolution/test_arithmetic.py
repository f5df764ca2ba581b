from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.convolution.convolution import explain_convolution, slide
from cnnwidgets.views.convolution.arithmetic import (
    contributions,
    cosine_words,
    equation,
    steps_of,
    sum_panel,
    verdict,
)
from cnnwidgets.views.convolution.tables import span


def many(channels: int):
    """A number summed over so many input channels: k adds k, with every second sign turned; bias 0.5."""
    module = nn.Conv2d(channels, 1, 1)
    with torch.no_grad():
        module.weight.fill_(1.0)
        module.bias.fill_(0.5)
    image = (torch.arange(float(channels)) * torch.tensor([1, -1]).repeat(channels)[:channels]).reshape(1, -1, 1, 1)
    with torch.no_grad():
        return explain_convolution(module, image, module(image), "conv", 0, (0, 0))


def test_the_equation_of_few_channels_is_written_out():
    assert equation(many(4)) == "0 − 1 + 2 − 3 + 0.5 (bias) = −1.5"


def test_of_many_channels_the_strongest_are_written_out():
    assert equation(many(20)) == "−19 + 18 − 17 + 16 … (20 terms) + 0.5 (bias) = −9.5"


def test_of_a_single_channel_the_products_are_written_out():
    assert equation(slide([[1, 2], [3, 4]], [[1, 0], [0, -1]], bias=-1).at((0, 0))) == "1 + 0 + 0 − 4 − 1 (bias) = −4"


def test_the_contributions_add_up_to_the_sum():
    heading, rows = contributions(many(20), chosen=18)
    assert heading == "Contribution of each input channel" and len(rows) == 9
    assert rows[:2] == [("channel 19", -19.0), ("▸ channel 18", 18.0)] and rows[-1][0] == "the other 12"
    assert sum(value for _, value in rows) == pytest.approx(-10)
    assert contributions(many(1)) == ("", [])


def test_the_verdict_and_the_steps_speak_of_a_network_only_where_there_is_one():
    found, free = many(4), slide(np.eye(2), np.eye(2)).at((0, 0))
    assert verdict(found).startswith("the same: difference 0, tolerance ")
    assert steps_of(found)[-1] == ("the network computed", "−1.5")
    assert verdict(free) == "" and [label for label, _ in steps_of(free)] == [
        "sum of the products",
        "bias",
        "sum + bias",
    ]


def test_the_cosine_of_darkness_is_none():
    assert "".join(cosine_words(slide(np.zeros((2, 2)), np.eye(2)).at((0, 0)))).endswith(
        "undefined, one of them is all 0"
    )


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ((3,), "3"),
        ((3, 4, 5), "3 to 5"),
        ((-1, 0, 1), "−1 to 1"),
        ((-2, 0, 2), "−2, 0, 2"),
        (tuple(range(0, 14, 2)), "0, 2 … 12"),
    ],
)
def test_places_are_written_in_short(places, text):
    assert span(places) == text


def test_the_bars_of_the_contributions_keep_their_sign():
    bars = sum_panel(many(4)).parts[-1].bars
    assert [(part, text) for _, part, text in bars] == [(-1.0, "−3"), (2 / 3, "2"), (-1 / 3, "−1"), (0.0, "0")]


def test_the_lines_of_the_static_picture_say_what_the_page_says():
    panel = sum_panel(many(4), chosen=2)
    lines = panel.parts[0].lines
    assert lines[0] == panel.equation == "0 − 1 + 2 − 3 + 0.5 (bias) = −1.5"
    assert list(lines[1:5]) == list(panel.steps) and lines[5] == panel.verdict
    assert lines[6] == "".join(panel.cosine) and len(lines) == 7
    assert panel.parts[1].bars[1][0] == "▸ channel 2"
