"""What results say of themselves, in a line or a few: what they are and how large, never their numbers one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.dataset.items import Items
from cnnwidgets.compute.embedding.embedding import clusters


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))


IMAGES = [(torch.rand(1, 8, 8), number % 3) for number in range(9)]
VECTORS = np.random.default_rng(0).normal(size=(2, 20, 5)).astype(np.float32)


def results(folder: Path) -> dict[str, Any]:
    model, batch = net(), torch.stack([image for image, _ in IMAGES])
    trainer = cw.Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), progress=False)
    trainer.set_loaders([(batch, torch.tensor([label for _, label in IMAGES]))])
    trainer.recorder = cw.Recorder(model, ["0"], IMAGES, folder / "film")
    trainer.train(1)
    return {
        "activation filters": cw.filters(model, "0"),
        "explanation": cw.explain(model, IMAGES[0][0], "0", 1, (2, 2)),
        "occlusion": cw.occlusion(model, batch, window=4, target=1),
        "occlusion of a layer": cw.occlusion(model, batch, window=4, layer="0"),
        "occluder": cw.Occluder(model, batch, window=4),
        "attribution": cw.attributions(model, batch, target=2, against=0),
        "field": cw.receptive_field(model, IMAGES[0][0], "0"),
        "fields": cw.receptive_fields(model, IMAGES[0][0]),
        "signatures": cw.signatures(model, IMAGES, "3", [0, 2], count=3),
        "embedding": cw.embed(VECTORS),
        "clusters": clusters(VECTORS, 3),
        "slide": cw.slide(np.eye(20), np.eye(4)),
        "findings": cw.diagnose(model, IMAGES),
        "weight changes": cw.weight_changes(model, net()),
        "response changes": cw.response_changes(model, net(), IMAGES),
        "disagreements": cw.disagreements(model, net(), IMAGES),
        "similarity": cw.cka(model, net(), IMAGES),
        "channel match": cw.match_channels(model, net(), IMAGES, "0"),
        "comparer": cw.Comparer(model, net(), IMAGES),
        "table": cw.layer_table(model, IMAGES[0][0]),
        "items": Items(IMAGES),
        "item": Items(IMAGES)[0],
        "trainer": trainer,
        "history": trainer.history,
        "recorder": trainer.recorder,
        "recording": trainer.recorder.recording,
        "frame": trainer.recorder.recording.frames[0],
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return results(tmp_path_factory.mktemp("words"))


def test_no_result_prints_its_tensors_or_its_address(made: dict[str, Any]) -> None:
    for name, result in made.items():
        said = repr(result)
        assert len(said) < 1000 and len(said.splitlines()) <= 12, name
        assert not any(part in said for part in ("tensor(", "array(", "object at 0x")), name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("activation filters", "Filters of 0, Conv2d(1, 2, 3×3): 2 x 1 x 3 x 3, bias"),
        (
            "occlusion",
            "OcclusionMap of targets 1, 1, 1, 1, 1, 1 ... and 3 more: scores 9 x 3 x 3, a square of",
        ),
        ("occlusion of a layer", "OcclusionMap of layer 0: scores 9 x 2 x 3 x 3"),
        ("occluder", "Occluder of Sequential: images 9 x 1 x 8 x 8, 0 of 90 passes done"),
        ("attribution", "values 9 x 1 x 8 x 8"),
        ("signatures", "Signatures of 3: 6 vectors of 3 numbers, classes 0, 2, cosine distance"),
        ("embedding", "Embedding by pca: 20 points in 2 frames"),
        ("clusters", "Clusters: 20 points in 3 clusters, 2 frames"),
        ("similarity", "Similarity of 4 x 4 layers over 9 images: linear CKA"),
        ("comparer", "Comparer of Sequential and Sequential: 0 of 9 images done"),
        ("slide", "Slide: image 20 x 20, kernel 4 x 4, output 17 x 17"),
        ("item", "Item: image 1 x 8 x 8, label '0'"),
        ("trainer", "Trainer of Sequential by SGD: History(1 epoch, 1 step, train loss"),
        ("recorder", "Recorder, every epoch, step 1: Recording of Sequential"),
    ],
)
def test_a_result_says_what_it_is_and_how_large(made: dict[str, Any], name: str, words: str) -> None:
    assert words in repr(made[name])
