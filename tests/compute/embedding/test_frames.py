from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cnnwidgets.compute.embedding.frames import states_of
from cnnwidgets.compute.layers.table import layer_table

IMAGES = torch.arange(8.0).reshape(2, 1, 2, 2)


def scaled(factor: float) -> nn.Sequential:
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten())
    model[0].weight.data.fill_(factor)
    return model


def test_one_model_is_one_frame():
    frames = states_of(scaled(2), IMAGES)
    assert frames.names == ["model 0"] and frames.layers.names == ["0", "1"]
    assert frames.responses(0, "0", [1, 0], "mean").flatten().tolist() == [11, 3]


def test_several_models_are_frames_in_their_order():
    models = [scaled(1), scaled(3)]
    frames = states_of(models, IMAGES)
    assert [frames.responses(at, "0", [1], "max").item() for at in (0, 1)] == [7, 21]
    before = frames.version
    torch.optim.SGD(models[1].parameters(), lr=1.0).step()  # no gradients: nothing
    assert frames.version == before
    with torch.no_grad():
        models[1][0].weight.mul_(2)
    assert frames.version != before


def test_states_of_a_model_are_loaded_into_a_copy():
    model = scaled(1)
    frames = states_of(model, IMAGES, states=[scaled(2).state_dict(), scaled(5).state_dict()])
    assert frames.names == ["state 0", "state 1"]
    assert [frames.responses(at, "0", [0], "max").item() for at in (1, 0, 1)] == [15, 6, 15]
    assert model[0].weight.item() == 1


def recording() -> SimpleNamespace:
    """Two frames of a layer of two probes: what a recording offers."""
    model = scaled(1)
    return SimpleNamespace(
        frames=[SimpleNamespace(name="epoch 0"), SimpleNamespace(name="epoch 1")],
        layers=layer_table(model, IMAGES[0]),
        probes=IMAGES,
        labels=[1, 0],
        classes=["a", "b"],
        maps=lambda frame, layer: (frame + 1) * IMAGES,
    )


def test_a_recording_brings_its_own_images():
    frames = states_of(recording())
    assert frames.names == ["epoch 0", "epoch 1"]
    assert frames.responses(1, "0", [1], "mean").flatten().tolist() == [11]
    assert (frames.items[0].text, frames.items[1].label) == ("b", 0)


@pytest.mark.parametrize(
    ("source", "dataset", "states", "error", "text"),
    [
        (scaled(1), None, None, TypeError, "Sequential needs a data set"),
        (recording(), IMAGES, None, TypeError, "a recording has its own images"),
        ([], IMAGES, None, ValueError, "there is no model in the list"),
        ([scaled(1)] * 2, IMAGES, [{}], ValueError, "states are those of one model; there are 2 models"),
        (scaled(1), IMAGES, [], ValueError, "0 states"),
        (scaled(1), IMAGES, [scaled(1).state_dict(), {}], ValueError, "state 1 does not fit Sequential"),
        (nn.Flatten, IMAGES, None, TypeError, "class Flatten"),
    ],
)
def test_what_is_no_source_is_refused(source, dataset, states, error, text):
    with pytest.raises(error, match=text):
        states_of(source, dataset, states=states)
