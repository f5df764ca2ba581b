"""Which layers of a table are listed."""

from __future__ import annotations

import torch

from cnnwidgets.compute.effects import Patching
from cnnwidgets.views.intervention.carried import carried_panel, listed

LAYERS = [f"layer{number}" for number in range(40)]


def test_few_layers_are_all_listed_and_of_many_the_first_the_last_and_the_chosen_one():
    assert listed(LAYERS[:4], "layer2") == LAYERS[:4]
    found = listed(LAYERS, "layer20")
    assert len(found) == 10 and (found[0], found[-1]) == ("layer0", "layer39") and "layer20" in found
    assert len(listed(LAYERS, "layer0")) == 10 and len(listed(LAYERS, "none")) == 10


def test_what_is_not_yet_known_is_told_and_what_goes_beyond_stays_within_the_bars():
    ends = torch.tensor([1.0]), torch.tensor([0.0]), torch.tensor([0])
    scores = {"a": torch.tensor([-3.0]), "b": torch.tensor([0.25])}
    found = Patching(scores, *ends, "layer", {})
    panel = carried_panel(found, ["a", "b", "c"], "c", "logit of class 0", on_layer=print, controls=[])
    assert [share for _, share, _ in panel.bars] == [-1.0, 0.25] and panel.chosen is None
    assert panel.describe(0) == "a: −300.0 % restored" and panel.describe(2) == "c: not yet known"
    assert panel.marks == [panel.cells.box(2)]


def test_images_of_the_same_score_have_nothing_to_restore():
    same = torch.tensor([1.0])
    found = Patching({"a": same}, same, same, torch.tensor([0]), "layer", {})
    panel = carried_panel(found, ["a"], "a", "logit of class 0", on_layer=print, controls=[])
    assert panel.lines == ["both images have the same score"] and panel.pixels is None
