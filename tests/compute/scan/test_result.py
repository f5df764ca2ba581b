"""What a scan says of the network and the images that it is of, and its table."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.dataset import Items


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 16, 2))


def images(seed: int, count: int = 12) -> list[tuple[torch.Tensor, int]]:
    made = torch.Generator().manual_seed(seed)
    return [(torch.rand(1, 6, 6, generator=made), at % 2) for at in range(count)]


class Noisy(list):
    """Images to which a random number is added, of the generator that a transform uses."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image + torch.rand(1) + random.random(), label


class Counted(list):
    """Images that are others whenever they are read, whatever the seeds."""

    numbers = itertools.count()

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return image + next(self.numbers), label


def test_a_scan_of_as_many_other_images_or_labels_is_refused():
    model, data = network(), images(0)
    found = cw.scan(model, data, progress=False)
    found.check(model, Items(data, model=model))
    found.check(model, Items(images(0), model=model))  # read again, with the same values
    found.check(model, len(data))
    for other in (images(1), [(image, 0) for image, _ in data], tuple(data)):
        with pytest.raises(ValueError, match="of another data set: its class, length, transform or images differ"):
            found.check(model, Items(other, model=model))
    with pytest.raises(ValueError, match="is of 12 images, and the data set has 5"):
        found.check(model, Items(data[:5], model=model))


def test_random_transforms_are_read_as_the_scan_read_them():
    model, data = network(), Noisy(images(0))
    state = torch.get_rng_state()
    for seed in (0, 7, None):
        found = cw.scan(model, data, seed=seed, progress=False)
        found.check(model, Items(data, model=model))
        with pytest.raises(ValueError, match="of another data set"):
            found.check(model, Items(Noisy(images(1)), model=model))
    assert torch.equal(state, torch.get_rng_state())


def test_images_that_are_others_at_each_reading_are_compared_by_their_number():
    model, data = network(), Counted(images(0))
    found = cw.scan(model, data, progress=False)
    found.check(model, Items(data, model=model))
    with pytest.raises(ValueError, match="is of 12 images, and the data set has 5"):
        found.check(model, Items(Counted(images(0, 5)), model=model))


@pytest.mark.parametrize(("scanned", "looked_at"), [(["a", "b"], None), (None, ["a", "b"]), (["a", "b"], ["c", "d"])])
def test_other_names_of_the_classes_make_no_other_data_set(scanned, looked_at):
    model, data = network(), images(0)
    cw.scan(model, data, classes=scanned, progress=False).check(model, Items(data, classes=looked_at, model=model))


def test_an_image_that_cannot_be_read_any_more_makes_no_other_data_set():
    class Lossy(list):
        lost = False

        def __getitem__(self, index):
            if self.lost and index == 11:
                raise OSError("gone")
            return super().__getitem__(index)

    model, data = network(), Lossy(images(0))
    found = cw.scan(model, data, progress=False)
    data.lost = True
    found.check(model, Items(data, model=model))


def test_nothing_takes_a_scan_of_other_images(tmp_path):
    model, data, others = network(), images(0), images(1)
    found = cw.scan(model, data, progress=False)
    view = cw.ActivationView(model, others)
    for take in (
        lambda: cw.ExamplesView(model, others, found),
        lambda: cw.report(found, model, others, tmp_path / "scan.html", progress=False),
        lambda: cw.diagnose(model, others, scan=found, progress=False),
        lambda: view.pick_by(found),
    ):
        with pytest.raises(ValueError, match="of another data set"):
            take()
    view.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [[(image, 1) for image, _ in images(0)], images(0, 1)], ids=["one class", "one image"])
def test_without_a_second_class_the_frame_has_no_area_and_no_class(data):
    frame = cw.scan(network(), data, ["0"], progress=False).to_frame()
    assert frame["roc_area"].isna().all() and frame["class"].isna().all() and len(frame) == 2


def test_a_channel_that_is_the_same_for_all_images_tells_no_class():
    model = network()
    with torch.no_grad():
        model[0].weight[0], model[0].bias[0] = 0, -1  # dead behind the ReLU
    layer = cw.scan(model, images(0), ["1"], progress=False)
    frame = layer.to_frame()
    assert frame["class"].isna().tolist() == [True, False]
    assert frame["roc_area"].tolist() == [0.5, float(layer["1"].roc_area[:, 1].max())]
    assert layer["1"].best_class.tolist() == [-1, int(layer["1"].roc_area[:, 1].argmax())]


def test_without_labels_no_class_is_told():
    found = cw.scan(network(), [image for image, _ in images(0)], ["0"], progress=False)
    assert found["0"].best_class.tolist() == [-1, -1] and "class" not in found.to_frame()


@pytest.mark.parametrize("given", ["x", {}, 3])
def test_what_is_no_scan_is_named(given, tmp_path):
    model, data = network(), images(0)
    view = cw.ActivationView(model, data)
    for take in (
        lambda: cw.ExamplesView(model, data, given),
        lambda: cw.report(given, model, data, tmp_path / "scan.html", progress=False),
        lambda: cw.diagnose(model, data, scan=given, progress=False),
        lambda: view.pick_by(given),
    ):
        with pytest.raises(TypeError, match=rf"cw\.scan\(model, dataset\) gives, not a {type(given).__name__}"):
            take()
    view.close()
