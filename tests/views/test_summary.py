from __future__ import annotations

from collections import OrderedDict

import ipywidgets as W
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, ModelSummary, layer_table
from tests.widgets.conftest import EVIL, bars, control, decoded, inside, said, titled, words


def fashion() -> nn.Sequential:
    """The network of a published walkthrough: 156 + 2,416 + 30,840 + 10,164 + 850 parameters."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(1, 6, 5), max_pool1=nn.MaxPool2d(2), conv2=nn.Conv2d(6, 16, 5), max_pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(), fc1=nn.Linear(256, 120), fc2=nn.Linear(120, 84), op=nn.Linear(84, 10),
    )  # fmt: skip
    return nn.Sequential(layers)


def page(summary: ModelSummary) -> str:
    """What a person reads on the page."""
    return " ".join(words(*(part for part in inside(summary) if isinstance(part, W.HTML))).split())


def names(summary: ModelSummary) -> list[str]:
    return [row.name for row in summary.panel("layers").rows]


def test_the_table_and_its_total_by_hand():
    summary = ModelSummary(fashion(), torch.rand(3, 1, 28, 28))
    assert (summary.total, summary.trainable) == (44_426, 44_426)
    rows = page(summary)
    assert "Layer Kind Output Parameters" in rows
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
        assert line in rows
    assert titled(summary).startswith("Sequential · 44,426 parameters · 0.178 MB · for an image of 1 × 28 × 28")


def test_the_picture_says_what_the_page_says_with_a_bar_for_each_layer():
    summary = ModelSummary(fashion(), torch.rand(3, 1, 28, 28))
    layers = summary.panel("layers")
    assert bars(layers)["conv1 · Conv2d(1, 6, 5×5) · 6 × 24 × 24"] == "156"
    assert bars(layers)["fc1 · Linear(256, 120) · 120"] == "30,840"
    assert [round(share, 4) for _, share, _ in layers.bars] == [0.0051, 0, 0.0783, 0, 0, 1, 0.3296, 0.0276]
    assert said(layers).endswith("total 44,426 ")
    for name, kind, output, _ in layers.rows:
        assert f"{name} {kind} {output}" in page(summary)


def test_a_long_name_has_room_in_the_picture():
    short, long = (
        ModelSummary(nn.Sequential(OrderedDict({name: nn.Flatten()})), torch.rand(1, 1, 2, 2))
        for name in ("flat", "flattened_" * 12)
    )
    assert long.picture().shape[1] > short.picture().shape[1] + 200
    assert long.picture().shape[0] == short.picture().shape[0]  # one line still


def test_frozen_parameters_are_told_apart():
    model = fashion()
    model.conv1.requires_grad_(False)
    summary = ModelSummary(model, torch.rand(1, 28, 28))
    assert (summary.total, summary.trainable) == (44_426, 44_270)
    assert "44,270 of them trainable" in titled(summary)


def test_a_module_that_runs_twice_has_its_parameters_named_once():
    shared = nn.Linear(4, 4)
    summary = ModelSummary(nn.Sequential(nn.Flatten(), shared, shared), torch.rand(1, 1, 2, 2))
    assert summary.total == 20
    assert [row.parameters for row in summary.panel("layers").rows] == [0, 20, 0]


def test_blocks_are_listed_on_request():
    model = nn.Sequential(OrderedDict(block=nn.Sequential(nn.Flatten(), nn.Linear(4, 1))))
    summary = ModelSummary(model, torch.rand(1, 1, 2, 2))
    assert names(summary) == ["block.0", "block.1"]
    summary.blocks = True
    assert "block" in names(summary) and summary.total == 5
    assert "block Sequential 1 5" in page(summary)
    control(summary, "blocks too", W.Checkbox).value = False
    assert names(summary) == ["block.0", "block.1"]


def test_a_layer_that_grew_shows_after_refresh():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    summary = ModelSummary(model, torch.rand(1, 1, 2, 2))
    model[1] = nn.Linear(4, 7)
    summary.refresh()
    assert summary.total == 35 and "7 35" in page(summary)


def test_a_layer_that_grew_shows_with_its_total_at_the_next_drawing():
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 1)))
    summary = ModelSummary(model, torch.rand(1, 1, 2, 2))
    model[1][0] = nn.Linear(4, 7)
    summary.blocks = True
    assert [row.parameters for row in summary.panel("layers").rows] == [0, 35, 35] and summary.total == 35
    assert "35 parameters" in titled(summary)


@pytest.mark.parametrize("blocks", [False, True])
def test_a_subject_is_taken_as_a_model_with_images_is(model, dataset, passes, blocks):
    view = ActivationView(model, dataset)
    passes()
    shared = ModelSummary(view.subject, blocks=blocks)
    assert passes() == 0 and shared.subject is view.subject
    own = ModelSummary(model, dataset, blocks=blocks)
    assert said(shared.panel("layers")) == said(own.panel("layers")) and titled(shared) == titled(own)
    assert shared.to_frame().equals(own.to_frame())


def test_the_table_is_that_of_layer_table_for_this_image():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, images):
            return torch.relu(self.conv(images))

    model = Net()
    for side in (8, 12):  # of the operation `relu` too, also where the model is known from another image
        image = torch.rand(1, side, side)
        assert ModelSummary(model, image).to_frame().equals(layer_table(model, image).to_frame())


def test_without_an_image_it_says_what_is_missing(widgets):
    before = widgets()
    with pytest.raises(TypeError, match=r"ModelSummary needs an image to run: ModelSummary\(model, images\)"):
        ModelSummary(fashion())
    assert widgets() == before


def test_the_picture_has_a_line_for_each_layer_and_grows_with_them(tmp_path):
    small = ModelSummary(nn.Sequential(nn.Flatten()), torch.rand(1, 1, 28, 28)).picture()
    summary = ModelSummary(fashion(), torch.rand(1, 1, 28, 28))
    assert summary.picture().shape[0] - small.shape[0] == 7 * 23
    assert decoded(summary.save(tmp_path / "a.png", dark=True).read_bytes())[2, 2, :3].max() < 60


def test_names_are_text_and_close_leaves_no_widget(widgets):
    before = widgets()
    summary = ModelSummary(nn.Sequential(OrderedDict({EVIL.replace(".", ""): nn.Flatten()})), torch.rand(1, 1, 2, 2))
    assert not [part for part in inside(summary) if isinstance(part, W.HTML) and "<img" in part.value]
    assert f"{EVIL.replace('.', '')} Flatten" in page(summary)
    summary.close()
    assert widgets() == before
    with pytest.raises(TypeError, match="no keyword 'block'; did you mean 'blocks'"):
        ModelSummary(fashion(), torch.rand(1, 1, 28, 28), block=True)
    assert widgets() == before
