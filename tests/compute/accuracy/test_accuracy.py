"""Accuracy by class before and after an intervention, counted by hand."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core import ForwardError
from cnnwidgets.testing import deep_state, different


class Largest(nn.Module):
    """Three scores that are the three numbers of an image, each through a channel of its own."""

    def __init__(self):
        super().__init__()
        self.same, self.flat = nn.Conv2d(3, 3, 1, bias=False), nn.Flatten()
        self.same.weight.data = torch.eye(3)[..., None, None]

    def forward(self, images):
        return self.flat(self.same(images))


def image(*numbers: float) -> torch.Tensor:
    return torch.tensor([*numbers], dtype=torch.float32).reshape(3, 1, 1)


DATA = [
    (image(3, 1, 2), 0),  # right; without channel 0 it is class 2
    (image(1, 3, 2), 0),  # wrong before and after
    (image(5, 1, 4), 2),  # wrong; right without channel 0
    (image(0, 1, 4), 2),  # right before and after
]
OFF = {"same": cw.Ablate(channels=0)}


def by_index(found: cw.AccuracyEffects, values: torch.Tensor) -> list[int]:
    return values[found.indices.argsort()].tolist()


def test_each_class_has_its_accuracy_before_and_after():
    model = Largest()
    before = deep_state(model)
    found = cw.accuracy_effects(model, DATA, OFF, progress=False)
    assert by_index(found, found.labels) == [0, 0, 2, 2]
    assert by_index(found, found.before) == [0, 1, 0, 2] and by_index(found, found.after) == [2, 1, 2, 2]
    assert found.count.tolist() == [2, 0, 2]
    assert found.accuracy_before[[0, 2]].tolist() == [0.5, 0.5] and found.accuracy_after[[0, 2]].tolist() == [0, 1]
    assert math.isnan(found.accuracy_before[1]) and found.ranking.tolist() == [0, 2]
    assert found.overall == (0.5, 0.5) and found.words == "channel 0 of same set to 0" and found.complete
    assert different(before, deep_state(model)) == []


def test_the_table_has_a_row_for_each_class_that_there_are_images_of():
    frame = cw.accuracy_effects(Largest(), DATA, OFF, classes=["ant", "bee", "cat"], progress=False).to_frame()
    assert frame.loc["ant"].tolist() == [2, 0.5, 0, -0.5] and frame.loc["cat"].tolist() == [2, 0.5, 1, 0.5]
    assert list(frame.index) == ["ant", "cat"]


def test_it_is_taken_in_batches_and_can_be_stopped_and_continued():
    meter = cw.AccuracyMeter(Largest(), DATA, OFF, batch_size=3)
    partial = meter.step()
    assert (meter.done, partial.complete, len(partial.labels)) == (2, False, 2)  # evenly: no batch of one remains
    assert [each.complete for each in meter] == [True]
    stopped = cw.accuracy_effects(Largest(), DATA, OFF, batch_size=1, progress=lambda done, total: done < 3)
    assert len(stopped.indices) == 3 and "3 of 4 images done" in repr(stopped)


def test_images_without_a_label_and_of_other_sizes_are_taken_along():
    class Mean(Largest):
        def forward(self, images):
            return self.same(images).amax((2, 3))

    data = [*DATA, (image(1, 2, 3), None), (torch.ones(3, 2, 2) * image(0, 9, 1), 1)]
    found = cw.accuracy_effects(Mean(), data, OFF, progress=False)
    assert by_index(found, found.labels) == [0, 0, 2, 2, -1, 1] and found.overall == (0.6, 0.6)


def test_most_takes_a_random_part_that_is_the_same_each_time():
    one, other = (cw.accuracy_effects(Largest(), DATA * 9, OFF, most=7, progress=False) for _ in range(2))
    assert len(one.indices) == 7 and torch.equal(one.indices, other.indices)
    assert one.indices.tolist() != list(range(7))


def test_what_a_network_takes_beside_the_image_is_prepared():
    class Shifted(Largest):
        def forward(self, images, shift):
            return super().forward(images) + shift

    shift = torch.tensor([[0.0, 0.0, 9.0]])
    found = cw.accuracy_effects(Shifted(), DATA, OFF, prepare=lambda item: (item[0][None], shift), progress=False)
    assert found.before.tolist() == [2] * 4


def test_scores_that_are_not_finite_are_no_class():
    found = cw.accuracy_effects(Largest(), DATA, {"same": lambda maps: maps / 0}, progress=False)
    assert found.after.tolist() == [-1] * 4 and found.overall == (0.5, 0.0)


def test_a_layer_that_is_never_reached_is_told():
    class Idle(Largest):
        def __init__(self):
            super().__init__()
            self.idle = nn.Conv2d(3, 3, 1)

    with pytest.warns(UserWarning, match="'idle' was not edited"):
        cw.accuracy_effects(Idle(), DATA, {"idle": cw.Ablate()}, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cw.accuracy_effects(Idle(), DATA, OFF, progress=False)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"edits": {}}, ValueError, "no edits"),
        ({"edits": {"other": cw.Ablate()}}, LookupError, "other"),
        ({"edits": {"same": cw.Ablate(channels=3)}}, ValueError, "no channel 3"),
        ({"most": 0}, ValueError, "most is a number of images"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"dataset": [(image(1, 2, 3), None)]}, ValueError, "none has a label that is one of the 3 classes"),
        ({"dataset": []}, ValueError, "empty"),
    ],
)
def test_what_makes_no_sense_is_refused(options, error, words):
    given = {"dataset": DATA, "edits": OFF} | options
    with pytest.raises(error, match=words):
        cw.accuracy_effects(Largest(), **given, progress=False)


@pytest.mark.parametrize("labels", [(0, 1), (0, 0)])
def test_one_number_for_each_image_is_no_class_score(labels):
    model = nn.Sequential(nn.Conv2d(3, 1, 1), nn.Flatten())
    data = [(image(3, 1, 2), label) for label in labels]
    with pytest.raises(ValueError, match="one number for each image and no class scores"):
        cw.accuracy_effects(model, data, {"0": cw.Ablate()}, progress=False)


def test_the_image_that_is_refused_is_named():
    data = [(torch.rand(3, 1, 1), 0), (torch.rand(3, 1, 1), 1), (torch.rand(3, 2, 2), 0)]
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ForwardError, match=r"image 2: .*\(3, 1, 1\) do not fit"):
        cw.accuracy_effects(model, data, {"0": cw.Replace(torch.ones(3, 1, 1))}, progress=False)
