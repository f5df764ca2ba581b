"""Two views of any kind with one row of controls."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.widgets.controls import Group
from cnnwidgets.widgets.surface import tree


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def images(count: int = 8) -> list[tuple[torch.Tensor, int]]:
    return [(torch.full((1, 6, 6), at / 8), at % 3) for at in range(count)]


def test_linked_traits_move_together_in_both_directions():
    one, other = cw.ActivationView(network(), images()), cw.ActivationView(network(1), images(), layer="1")
    both = cw.side_by_side(one, other)
    assert both.linked == ("layer", "channel", "index") and other.layer == one.layer
    one.layer, one.channel = "1", 1
    assert (other.layer, other.channel) == ("1", 1)
    other.index = 3
    assert one.index == 3
    both.close()
    assert one.closed and other.closed


def test_only_the_first_shows_controls_for_what_is_linked():
    one, other = cw.ActivationView(network(), images()), cw.OcclusionView(network(), images(), window=2, stride=2)
    both = cw.side_by_side(one, other)
    assert both.linked == ("index",)
    hidden = [part.text for part in tree(other) if isinstance(part, Group) and "cnnw-follows" in part._dom_classes]
    assert hidden == ["Image"]
    both.close()


def test_a_value_that_the_other_refuses_leaves_it_where_it_is_and_is_said():
    one, other = cw.ActivationView(network(), images()), cw.ActivationView(network(), images(3))
    both = cw.side_by_side(one, other)
    one.index = 5
    assert (one.index, other.index) == (5, 0) and "3 images" in both.said
    one.index = 2
    assert other.index == 2 and both.said == ""
    both.close()


def test_what_cannot_stand_side_by_side_is_refused():
    one, other = cw.ActivationView(network(), images()), cw.FilterView(network())
    with pytest.raises(ValueError, match="second one"):
        cw.side_by_side(one, one)
    with pytest.raises(TypeError, match="not int"):
        cw.side_by_side(one, 3)
    with pytest.raises(LookupError, match="indix"):
        cw.side_by_side(one, other, link=["indix"])
    other.close()
    with pytest.raises(ValueError, match="closed"):
        cw.side_by_side(one, other)
    one.close()


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_what_is_refused_leaves_nothing_that_cannot_be_closed():
    one = cw.ActivationView(network(), images())
    with pytest.raises(ValueError, match="second one") as found:
        cw.side_by_side(one, one)
    del found
    gc.collect()  # an exception in `__del__` would be reported now
    assert not one.closed
    one.close()


def test_both_are_saved_into_one_picture(tmp_path):
    one, other = cw.ActivationView(network(), images()), cw.ActivationView(network(1), images())
    both = cw.side_by_side(one, other)
    assert both.picture().shape[1] == one.picture().shape[1] + other.picture().shape[1]
    assert both.save(tmp_path / "both.png").exists()
    text = both.save(tmp_path / "both.svg").read_text()
    assert text.count("<svg") == 1 and text.count("Image 0") == 2  # both are drawn, and their words are words
    assert both.save(tmp_path / "both.pdf", width_mm=250).read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match="png"):
        both.save(tmp_path / "both.jpg")
    both.close()


def test_both_are_one_part_of_a_page_of_several(tmp_path):
    one, other = cw.ActivationView(network(), images(2)), cw.ActivationView(network(1), images(2))
    both = cw.side_by_side(one, other)
    both.settle()
    page = cw.page(["# Two networks", (both, {"layer": ["0", "1"]}), one], tmp_path / "all.html", progress=False)
    text = page.path.read_text("utf-8")
    assert '"place":"a1.0"' in text and '"place":"b1.0"' in text and text.count('<main class="cnnw"') == 2
    with pytest.raises(TypeError, match="a list"):
        cw.page(both, tmp_path / "all.html")
    both.close()
    with pytest.raises(ValueError, match="part 1 of the page, SideBySide: it is closed"):
        cw.page([both], tmp_path / "all.html")


def test_both_are_written_into_one_page_whose_sliders_move_what_is_linked(tmp_path):
    one, other = cw.ActivationView(network(), images(3)), cw.ActivationView(network(1), images(3), colormap="magma")
    both = cw.side_by_side(one, other)
    before = one.state, other.state
    page = both.to_html(tmp_path / "both.html", layer=["0", "1"], progress=False)
    assert (page.painted, page.left_out) == (6, "") and page.frames == 6  # two layers of three images, every channel
    text = page.path.read_text()
    assert '"place":"a1.0"' in text and '"place":"b1.0"' in text and '"magma"' in text
    assert (one.state, other.state) == before and not one.exporting and not other.exporting
    assert all(view.panel("maps").heading.startswith("Both") for view in both.views)
    with pytest.raises(TypeError, match="'index'"):
        both.to_html(tmp_path / "both.html", indx=[0])
    both.close()


def test_views_that_paint_nothing_together_are_pictures_in_the_page(tmp_path):
    one, other = cw.ActivationView(network(), images(2)), cw.OcclusionView(network(), images(2), window=2, stride=2)
    both = cw.side_by_side(one, other)
    page = both.to_html(tmp_path / "both.html", progress=False)
    assert (page.frames, page.painted) == (2, 0)
    both.close()


def test_the_cell_makes_both_views_again_and_stands_below_them():
    one, other, dataset = network(), network(1), torch.rand(8, 1, 6, 6)
    both = cw.side_by_side(
        cw.ActivationView(one, dataset, layer="1"), cw.ActivationView(other, dataset), link=["index"]
    )
    both.views[0].index = 2
    names = {"one": one, "other": other, "dataset": dataset}
    code = both.code(names)
    assert code.splitlines()[0] == "import cnnwidgets as cw" and code.count("import") == 1
    found: dict = dict(names)
    exec(code.replace("\ncw.side_by_side", "\nboth = cw.side_by_side"), found)
    assert [repr(view) for view in found["both"].views] == [repr(view) for view in both.views]
    assert found["both"].linked == ("index",)
    (asks,) = [part for part in both.children if getattr(part, "description", "") == "both as code"]
    asks.value = True
    assert "cw.side_by_side" in both.children[-1].value and both.children[-1].layout.display == ""
    for each in (both, found["both"]):
        each.close()
