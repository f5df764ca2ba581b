"""What `compare` is given: what goes together, and the words for what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core import ForwardError

EDITS = {"0": cw.Ablate(channels=[1])}


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def images(count: int = 8) -> list[tuple[torch.Tensor, int]]:
    return [(torch.full((1, 6, 6), at / 8), at % 3) for at in range(count)]


def recorded(folder: Path) -> cw.Recording:
    recorder = cw.Recorder(network(), ["0"], images(2), folder / "film", every=1)
    with recorder:
        for step in range(2):
            recorder.step(0, step, of=2)
    return recorder.recording


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    one, data = network(), images()
    return {
        "one": one,
        "two": [one, network(1)],
        "colour": nn.Sequential(nn.Conv2d(3, 2, 3)),
        "data": data,
        "subject": cw.Subject(one, data),
        "few": cw.Subject(network(1), images(3)),
        "path": "film",
        "tensors": [image for image, _ in data[:2]],
        "scan": cw.scan(one, data, ["0"], progress=False),
        "recording": recorded(tmp_path_factory.mktemp("recording")),
    }


REFUSED: list[tuple[str, dict[str, Any], type[Exception], list[str]]] = [
    # of images
    ("one, data", {"images": [3, 4], "edits": EDITS}, ValueError, ["images=[3, 4]", "edits=", "leave out one"]),
    ("two, data", {"images": [3, 4]}, ValueError, ["images=[3, 4]", "2 were given", "index="]),
    ("one, data", {"images": [3, 4], "beside": (5,)}, TypeError, ["images=[3, 4]", "leave out beside"]),
    ("one, data", {"images": [3, 4], "index": 5}, TypeError, ["images=[3, 4]", "leave out index"]),
    ("one, data", {"images": [3, 4], "scans": ["scan"]}, ValueError, ["images=[3, 4]", "leave out scans"]),
    ("one, data", {"images": [3]}, ValueError, ["two to four, not 1"]),
    ("one, data", {"images": range(5)}, ValueError, ["two to four, not 5"]),
    ("one, data", {"images": 3}, TypeError, ["[3, 7], not 3"]),
    ("one, data", {"images": "34"}, TypeError, ["not '34'"]),
    ("one, data", {"images": [1.5, 2]}, TypeError, ["not float"]),
    ("one, data", {"images": "tensors"}, TypeError, ["tensors are given without one"]),
    ("subject", {"images": "tensors"}, TypeError, ["tensors are given without one"]),
    ("one", {"images": "tensors", "edits": EDITS}, ValueError, ["tensors as images", "edits="]),
    ("one", {"images": [1, 2]}, TypeError, ["images=[1, 2]", "give dataset"]),
    ("one, data", {"images": [3, 99]}, IndexError, ["99", "0 to 7"]),
    # of a view of networks
    ("one, data", {"beside": (3,), "edits": EDITS}, ValueError, ["beside=(3,)", "2 columns of networks and edits"]),
    ("two, data", {"beside": (3,)}, ValueError, ["beside=(3,)", "2 columns of networks and edits"]),
    ("one, data", {"edits": 3}, TypeError, ["edits", "cw.Ablate", "not 3"]),
    ("one, data", {"edits": [3]}, TypeError, ["edits", "cw.Ablate", "not 3"]),
    ("one, data", {"edits": []}, TypeError, ["nothing to compare"]),
    ("one, data", {"edits": EDITS, "scans": ["scan"]}, ValueError, ["2 networks", "not 1"]),
    ("two, data", {"scans": "scan"}, TypeError, ["a list", "not a Scan"]),
    ("one, one", {}, TypeError, ["cw.compare([a, b], dataset)"]),
    ("[scan scan], data", {}, TypeError, ["scans=", "cw.response_changes"]),
    ("[subject few]", {}, ValueError, ["of 3 and of 8 images"]),
    ("subject, few_data", {"edits": EDITS}, ValueError, ["of 3 and of 8 images"]),
    # which network refuses an image
    ("[colour one], data", {}, ForwardError, ["A (Sequential): layer '0'", "3 channels"]),
    ("[one colour], data", {}, ForwardError, ["B (Sequential): layer '0'", "3 channels"]),
    # of a recording
    ("recording, data", {}, TypeError, ["probe=", "leave out dataset"]),
    ("recording", {"images": [0, 1]}, TypeError, ["probe=", "leave out images"]),
    ("recording", {"edits": EDITS, "scans": ["scan"]}, TypeError, ["leave out edits, scans"]),
    ("recording", {"classes": ["a"]}, TypeError, ["leave out classes"]),
    ("path", {}, TypeError, ["cw.Recording.open('film')"]),
    ("[recording recording]", {}, TypeError, ["two moments", "not in a list"]),
    ("[recording one], data", {}, TypeError, ["two moments", "not in a list"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "options", "error", "words"), REFUSED, ids=[f"{asked} {' '.join(each)}" for asked, each, *_ in REFUSED]
)
def test_what_does_not_go_together_is_refused_by_name(given, asked, options, error, words):
    known = {**given, "few_data": images(3)}

    def found(name: Any) -> Any:
        if isinstance(name, list):
            return [found(each) for each in name]
        return known.get(name, name) if isinstance(name, str) else name

    places = [
        [known[each] for each in part[1:-1].split()] if part.startswith("[") else known[part]
        for part in asked.split(", ")
    ]
    with pytest.raises(error) as raised:
        cw.compare(*places, **{name: found(value) for name, value in options.items()})
    assert all(part in str(raised.value) for part in words), str(raised.value)


@pytest.mark.parametrize(
    ("asked", "images_", "expected"),
    [
        ("one", np.array([2, 5]), [2, 5]),
        ("one", torch.tensor([2, 5]), [2, 5]),
        ("one", range(3), [0, 1, 2]),
        ("subject", [2, 5], [2, 5]),
    ],
)
def test_images_may_be_any_numbers_in_a_row(given, asked, images_, expected):
    data = given["data"] if asked == "one" else None
    view = cw.compare(given[asked], data, images=images_, survey=False)
    assert [column.snapshot.index for column in view.columns] == expected
    view.close()


class Picky(nn.Module):
    """Refuses bright images."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.amax()) > 0.5:
            raise ValueError("too bright")
        return self.body(x)


def test_a_network_that_refuses_a_later_image_is_named_under_the_last_good_picture():
    view = cw.compare([Picky(), network()], images(), survey=False)
    view.index = 7
    assert "A (Picky)" in view.error and "too bright" in view.error
    view.index = 1
    assert not view.error
    view.close()
