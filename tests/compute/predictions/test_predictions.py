"""What a network says of every image, by numbers worked out by hand."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.predictions import Predictions, predicted

SCORES = torch.tensor([[0.0, math.log(3)], [math.log(9), 0.0], [0.0, 0.0], [0.0, math.log(4)]])
LABELS = [1, 1, None, 0]  # right, wrong, without a label, wrong


def made(scores=SCORES, images=(5, 3, 8, 4), labels=LABELS) -> Predictions:
    return Predictions.of(scores, torch.tensor(images), labels)


def test_the_class_its_probability_and_its_lead_are_kept_in_the_order_of_the_images():
    found = made()
    assert found.images.tolist() == [3, 4, 5, 8]
    assert found.targets.tolist() == [0, 1, 1, 0]
    assert found.probabilities.tolist() == pytest.approx([0.9, 0.8, 0.75, 0.5])
    assert found.margins.tolist() == pytest.approx([0.8, 0.6, 0.5, 0.0])
    assert found.labels.tolist() == [1, 0, 1, -1]
    assert repr(found) == "Predictions of 4 images, accuracy 33.3%"


def test_images_are_found_by_what_is_said_of_them():
    found = made()
    assert found.wrong() == [3, 4]
    assert found.least_certain() == [8, 5, 4, 3] and found.least_certain(2) == [8, 5]
    assert (found.of_class(1), found.of_class(7)) == ([3, 5], [])
    assert (found.taken_for(1), found.taken_for(0)) == ([4, 5], [3, 8])
    assert found.confusion().tolist() == [[0, 1], [1, 1]]
    assert found.to_frame()["image"].tolist() == [3, 4, 5, 8]


def test_those_of_disjoint_images_are_put_together_to_the_bit_in_any_order_and_grouping():
    whole = made()
    parts = [made(SCORES[at][None], (image,), [LABELS[at]]) for at, image in enumerate((5, 3, 8, 4))]
    for a, b, c, d in itertools.permutations(parts):
        for found in (a.with_others(b, c, d), a.with_others(b).with_others(c.with_others(d))):
            assert all(torch.equal(found.numbers[name], value) for name, value in whole.numbers.items())


def test_probabilities_are_taken_as_they_are_row_by_row():
    found = predicted(torch.tensor([[0.2, 0.8], [3.0, 1.0], [0.5, 0.5078125]]))
    softmax = 1 / (1 + math.exp(-2))
    # the last row sums up to 1 as far as numbers of bfloat16 can
    assert found["probability"].tolist() == pytest.approx([0.8, softmax, 0.5078125])


@pytest.mark.parametrize("scores", [torch.rand(4), torch.rand(4, 1), torch.rand(4, 2, 3), torch.rand(3, 2), None])
def test_what_are_no_class_scores_of_these_images_gives_none(scores):
    found = made(scores)
    assert len(found) == 0 and not found and repr(found) == "Predictions: none"
    assert found.wrong() == found.least_certain() == [] and math.isnan(found.accuracy)
    assert found.confusion().shape == (0, 0)


def test_an_image_whose_scores_are_not_finite_is_left_out():
    scores = SCORES.clone()
    scores[1, 0] = torch.nan
    assert made(scores).images.tolist() == [4, 5, 8]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3))


IMAGES = [(torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(41)]


def scan(model=None, dataset=IMAGES, **options) -> cw.Scan:
    return cw.scan(model or network(), dataset, ["0"], **{"progress": False, "batch_size": 8, **options})


def test_a_scan_keeps_what_a_plain_loop_finds():
    found, model = scan().predictions, network()
    with torch.no_grad():
        shares = torch.cat([model(image[None]) for image, _ in IMAGES]).softmax(1)
    best = shares.topk(2, 1)
    assert found.images.tolist() == list(range(41))
    assert torch.equal(found.targets.long(), best.indices[:, 0])
    torch.testing.assert_close(found.probabilities, best.values[:, 0])
    torch.testing.assert_close(found.margins, best.values[:, 0] - best.values[:, 1])
    assert found.wrong() == sorted(
        (at for at in range(41) if best.indices[at, 0] != at % 3), key=lambda at: -float(found.probabilities[at])
    )


def test_parts_of_a_scan_have_the_predictions_of_the_whole_and_a_folder_keeps_them(tmp_path):
    whole = scan(folder=tmp_path).predictions
    merged = cw.Scan.merge(*(scan(part=(at, 3)) for at in (2, 0, 1))).predictions
    read = cw.Scan.open(tmp_path).predictions
    for name, value in whole.numbers.items():
        torch.testing.assert_close(merged.numbers[name], value)
        assert torch.equal(read.numbers[name], value)


def test_a_label_counts_as_the_output_that_has_its_name():
    class Named(list):
        classes = ("cat", "bee", "ant")

    found = scan(dataset=Named(IMAGES), classes=["ant", "bee", "cat"]).predictions
    assert found.labels.tolist() == [(2, 1, 0)[at % 3] for at in range(41)]


def test_without_predictions_the_network_is_run_no_further_than_it_is_scanned():
    model, calls = network(), []
    model[3].register_forward_hook(lambda module, args, output: calls.append(len(output)))
    found = scan(model, predictions=False)
    before = len(calls)  # of the set-up
    assert not found.predictions
    assert scan(model).predictions.targets.shape == (41,)
    assert len(calls) > 2 * before


def test_a_network_that_fails_behind_the_last_layer_is_scanned_all_the_same():
    class Broken(nn.Module):
        def forward(self, values):
            if len(values) > 1:
                raise ValueError("one at a time")
            return values

    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), Broken())
    found = scan(model)
    assert found.complete and not found.predictions
