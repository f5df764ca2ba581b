"""A scan on its way: order, progress, stopping, and images that fail."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.scan import scanner


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())


IMAGES = [torch.full((1, 2, 2), float(at)) for at in range(80)]


@pytest.fixture(autouse=True)
def a_batch_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "TURN", 0)


def test_the_images_come_in_a_seeded_random_order():
    def seen(**options) -> list[int]:
        model, found = network(), []
        made = cw.Scanner(model, IMAGES, batch_size=1, **options)
        model.register_forward_pre_hook(lambda module, args: found.append(int(args[0].max())))
        while made.done < made.total:
            made.step()
        return found

    assert seen(seed=None) == list(range(80))
    assert seen() == seen(seed=0) == torch.randperm(80, generator=torch.Generator().manual_seed(0)).tolist()
    assert sorted(seen(seed=4)) == list(range(80)) and seen(seed=4) != seen()
    assert seen(seed=None, part=(1, 3)) == list(range(1, 80, 3))


def test_each_step_gives_what_was_found_so_far():
    made = cw.Scanner(network(), IMAGES, ["0"], batch_size=16, seed=None)
    found = list(made)
    assert [scan.done for scan in found] == [16, 32, 48, 64, 80]
    assert [int(scan["0"].images[0]) for scan in found] == [16, 32, 48, 64, 80]
    assert [scan.complete for scan in found] == [False] * 4 + [True]


def test_progress_is_told_and_may_stop_with_what_there_is():
    told = []

    def progress(done: int, total: int) -> bool:
        told.append((done, total))
        return done < 32

    found = cw.scan(network(), IMAGES, ["0"], batch_size=16, progress=progress)
    assert told == [(16, 80), (32, 80)]
    assert (found.done, int(found["0"].images[0]), found.complete) == (32, 32, False)
    assert repr(found) == "Scan of Sequential: 1 layers, 2 channels, 32 of 80 images"


def test_ctrl_c_ends_after_the_batch_with_what_there_is():
    def progress(done: int, total: int) -> bool:
        if done == 32:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    before = signal.getsignal(signal.SIGINT)
    found = cw.scan(network(), IMAGES, ["0"], batch_size=16, progress=progress)
    assert found.done == int(found["0"].images[0]) == 32
    assert signal.getsignal(signal.SIGINT) is before


class Broken(list):
    """Raises for image 5, gives NaN for 6 and another number of channels for 7."""

    def __getitem__(self, index):
        if index == 5:
            raise OSError("no such file: 5.jpg")
        image = super().__getitem__(index)
        return {6: image / 0 * 0, 7: image.repeat(2, 1, 1)}.get(index, image)


def test_images_that_fail_are_skipped_named_and_counted():
    found = cw.scan(network(), Broken(IMAGES[:20]), ["0"], on_error="skip", progress=False)
    assert list(found.skipped) == [5, 6, 7]
    assert "5.jpg" in found.skipped[5] and "NaN" in found.skipped[6] and "channels" in found.skipped[7]
    assert found.complete and int(found["0"].images[0]) == 17
    assert repr(found).endswith("20 of 20 images, 3 skipped")
    kept = [image for at, image in enumerate(IMAGES[:20]) if at not in (5, 6, 7)]
    torch.testing.assert_close(found["0"].mean, cw.scan(network(), kept, ["0"], progress=False)["0"].mean)


@pytest.mark.parametrize("number", [5, 6, 7])
def test_an_image_that_fails_is_named_where_that_is_an_error(number):
    data = torch.utils.data.Subset(Broken(IMAGES[:20]), [0, 1, number])
    with pytest.raises((RuntimeError, ValueError), match=r"(item|image) 2"):
        cw.scan(network(), data, ["0"], seed=None, progress=False)


def test_a_data_set_of_which_nothing_can_be_read_says_why():
    class Nothing(list):
        def __getitem__(self, index):
            raise OSError("the drive is gone")

    with pytest.raises(ValueError, match=r"no image of the data set can be read; image \d: .*the drive is gone"):
        cw.scan(network(), Nothing(IMAGES[:3]), on_error="skip", progress=False)


def test_nan_in_one_channel_of_one_image_is_told_and_not_spread():
    class Root(nn.Module):
        def forward(self, images):
            return torch.cat([images, (images - 3).sqrt()], 1)

    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), Root())
    model[0].weight.data = torch.ones(1, 1, 1, 1)
    layer = cw.scan(model, IMAGES[:8], ["1"], seed=None, progress=False)["1"]
    assert layer.nonfinite.tolist() == [0, 3]  # the roots of -3, -2 and -1
    assert layer.images.tolist() == [8, 5]
    assert layer.mean.tolist() == pytest.approx([3.5, sum(number**0.5 for number in range(5)) / 5])
    assert layer.maximum.tolist() == [7, 2]
    assert [place.image for place in layer.strongest(1)] == [7, 6, 5, 4, 3]


def test_weights_that_change_during_the_scan_end_it():
    model = network()
    made = cw.Scanner(model, IMAGES, batch_size=16)
    made.step()
    with torch.no_grad():
        model[0].weight += 1
    with pytest.raises(RuntimeError, match="the weights changed during the scan, after 16 of 80 images"):
        made.step()
    assert int(made.result["0"].images[0]) == 16


def test_no_batch_counts_twice_or_in_part_after_an_error():
    class Once(list):
        failed = False

        def __getitem__(self, index):
            if index == 20 and not self.failed:
                self.failed = True
                raise KeyboardInterrupt
            return super().__getitem__(index)

    data = Once(IMAGES)
    data.failed = True
    made = cw.Scanner(network(), data, ["0"], batch_size=16, seed=None)
    data.failed = False
    made.step()
    with pytest.raises(KeyboardInterrupt):
        made.step()
    assert made.done == int(made.result["0"].images[0]) == 16
    *_, found = made
    assert torch.equal(found["0"].count, torch.tensor([320, 320]))
    assert found["0"].mean.tolist() == pytest.approx(
        cw.scan(network(), IMAGES, ["0"], progress=False)["0"].mean.tolist()
    )


def test_another_thread_may_scan():
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(cw.scan(network(), IMAGES, ["0"], progress=False)))
    thread.start()
    thread.join(60)
    assert found[0].complete


def test_what_a_scan_keeps_does_not_grow_with_the_images():
    def size(count: int) -> int:
        tensors, _ = cw.scan(network(), IMAGES[:count], progress=False).record()
        return sum(tensor.nbytes for tensor in tensors.values())

    assert size(20) == size(80)
