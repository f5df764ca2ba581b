"""The example of each level: a whole range of a channel, the same in whichever order and parts it is scanned."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.scan import LEVELS
from cnnwidgets.compute.scan.measured import turns

IMAGES = [torch.full((1, 2, 2), float(at)) for at in range(80)]


def scanned(**options) -> cw.LayerScan:
    return cw.scan(nn.Sequential(nn.Identity()), IMAGES, ["0"], progress=False, **({"k": 3, "seed": None} | options))[
        "0"
    ]


def expected() -> list[int]:
    """Without a seed the first 32 images fix the range: 0 to 31 in equal parts, with all beyond in the last."""
    levels = [min(int(at * LEVELS / 31), LEVELS - 1) for at in range(80)]
    order = turns(torch.arange(80)).tolist()
    return [min((at for at in range(80) if levels[at] == level), key=order.__getitem__) for level in range(LEVELS)]


def test_of_each_level_the_image_is_kept_whose_turn_comes_first():
    assert scanned()["level_image"][0].tolist() == expected()


def test_no_two_images_have_the_same_turn_and_none_has_the_last():
    found = turns(torch.arange(100_000))
    assert len(found.unique()) == 100_000 and int(found.max()) < int(turns(torch.tensor([-1]))[0])


def test_the_strongest_come_first_and_the_examples_of_all_levels_behind_them():
    found = scanned()
    places = found.examples(0)
    assert [place.image for place in places[:3]] == [79, 78, 77] == [place.image for place in found.strongest(0)]
    assert [place.image for place in places[3:]] == sorted({*expected()} - {79, 78, 77}, reverse=True)
    assert [place.value for place in places] == [float(place.image) for place in places]
    with pytest.raises(IndexError, match="channels 0 to 0, not 1"):
        found.examples(1)


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 80}, {"batch_size": 7, "per_image": 2}])
def test_they_are_the_same_for_every_batch_size(options):
    found, other = scanned(), scanned(**options)
    for name in ("level_image", "level_value"):
        assert torch.equal(found[name], other[name])


def test_parts_of_a_data_set_have_those_of_the_whole_when_they_are_merged():
    model = nn.Sequential(nn.Identity())
    options = {"k": 3, "seed": 4, "progress": False}
    parts = [cw.scan(model, IMAGES, ["0"], part=(at, 3), **options) for at in range(3)]
    whole, merged = cw.scan(model, IMAGES, ["0"], **options)["0"], cw.Scan.merge(parts[2], parts[0], parts[1])["0"]
    for name in ("level_image", "level_value", "level_row", "level_column"):
        assert torch.equal(whole[name], merged[name])


def test_a_place_is_that_of_the_largest_value_of_its_image():
    images = [torch.eye(4)[at % 4][None, None] * (at + 1) for at in range(40)]  # the largest value in column at % 4
    found = cw.scan(nn.Sequential(nn.Identity()), images, ["0"], k=2, progress=False)["0"]
    assert all(place.column == place.image % 4 and place.value == place.image + 1 for place in found.examples(0))


def test_a_scan_goes_on_with_them_from_its_folder(tmp_path):
    model = nn.Sequential(nn.Identity())
    options = {"k": 3, "seed": None, "batch_size": 8, "folder": tmp_path}
    cw.scan(model, IMAGES, ["0"], progress=lambda done, total: done < 40, **options)
    found = cw.scan(model, IMAGES, ["0"], progress=False, **options)
    assert found["0"]["level_image"][0].tolist() == expected()
    assert cw.Scan.open(tmp_path)["0"].examples(0) == found["0"].examples(0)


def test_a_step_takes_no_more_images_at_a_time_than_it_is_told():
    made = cw.Scanner(nn.Sequential(nn.Identity()), IMAGES, ["0"], batch_size=32)
    assert (made.step(0, 3), made.step(0, 100), made.step(0)) == (3, 32, 32)
