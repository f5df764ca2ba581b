"""Whether a prediction is right is said in words and colours, wherever predictions are shown."""

from __future__ import annotations

import json
import re

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, AttributionView, ConvolutionView, OcclusionView
from cnnwidgets.render.color.colormap import DARK, LIGHT
from cnnwidgets.render.static.card import TRUE, Card, Panel, card
from cnnwidgets.render.static.page import Page
from cnnwidgets.widgets.panels.image import with_truth
from cnnwidgets.widgets.surface import markup
from tests.widgets.conftest import inside


class Scores(nn.Module):
    """The mean of channel k is the logit of class k."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, count, 1)
        with torch.no_grad():
            self.conv.weight.copy_(torch.arange(float(count)).reshape(-1, 1, 1, 1))
            self.conv.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean((2, 3))


def page(view: W.Widget) -> str:
    """The HTML of all texts that the page shows."""
    return "".join(part.value for part in inside(view) if isinstance(part, W.HTML))


def images(*labels: int) -> list[tuple[torch.Tensor, int]]:
    return [(torch.ones(1, 4, 4), label) for label in labels]


@pytest.fixture
def view():
    return ActivationView(Scores(8), images(7, 5, 0), classes=[f"thing {number}" for number in range(8)])


def test_a_right_prediction_is_said_to_be_right(view):
    told = view.panel("prediction")
    assert told.heading == "Prediction · right · softmax"
    assert told.bars[told.truth[0]][0] == "thing 7" and told.truth[1]
    html = page(view)
    assert re.search(rf'class="cnnw-true cnnw-right" title="thing 7">thing 7 <small>{TRUE}</small>', html)
    assert html.count(TRUE) == 1


def test_a_wrong_prediction_is_said_to_be_wrong_and_the_true_class_is_marked(view):
    view.index = 1
    assert view.panel("prediction").heading == "Prediction · wrong · softmax"
    assert re.search(r'class="cnnw-true cnnw-wrong" title="thing 5">', page(view))


def test_a_true_class_that_is_not_among_the_best_has_a_row_below_them(view):
    view.index = 2
    told = view.panel("prediction")
    assert [name for name, _, _ in told.bars] == [f"thing {number}" for number in (7, 6, 5, 4, 3, 0)]
    assert told.truth == (5, False)
    assert told.bars[5][1] == pytest.approx(float(torch.arange(8.0).softmax(0)[0]))


def test_the_static_picture_marks_it_too(view):
    view.index = 2
    (panel,) = [panel for column in view.static().columns for panel in column if panel.bars]
    assert (panel.heading, panel.truth) == ("Prediction · wrong · softmax", (5, False))


def test_nothing_is_marked_where_the_truth_is_not_known():
    view = ActivationView(Scores(8), torch.ones(1, 1, 4, 4))
    assert TRUE not in page(view)
    assert view.panel("prediction").truth is None
    assert view.panel("prediction").heading == "Prediction · softmax"


def test_a_network_without_class_scores_says_so():
    view = ActivationView(nn.Sequential(nn.Conv2d(1, 3, 1)), images(0))
    assert view.panel("prediction").heading == "Prediction · no class scores"


@pytest.mark.parametrize("kind", [AttributionView, ConvolutionView])
def test_other_views_mark_it_as_well(kind):
    view = kind(Scores(8), images(5))
    headings = [panel.heading for column in view.static().columns for panel in column]
    assert any(heading.startswith("Prediction · wrong") for heading in headings)


def test_an_occlusion_view_marks_the_true_class_among_the_best():
    view = OcclusionView(Scores(8), images(0), window=2)
    (panel,) = [panel for column in view.static().columns for panel in column if panel.truth is not None]
    assert panel.truth == (5, False) and panel.bars[5][0] == "class 0"
    assert TRUE in page(view)


def test_classes_have_their_outputs_names_in_views_that_choose_one():
    class Pets(list):
        classes = ("ants", "bees")

    names = [f"thing {number}" for number in range(8)]
    assert OcclusionView(Scores(8), Pets(images(1)), classes=names, target="thing 3").target == 3
    assert list(AttributionView(Scores(8), Pets(images(1)), classes=names).classes.values()) == names
    view = ActivationView(Scores(8), Pets(images(1)), classes=names)
    assert view.static().title.endswith("image 0 · label: bees")
    assert view.panel("prediction").bars[0][0] == "thing 7"
    with pytest.raises(ValueError, match="no class 'ants'"):
        OcclusionView(Scores(8), Pets(images(1)), classes=names, target="ants")


def test_the_true_class_comes_last_where_it_is_not_among_the_best():
    assert with_truth([3, 1], None) == ([3, 1], None)
    assert with_truth([3, 1], 3) == ([3, 1], (0, True))
    assert with_truth([3, 1], 2) == ([3, 1, 2], (2, False))


def luminance(color: str) -> float:
    parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_right_and_wrong_can_be_read_on_the_ground(theme):
    for color in (theme.right, theme.wrong):
        light, dark = sorted((luminance(color), luminance(theme.ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_drawn_card_has_the_colour_and_room_for_the_word():
    bars = [("ant", 0.9, "90 %"), ("bee", 0.1, "10 %")]
    panels = [Panel("Prediction", bars=bars, truth=truth) for truth in (None, (1, False))]
    plain, marked = (card("x", [panel]) for panel in panels)
    wrong = tuple(bytes.fromhex(LIGHT.wrong[1:]))
    assert marked.shape[0] > plain.shape[0]
    assert (marked == wrong).all(-1).any() and not (plain == wrong).all(-1).any()


def test_the_exported_page_says_it():
    page = Page("x")
    page.add([], Card("x", [Panel("Prediction", bars=[("ant", 0.9, "90 %")], truth=(0, True))]))
    data = json.loads(re.search(r'"application/json">(.*?)</script>', page.html())[1])
    assert data["panels"][0]["truth"] == [0, "right", TRUE]


def test_a_name_in_a_marked_bar_stays_text():
    html = markup.bars([("<img src=x>", 1.0)], ["1"], truth=(0, True))
    assert "<img" not in html
