"""A CompareView beside scans of its networks: what they know comes from them, and what they do not know is said."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import cnnwidgets as cw


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def images(count: int = 12) -> list[tuple[torch.Tensor, int]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(1, 6, 6, generator=generator), at % 3) for at in range(count)]


def scanned(*models: nn.Module, **options) -> list[cw.Scan]:
    return [cw.scan(model, images(), progress=False, **options) for model in models]


def said(view: cw.CompareView, key: str) -> str:
    return " | ".join(map(str, view.panel(key).lines))


def test_ranking_and_disagreements_come_from_the_scans_of_all_images_without_a_pass():
    models = network(), network(1)
    scans = scanned(*models)
    view = cw.compare([*models], images(), scans=scans, layer="0", survey=False)
    assert [subject.passes for subject in view.subjects] == [1, 1]  # of the image that is looked at
    changes, votes = cw.response_changes(*scans), cw.disagreements(*scans)
    assert view.by == view.ranked.by == "responses"
    assert view.ranked.layers == {name: change.shift for name, change in changes.items()}
    assert view.ranked.channels.tolist() == changes["0"].shifts.tolist()
    assert "from the scans, over 12 images; correlations they do not know" in said(view, "layers")
    panel = view.panel("disagreements")
    assert len(votes) and panel.heading == f"They disagree · {len(votes)} of 12 images"
    assert "from the scans; how probabilities moved they do not know" in panel.lines
    assert "scans do not know it" in said(view, "cka")
    panel.on_cell(0)
    assert view.index == votes[0].index


def test_over_the_sample_only_that_is_compared_which_scans_do_not_know():
    models = network(), network(1)
    view = cw.compare([*models], images(), scans=scanned(*models), sample=8)
    found = view.comparison
    assert found.similarity.images == 8 and found.responses is None and found.disagreements is None
    assert view.panel("disagreements").heading.endswith("of 12 images")
    halves = scanned(models[0]) + scanned(models[1], part=(0, 2), predictions=False)
    half = cw.compare([*models], images(), scans=halves, sample=8, by="responses")
    assert half.comparison.responses.images == 8 and half.ranked.layers == {
        name: change.change for name, change in half.comparison.responses.items()
    }
    assert "the means of the same images are compared" in said(half, "layers")
    assert half.panel("disagreements").heading.endswith("of 8 images")
    assert "has no predictions" in said(half, "disagreements")


def test_one_network_without_a_scan_is_compared_over_the_sample():
    models = network(), network(1), network(2)
    view = cw.compare([*models], images(), scans=[*scanned(*models[:2]), None], sample=8, by="responses")
    assert view.scanned is not None and "from the scans" in said(view, "layers")
    view.second = 2
    assert view.scanned is None and view.comparison.responses.images == 8
    assert "over 8 images" in said(view, "layers")


def test_once_a_network_has_learned_its_scan_is_of_the_weights_before():
    models = network(), network(1)
    view = cw.compare([*models], images(), scans=scanned(*models), sample=8, layer="0")
    before = models[1][0].bias.detach().clone()
    with torch.no_grad():
        models[1][0].bias += 1
    view.refresh()
    assert view.comparison.responses.images == 8
    assert "of other weights" in said(view, "layers") and "of other weights" in said(view, "disagreements")
    with torch.no_grad():
        models[1][0].bias.copy_(before)
    view.refresh()
    assert "from the scans" in said(view, "layers")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (lambda a, b: a, TypeError, "one for each network"),
        (lambda a, b: [a], ValueError, "one for each of the 2 networks"),
        (lambda a, b: [a, "scan"], TypeError, r"what cw\.scan\(model, dataset\) gives"),
        (lambda a, b: [b, a], ValueError, "A: Scan of .* is of other weights"),
        (lambda a, b: [a, cw.scan(network(1), images(8), progress=False)], ValueError, "B: .* is of 8 images"),
        (lambda a, b: [a, *scanned(network(1), layers=["3"])], ValueError, "no layer in common"),
    ],
)
def test_scans_of_something_else_are_refused_in_words(given, error, words):
    models = network(), network(1)
    one, other = scanned(models[0], layers=["0"]) + scanned(models[1])
    with pytest.raises(error, match=words):
        cw.compare([*models], images(), scans=given(one, other), survey=False)


def test_scans_are_of_networks_as_they_are_and_of_two():
    model = network()
    scans = scanned(model) * 2
    with pytest.raises(ValueError, match=r"B has .* set to 0, and a scan is of a network as it is"):
        cw.compare(model, images(), edits={"0": cw.Ablate(channels=[1])}, scans=scans, survey=False)
    with pytest.raises(ValueError, match="scans tell two networks apart"):
        cw.compare(model, images(), images=[0, 1], scans=scans[:1], survey=False)
    same = cw.compare([model, copy.deepcopy(model)], images(), scans=scans, survey=False)
    assert set(same.ranked.layers.values()) == {0.0} and same.panel("disagreements").heading.startswith(
        "They disagree · 0"
    )


def test_the_cell_names_the_scans():
    models, dataset = [network(), network(1)], images()
    scans = [cw.scan(model, dataset, progress=False) for model in models]
    view = cw.compare(models, dataset, scans=scans, survey=False)
    names = {"models": models, "dataset": dataset, "one": scans[0], "other": scans[1]}
    assert "scans=[one, other]" in view.code(names)
