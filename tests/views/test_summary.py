from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from cnnwidgets import ModelSummary
from tests.widgets.conftest import EVIL, decoded, words


def fashion() -> nn.Sequential:
    """The network of a published walkthrough: 156 + 2,416 + 30,840 + 10,164 + 850 parameters."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(1, 6, 5), max_pool1=nn.MaxPool2d(2), conv2=nn.Conv2d(6, 16, 5), max_pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(), fc1=nn.Linear(256, 120), fc2=nn.Linear(120, 84), op=nn.Linear(84, 10),
    )  # fmt: skip
    return nn.Sequential(layers)


def test_the_table_and_its_total_by_hand():
    summary = ModelSummary(fashion(), torch.rand(3, 1, 28, 28))
    assert (summary.total, summary.trainable) == (44_426, 44_426)
    rows = words(summary._rows)
    for line in (
        "conv1 Conv2d(1, 6, 5×5) 6 × 24 × 24 156",
        "max_pool1 MaxPool2d 6 × 12 × 12 0",
        "conv2 Conv2d(6, 16, 5×5) 16 × 8 × 8 2,416",
        "max_pool2 MaxPool2d 16 × 4 × 4 0",
        "flatten Flatten 256 0",
        "fc1 Linear(256, 120) 120 30,840",
        "fc2 Linear(120, 84) 84 10,164",
        "op Linear(84, 10) 10 850",
        "total 44,426",
    ):
        assert line in rows.replace("  ", " ").replace("  ", " ")
    assert "44,426 parameters · 0.178 MB · for an image of 1 × 28 × 28" in words(summary._title)


def test_frozen_parameters_are_told_apart():
    model = fashion()
    model.conv1.requires_grad_(False)
    summary = ModelSummary(model, torch.rand(1, 28, 28))
    assert (summary.total, summary.trainable) == (44_426, 44_270)
    assert "44,270 of them trainable" in words(summary._title)


def test_a_module_that_runs_twice_has_its_parameters_named_once():
    shared = nn.Linear(4, 4)
    summary = ModelSummary(nn.Sequential(nn.Flatten(), shared, shared), torch.rand(1, 1, 2, 2))
    assert summary.total == 20
    assert [row[-1] for row in summary._listed()] == [0, 20, 0]


def test_blocks_are_listed_on_request():
    model = nn.Sequential(OrderedDict(block=nn.Sequential(nn.Flatten(), nn.Linear(4, 1))))
    summary = ModelSummary(model, torch.rand(1, 1, 2, 2))
    assert [row[0] for row in summary._listed()] == ["block.0", "block.1"]
    summary.blocks = True
    assert "block" in [row[0] for row in summary._listed()] and summary.total == 5
    assert "block Sequential 1 5" in words(summary._rows).replace("  ", " ").replace("  ", " ")


def test_a_layer_that_grew_shows_after_refresh():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    summary = ModelSummary(model, torch.rand(1, 1, 2, 2))
    model[1] = nn.Linear(4, 7)
    summary.refresh()
    assert summary.total == 35 and "7 35" in words(summary._rows).replace("  ", " ")


def test_the_picture_has_a_line_for_each_layer_and_grows_with_them(tmp_path):
    small = ModelSummary(nn.Sequential(nn.Flatten()), torch.rand(1, 1, 28, 28)).picture()
    summary = ModelSummary(fashion(), torch.rand(1, 1, 28, 28))
    assert summary.picture().shape[0] - small.shape[0] == 7 * 20
    assert decoded(summary.save(tmp_path / "a.png", dark=True).read_bytes())[2, 2, :3].max() < 60


def test_names_are_text_and_close_leaves_no_widget(widgets):
    before = widgets()
    summary = ModelSummary(nn.Sequential(OrderedDict({EVIL.replace(".", ""): nn.Flatten()})), torch.rand(1, 1, 2, 2))
    assert "<img" not in summary._rows.value
    summary.close()
    assert widgets() == before
    with pytest.raises(TypeError, match="no keyword 'block'; did you mean 'blocks'"):
        ModelSummary(fashion(), torch.rand(1, 1, 28, 28), block=True)
    assert widgets() == before
