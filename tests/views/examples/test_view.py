"""ExamplesView: the patches of a scan, by hand."""

from __future__ import annotations

import asyncio

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.dataset import Items
from cnnwidgets.explore.tabs import TABS
from cnnwidgets.live import portions
from cnnwidgets.views.examples.growing import GrowingScan
from cnnwidgets.views.examples.panels import DIM, SIDE
from tests.widgets.conftest import EVIL, Refusing, inside, said, titled

KEPT = [5, 4, 3, 2, 1, 0]
"""Images of `steps` in the order of what `pool` of `tiny` finds in them: image k has k + 15 at most."""


@pytest.fixture
def scan(model, dataset) -> cw.Scan:
    return cw.scan(model, dataset, ["conv", "pool", "fc"], k=2, progress=False)


@pytest.fixture
def view(model, dataset, scan, passes) -> cw.ExamplesView:
    return cw.ExamplesView(model, dataset, scan, layer="pool")


def ink(patch: np.ndarray) -> np.ndarray:
    """The first patch on the sheet, without its margin."""
    return patch[3 : 3 + SIDE, 3 : 3 + SIDE, 0]


def test_the_strongest_images_come_first_with_value_and_class(view):
    assert [place.image for place in view.examples[:2]] == [5, 4]
    assert [(place.value, place.row, place.column) for place in view.examples[:2]] == [(20.0, 1, 1), (19.0, 1, 1)]
    patches = view.panel("patches")
    assert patches.heading == "Channel 0 · 2 strongest"
    assert patches.cells.count == 2 and patches.describe(0).startswith("no. 1: 20, image 5")
    assert "5 of" not in said(patches) and "fires for 100.0 % of the images" in said(patches)


def test_a_patch_is_what_the_place_sees_of_the_image_and_the_rest_is_dimmed(view, dataset):
    picture = Items(dataset).picture(dataset[5][0])[0].numpy()
    low, high = picture.min(), picture.max()
    shades = np.round((picture[2:, 2:] - low) / (high - low) * 255)  # place (1, 1) of `pool` sees 2 x 2 pixels
    assert np.unique(ink(view.panel("patches").pixels)).tolist() == sorted(np.unique(shades))
    detail = view.panel("detail")
    side = detail.pixels.shape[0]
    assert detail.marks == [(side / 2, side / 2, side, side)]
    assert detail.pixels[-1, -1].tolist() == [255] * 3
    whole = (picture[0, 3] - low) / (high - low) * 255
    assert detail.pixels[0, -1, 0] == int(round(float(whole)) * DIM)
    assert "sees rows 2 to 3, columns 2 to 3" in said(detail) and "value 20, no. 1 of those kept" in said(detail)


def test_a_patch_at_the_edge_is_clipped_and_says_so():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 1, 5, padding=2, bias=False))
    nn.init.ones_(model[0].weight)
    images = [torch.zeros(1, 8, 8) for _ in range(3)]
    images[1][0, 7, 0] = 1.0  # the first of the equal places that see it is (5, 0)
    view = cw.ExamplesView(model, images, cw.scan(model, images, progress=False))
    assert (view.examples[0].image, view.examples[0].row, view.examples[0].column) == (1, 5, 0)
    assert "3 of 3 clipped at the edge of the image" in said(view.panel("patches"))
    assert "clipped left 2 px" in said(view.panel("detail"))
    assert view.panel("patches").describe(0) == "no. 1: 1, image 1, row 5, column 0, clipped: left 2 px"


def test_the_slider_goes_from_the_strongest_to_the_weakest(view):
    assert sorted((place.image for place in view.examples), reverse=True) == [place.image for place in view.examples]
    view.first = 1
    assert view.panel("patches").heading == f"Channel 0 · no. 2 to 3 of {len(view.examples)}"
    view.first = view.most - 1  # more than there are: the weakest alone
    assert view.panel("patches").cells.count == 1
    assert view.panel("patches").describe(0).startswith(f"no. {len(view.examples)}: 15, image 0")


def test_another_channel_stands_beside_it_and_its_patches_can_be_looked_at(view):
    view.compare, view.other = True, 1  # -2 times the image: the largest is the smallest of image 0, at 0
    assert view.panel("other").heading == "Channel 1 · 2 strongest"
    view.panel("other").on_hover(1)
    assert (view.of_other, view.example) == (True, 1)
    assert view.panel("detail").heading.startswith("Image 1")
    assert view.panel("other").marks and not view.panel("patches").marks
    assert "channel 0 against 1" in titled(view)


def test_the_mouse_over_a_patch_shows_its_image_and_a_click_chooses_it(view, passes):
    passes()
    view.panel("patches").on_hover(1)
    assert (view.example, view.index) == (1, 0) and view.panel("detail").heading.startswith("Image 4")
    assert passes() == 0
    view.panel("patches").on_cell(1)
    assert view.index == 4 and "the chosen image" in said(view.panel("detail"))
    assert "here 19" in said(view.panel("chosen"))


def test_an_image_is_read_once(model, dataset):
    class Counting(list):
        read = 0

        def __getitem__(self, index):
            Counting.read += 1
            return super().__getitem__(index)

    counting = Counting(dataset)
    scan = cw.scan(model, counting, ["conv", "pool", "fc"], k=2, progress=False)
    view = cw.ExamplesView(model, counting, scan, layer="pool")
    view.first = 2
    before = Counting.read
    view.first, view.channel = 0, 0
    view.layer = "conv"
    view.layer = "pool"
    assert Counting.read == before


def test_another_layer_begins_with_the_strongest_and_keeps_the_channel_that_it_has(view):
    view.channel, view.first, view.example = 1, 3, 4
    view.layer = "fc"
    assert (view.channel, view.first, view.example) == (1, 0, 0)
    assert view.panel("patches").heading.startswith("Unit 1")
    with pytest.raises(LookupError, match="cannot show layer 'flatten'"):
        view.layer = "flatten"


def test_a_scan_of_other_weights_or_images_is_refused(model, dataset, scan):
    with pytest.raises(ValueError, match="is of 6 images, and the data set has 5"):
        cw.ExamplesView(model, dataset[:5], scan)
    with torch.no_grad():
        model.fc.weight.add_(1)
    with pytest.raises(ValueError, match="of other weights"):
        cw.ExamplesView(model, dataset, scan)
    with pytest.raises(TypeError, match="not a dict"):
        cw.ExamplesView(model, dataset, {})


def test_weights_that_change_later_are_told(view, model):
    assert "ranked by the largest value" in titled(view)
    with torch.no_grad():
        model.fc.weight.add_(1)
    view.redraw()
    view.flush()
    assert "the weights have changed since the scan" in titled(view)


def test_it_follows_a_scan_as_it_grows(model, dataset):
    scanner = cw.Scanner(model, dataset, ["pool"], k=2, batch_size=2, seed=None)
    parts = []
    while scanner.done < scanner.total:
        scanner.step(0)
        parts.append(scanner.result)
    view = cw.ExamplesView(model, dataset, parts[0])
    assert [place.image for place in view.examples] == [1, 0] and "2 of 6 images" in titled(view)
    view.scan = parts[-1]
    assert view.examples[0].image == 5 and "6 of 6 images" in titled(view)
    with pytest.raises(ValueError, match="only a scan of the same layers"):
        view.scan = cw.scan(model, dataset, ["fc"], progress=False)


def test_without_a_scan_the_layer_is_scanned_when_the_state_is_drawn_to_the_end(model, dataset, passes):
    view = cw.ExamplesView(model, dataset, layer="pool")
    assert view.scan is None and "no image has been scanned yet" in said(view.panel("patches"))
    view.settle()
    assert view.scan.done == 6 and [place.image for place in view.examples] == KEPT
    view.layer = "conv"
    view.settle()
    passes()
    view.layer = "pool"
    view.settle()
    assert view.scan.done == 6 and passes() == 0  # it is known


def test_a_scan_that_is_not_wanted_is_not_made(model, dataset):
    view = cw.ExamplesView(model, dataset, scanning=False)
    view.settle()
    assert view.scan is None
    view.toggle_scanning()
    view.settle()
    assert view.scan is not None and view.scan.complete


def test_in_a_notebook_it_is_scanned_in_portions_and_the_picture_follows(model, dataset, monkeypatch):
    for name in ("PAUSE", "HOLD", "PORTION", "LONG"):
        monkeypatch.setattr(portions, name, 0.0)
    monkeypatch.setattr(GrowingScan, "shown", 0.0)
    seen = []

    async def main() -> None:
        view = cw.ExamplesView(model, dataset, layer="pool")
        for _ in range(80):
            seen.append(next(each for each in titled(view).split(" · ") if each.endswith("of 6 images")))
            await asyncio.sleep(0)
        view.close()

    asyncio.run(main())
    assert list(dict.fromkeys(seen)) == [f"{done} of 6 images" for done in range(7)]


def test_random_transforms_are_drawn_as_in_the_scan(model):
    class Noisy(list):
        def __getitem__(self, index):
            return super().__getitem__(index) + torch.rand(1, 4, 4)

    images = Noisy([torch.zeros(1, 4, 4) for _ in range(5)])
    scan = cw.scan(model, images, ["conv"], progress=False)
    view = cw.ExamplesView(model, images, scan)
    place = view.examples[0]
    image = view._cutter._pictures.item(place.image).image
    assert float(image[0, place.row, place.column]) == pytest.approx(place.value)


def test_names_are_text(model, dataset):
    view = cw.ExamplesView(model, dataset, layer="pool", classes=[EVIL, "b", "c"])
    view.settle()
    assert not any(EVIL in part.value for part in inside(view) if isinstance(part, W.HTML))


def test_an_image_that_cannot_be_read_any_more_leaves_its_place_empty(model, dataset, scan):
    class Lost(list):
        def __getitem__(self, index):
            if index == 5:
                raise OSError("gone")
            return super().__getitem__(index)

    view = cw.ExamplesView(model, Lost(dataset), scan, layer="pool")
    assert "gone" in view.panel("patches").describe(0) and "gone" in said(view.panel("detail"))
    view.example = 1
    assert view.panel("detail").pixels is not None


def test_a_network_that_fails_for_an_image_is_scanned_without_it():
    images = [torch.full((1, 4, 4), value) for value in (0.1, 5.0, 0.2)]
    view = cw.ExamplesView(Refusing(), images)
    view.settle()
    assert dict(view.scan.skipped).keys() == {1} and view.examples


def test_explore_has_it_as_a_tab_that_follows(model, dataset):
    assert TABS["examples"].make is cw.ExamplesView
    explorer = cw.explore(model, dataset, tab="examples")
    view = explorer.tabs.made["examples"]
    explorer.look_at("pool", 1)
    assert (view.layer, view.channel) == ("pool", 1)
    view.settle()
    view.panel("patches").on_cell(0)
    assert explorer.index == view.index == view.examples[0].image


def test_what_is_no_place_or_channel_is_refused(view):
    for trait, value in {"channel": 2, "other": 9, "first": 99, "example": -1}.items():
        with pytest.raises((IndexError, T.TraitError)):
            setattr(view, trait, value)
    assert (view.channel, view.other, view.first, view.example) == (0, 0, 0, 0)


def test_the_numbers_behind_the_picture_come_from_a_public_function(model, dataset, scan):
    view = cw.ExamplesView(model, dataset, scan, layer="pool", channel=1)
    names: dict[str, object] = {"model": model, "dataset": dataset, "scan": scan}
    exec(view.code(names), names)
    assert names["places"] == view.examples
