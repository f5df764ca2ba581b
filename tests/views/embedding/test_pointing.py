"""The points of an exported page: where they are, what they are called, and the code that answers the mouse."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import EmbeddingView
from cnnwidgets.views.embedding import pointing
from tests.widgets.conftest import passes_in_node

NODE = shutil.which("node")


@pytest.fixture
def view():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    view = EmbeddingView(model, [(torch.rand(1, 4, 4), at % 2) for at in range(6)], "1", method="pca")
    yield view
    view.close()


def test_each_point_has_its_place_its_colour_and_its_name(view):
    moves = view.page_moves()
    given, points = moves.given, view.embedding.points[0]
    x, y = np.array(given["places"]).T
    # the picture is a square with room around, y up: places keep the order and the distances of the points
    assert (x.argsort() == points[:, 0].argsort()).all() and (y.argsort() == (-points[:, 1]).argsort()).all()
    share = (x.max() - x.min()) / np.ptp(points[:, 0])
    assert np.allclose(x - x[0], share * (points[:, 0] - points[0, 0]), atol=0.11)
    assert given["groups"] == [0, 1, 0, 1, 0, 1] and given["legend"] == [0, 1]
    assert given["colors"] == {"0": "#1f77b4", "1": "#ff7f0e"} and given["chosen"] == 0
    assert given["words"][3] == "image 3 · label: 1"
    assert list(moves.boxes) == ["points", "groups"] and len(moves.boxes["groups"].lines) == 2


def test_too_many_points_stay_a_picture(view, monkeypatch):
    monkeypatch.setattr(pointing, "MOST", 5)
    assert view.page_moves() is None


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_nearest_point_is_meant():
    passes_in_node(Path(__file__).parent / "points.test.mjs")
