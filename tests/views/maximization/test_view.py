"""Optimised pictures beside real images: what is shown, what begins anew, and what is left behind."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from tests.widgets.conftest import bars, said, titled


class Sum(nn.Module):
    """Two channels, the image and its negative; behind them their largest values as two classes."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 1, bias=False)
        self.conv.weight.data[0], self.conv.weight.data[1] = 1.0, -1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).amax((2, 3))


def images() -> list[tuple[torch.Tensor, int]]:
    """Image k is black, with one pixel of k / 10 in row k, column 1."""
    found = []
    for at in range(6):
        image = torch.zeros(1, 6, 6)
        image[0, at, 1] = at / 10
        found.append((image, at % 2))
    return found


@pytest.fixture
def view():
    view = cw.MaximizeView(Sum(), images(), layer="conv", steps=20)
    yield view
    view.close()


def test_nothing_is_begun_before_somebody_asks_where_no_notebook_runs(view):
    assert view.growing.picture is None and "not begun" in said(view.panel("optimised"))
    view.settle()
    assert view.growing.picture.step == 20 and "step 20 of 20" in said(view.panel("optimised"))


def test_the_picture_is_the_one_that_maximize_gives_for_the_seed(view):
    view.settle()
    options = {"channel": 0, "place": "centre", "dataset": images(), "steps": 20}
    *_, alone = cw.maximize(view.subject.model, "conv", **options, generator=torch.Generator().manual_seed(0))
    assert torch.equal(view.growing.picture.images, alone.images)


def test_the_strongest_real_images_stand_beside_it_with_what_their_unit_sees_outlined(view):
    view.settle()
    panel = view.panel("real")
    assert panel.heading == "Real images · strongest of 6" and "of all images" in said(panel)
    assert [panel.describe(at) for at in range(3)] == ["Image 5: 0.5", "Image 4: 0.4", "Image 3: 0.3"]
    left, top, right, bottom = panel.marks[0]  # row 5, column 1 of 6: each pixel takes 15 of 90 px, 1 px from the edge
    assert (left, top, right, bottom) == (16, 76, 31, 91)


def test_what_the_channel_gives_for_both_is_compared(view):
    view.settle()
    found = bars(view.panel("compared"))
    assert list(found) == ["optimised", "image 5", "image 4", "image 3"] and found["image 5"] == "0.5"
    value = float(view.growing.picture.statistic()[0])
    assert float(found["optimised"]) == pytest.approx(value, abs=0.01)
    assert f"{value / 0.5:.2g} times the strongest of 6 real images" in said(view.panel("compared"))
    assert "not what it means" in titled(view)


def test_a_channel_that_no_real_image_fires_is_said(view):
    view.channel = 1
    view.settle()
    assert "no real image of 6 fires it" in said(view.panel("compared"))


def test_a_scan_gives_the_places_and_nothing_more_is_run():
    model, data = Sum().eval(), images()
    scan = cw.scan(model, data, ["conv"], k=2, statistic="mean", progress=False)
    view = cw.MaximizeView(model, data, scan, layer="conv", steps=2)
    view.settle()
    assert "by the scan of the data set" in said(view.panel("real"))
    assert [view.panel("real").describe(at) for at in range(3)] == ["Image 5: 0.0139", "Image 4: 0.0111", ""]
    assert view.panel("compared").heading == "Mean of channel 0"
    assert bars(view.panel("compared"))["image 5"] == "0.0139"  # 0.5 / 36
    with torch.no_grad():
        model.conv.weight += 1  # the scan is of other weights now
    view.refresh()
    view.settle()
    assert "of all images" in said(view.panel("real"))


def test_a_scan_of_other_weights_is_refused():
    model = Sum().eval()
    scan = cw.scan(model, images(), ["conv"], progress=False)
    model.conv.weight.data.mul_(10)
    with pytest.raises(ValueError, match="of other weights"):
        cw.MaximizeView(model, images(), scan, layer="conv")


def test_a_scan_of_other_images_or_none_is_refused():
    model = Sum().eval()
    scan = cw.scan(model, images()[:4], ["conv"], progress=False)
    with pytest.raises(ValueError, match="is of 4 images, and the data set has 6"):
        cw.MaximizeView(model, images(), scan)
    with pytest.raises(TypeError, match="belongs to a data set"):
        cw.MaximizeView(model, scan=scan)
    with pytest.raises(TypeError, match="must be a Scan"):
        cw.MaximizeView(model, images(), 3)


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_without_a_data_set_there_are_the_pictures_alone(channels):
    view = cw.MaximizeView(Sum(channels), layer="conv", steps=2, count=2)
    view.settle()
    assert view.growing.picture.images.shape == (2, channels, 64, 64)
    assert list(bars(view.panel("compared"))) == ["optimised 1", "optimised 2"]
    with pytest.raises(LookupError, match="'real'"):
        view.panel("real")


def test_another_channel_seed_or_number_begins_anew_and_a_pause_does_not(view):
    view.settle()
    first = view.growing.picture
    view.running = False
    view.running = True
    assert view.growing.picture is first
    view.new_seed()
    assert view.seed == 1 and view.growing.picture is None
    view.settle()
    assert not torch.equal(view.growing.picture.images, first.images)
    view.channel = 1
    assert view.growing.picture is None


def test_pictures_that_are_paused_are_not_made(view):
    view.running = False
    view.settle()
    assert view.growing.picture is None


def test_a_layer_with_fewer_channels_has_its_last_and_units_have_no_place():
    view = cw.MaximizeView(cw.models.lenet5(), cw.data.digits(), layer="C3", channel=15, steps=1)
    view.layer = "C1"
    assert view.channel == 5
    view.layer = "func1"
    assert view.panel("optimised").heading == "Optimised · channel 5"
    view.layer = "OUTPUT" if "OUTPUT" in view.layers.names else view.layers.names[-1]
    view.settle()
    assert view.growing.picture.maps.numel() == 1
    view.close()


class Unreadable(list):
    """Image 4 cannot be read."""

    def __getitem__(self, index):
        if index == 4:
            raise OSError("truncated")
        return super().__getitem__(index)


def test_an_image_that_cannot_be_read_is_skipped_and_said(tmp_path):
    view = cw.MaximizeView(Sum(), Unreadable(images()), layer="conv", steps=2)
    view.save(tmp_path / "x.svg")
    panel = view.panel("real")
    assert [panel.describe(at) for at in range(2)] == ["Image 5: 0.5", "Image 3: 0.3"]
    assert panel.heading == "Real images · strongest of 5"
    assert "1 skipped: the data set cannot give item 4: Unreadable raises OSError (truncated)" in said(panel)
    view.close()


def test_what_cannot_be_driven_is_said_and_what_is_there_stays():
    model = Sum()
    model.conv.weight.data.zero_()
    view = cw.MaximizeView(model, images(), layer="conv", steps=40)
    with pytest.raises(RuntimeError, match="channel 0 of conv cannot be driven"):
        view.settle()
    assert view.growing.picture.step == 16 and not view.growing.running
    assert "channel 0 of conv cannot be driven" in view.status()
    view.close()


def test_a_file_of_what_cannot_be_driven_says_so(tmp_path):
    model = Sum()
    model.conv.weight.data.zero_()
    view = cw.MaximizeView(model, images(), layer="conv", steps=40)
    text = view.save(tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "channel 0 of conv cannot be driven" in text
    model.conv.weight.data[1] = 1.0
    done = view.to_html(tmp_path / "x.html", channel=[0, 1])
    assert (done.frames, view.channel) == (2, 0)
    assert done.path.read_text(encoding="utf-8").count("channel 0 of conv cannot be driven") == 1
    view.close()


@pytest.mark.parametrize(
    ("traits", "words"),
    [
        ({"count": 0}, "count must be 1 to 9, not 0"),
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_a_number_out_of_range_is_refused(traits, words):
    with pytest.raises(ValueError, match=words):
        cw.MaximizeView(Sum(), images(), **traits)


def test_large_images_make_smaller_pictures_unless_the_network_refuses_them():
    any_size = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    view = cw.MaximizeView(any_size, torch.rand(2, 1, 192, 240), layer="0", steps=1)
    view.settle()
    assert view.growing.picture.images.shape[2:] == (77, 96)
    one_size = nn.Sequential(nn.Conv2d(1, 1, 3, 20), nn.Flatten(), nn.Linear(36, 2))
    view = cw.MaximizeView(one_size, torch.rand(2, 1, 120, 120), layer="2", steps=1)
    view.settle()
    assert view.growing.picture.images.shape[2:] == (120, 120)


def test_the_code_of_the_view_gives_the_same_pictures(view):
    view.settle()
    names = {"net": view.subject.model, "data": view.subject.items.dataset}
    code = view.code(names)
    done: dict[str, object] = dict(names)
    exec(code, done)
    assert torch.equal(done["picture"].images, view.growing.picture.images)
    done["view"].close()


def test_it_is_a_tab_of_the_overview_and_follows_it():
    explored = cw.explore(cw.models.lenet5(), cw.data.digits(), layer="C3", channel=4)
    explored.tab = "optimised"
    shown = explored.tabs.made["optimised"]
    assert (shown.layer, shown.channel) == ("C3", 4)
    shown.channel = 6
    assert explored.channel == 6
    explored.close()
