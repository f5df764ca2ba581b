from __future__ import annotations

import asyncio
import re

import ipywidgets as W
import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

from cnnwidgets import ActivationView, activations, scan
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from tests.widgets.conftest import POOLED, expected, inside, levels, said, steps
from tests.widgets.conftest import control as named


@pytest.fixture
def view(model, dataset, passes) -> ActivationView:
    return ActivationView(model, dataset, layer="pool")


def test_the_picture_shows_each_value_at_its_place(view):
    assert levels(view).shape == (16, 16 + 1 + 16)  # maps of 2 x 2, eight times as large
    assert np.delete(levels(view), 16, axis=1)[4::8, 4::8].tolist() == POOLED


@pytest.mark.parametrize("layer", ["C1", "S2", "C3", "func2"])
@pytest.mark.parametrize("scale", ["layer", "map", (-1.0, 2.0)])
def test_the_picture_is_the_one_that_render_makes_of_the_activations(layer, scale):
    model, dataset = lenet5(pretrained=True), digits()
    view = ActivationView(model, dataset, scale=scale)
    view.index, view.layer = 7, layer
    assert np.array_equal(view.panel("maps").drawn(), expected(model, dataset[7][0], layer, scale=scale))


def test_moving_a_slider_and_setting_the_trait_are_the_same(model, dataset):
    views = [ActivationView(model, dataset, layer="conv") for _ in range(2)]
    for trait, value in (("layer", "pool"), ("index", 3), ("channel", 1)):
        before = view_bytes(views[0])
        setattr(views[0], trait, value)
        control(views[1], trait).value = value
        assert view_bytes(views[0]) == view_bytes(views[1]) != before


def control(view: ActivationView, trait: str):
    kind = W.SelectionSlider if trait == "layer" else W.IntSlider
    return named(view, {"layer": "Layer", "channel": "Channel", "index": "Image"}[trait], kind)


def view_bytes(view: ActivationView) -> bytes:
    return view.picture().tobytes()


# ---------------------------------------------------------------------- passes


def test_a_view_takes_one_pass_to_make(view, passes):
    assert passes() == 1


def test_display_traits_and_the_layer_run_nothing(view, passes):
    passes()
    for trait, value in (
        ("channel", 1),
        ("colormap", "magma"),
        ("scale", "map"),
        ("scale", (0, 9)),
        ("columns", 1),
        ("pixel", (1, 1)),
        ("layer", "conv"),
        ("layer", "fc"),
    ):
        setattr(view, trait, value)
    assert passes() == 0


def test_a_new_image_runs_once_and_going_back_never(view, passes):
    passes()
    view.index = 1
    assert passes() == 1
    view.index = 0
    view.layer = "conv"
    view.index = 1
    assert passes() == 0
    assert view.source().startswith("cached")


def test_the_title_says_whether_a_pass_was_needed(view):
    def source() -> str:
        titles = [part.value for part in inside(view) if isinstance(part, W.HTML) and 'class="cnnw-head"' in part.value]
        return re.findall(r'title="(\w*)', titles[-1])[0]

    assert source() == "computed"
    view.index = 1
    assert source() == "computed"
    view.index = 0
    assert source() == "cached"
    view.refresh()
    assert source() == "computed"


def test_weights_that_an_optimizer_moved_show_at_the_next_drawing(view, model, passes):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.conv.weight.grad = torch.full_like(model.conv.weight, -1.0)
    passes()
    optimizer.step()  # weights 2 and -1
    view.index = 1
    view.index = 0
    assert passes() == 2
    assert view.maps[0].tolist() == [[10, 14], [26, 30]]


def test_refresh_runs_once_and_shows_weights_written_behind_our_back(view, model, passes):
    passes()
    model.conv.weight.data[0] = 3.0
    view.refresh()
    assert passes() == 1
    assert view.maps[0].tolist() == [[15, 21], [39, 45]]


@pytest.mark.parametrize("cache_bytes", [0, 100, 200])
def test_a_small_memory_shows_the_same_pictures(model, dataset, cache_bytes):
    view = ActivationView(model, dataset, cache_bytes=cache_bytes)
    for index in (0, 3, 0):
        for layer in ("pool", "conv"):
            view.index, view.layer = index, layer
            assert view.subject.outputs.bytes <= cache_bytes
            assert np.array_equal(view.panel("maps").drawn(), expected(model, dataset[index][0], layer))


# ---------------------------------------------------------------------- messages and widgets


def test_a_channel_move_sends_the_large_map_and_not_the_grid(view, messages):
    view.channel = 1
    pictures = [message for message in messages if isinstance(message.widget, W.Image) and "value" in message.traits]
    assert len(pictures) == 1
    assert len(messages) <= 9


def test_a_move_of_layer_or_image_sends_a_bounded_number_of_messages(view, messages):
    for trait, value, most in (("index", 1, 14), ("layer", "conv", 30), ("layer", "pool", 30), ("pixel", (0, 0), 7)):
        messages.clear()
        setattr(view, trait, value)
        assert 0 < len(messages) <= most, (trait, value, len(messages))


def test_one_change_is_one_drawing(view, monkeypatch):
    drawn = []
    monkeypatch.setattr(view._newest, "_draw", lambda: drawn.append(view.layer))
    view.layer = "fc"
    view.channel = 2
    view.pixel = (0, 0)
    drawn.clear()
    view.layer = "conv"  # the channel no longer fits, the pixel is of another map
    assert (view.channel, view.pixel) == (1, None)
    assert drawn == ["conv"]


def test_500_moves_make_no_widget_and_close_leaves_none(model, dataset, widgets):
    before = widgets()
    view = ActivationView(model, dataset)
    made = widgets()
    for step in range(500):
        view.layer = ("conv", "pool", "fc", "flatten")[step % 4]
        view.index, view.channel = step % 6, step % 2
    assert widgets() == made > before
    view.close()
    assert widgets() == before


# ---------------------------------------------------------------------- state


def test_a_channel_of_the_new_layer_can_be_set_right_after_it_or_together_with_it(view):
    view.layer = "flatten"
    view.channel = 7
    view.layer = "conv"
    with view.hold_trait_notifications():
        view.channel = 6
        view.layer = "flatten"
    assert (view.layer, view.channel) == ("flatten", 6)
    assert "unit 6 −16" in said(view.panel("channel"))


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "pol", LookupError, "did you mean 'pool'"),
        ("index", 6, IndexError, "index 6 is out of range: the data set has 6 images, 0 to 5"),
        ("index", -1, IndexError, "0 to 5"),
        ("channel", 2, IndexError, "channel 2 is out of range: layer 'pool' has 2, 0 to 1"),
        ("channel", -1, IndexError, "0 to 1"),
        ("plane", 1, IndexError, "plane 1 is out of range"),
        ("colormap", "virids", ValueError, "viridis"),
        ("scale", "layers", ValueError, "'map', 'layer', 'layer-full' or a pair"),
        ("scale", (1, 1), ValueError, "vmin < vmax"),
        ("scale", (0, float("nan")), ValueError, "finite"),
        ("columns", -1, ValueError, "columns must be 0"),
        ("pixel", (1,), ValueError, "pixel must be"),
        ("pixel", (0, -1), ValueError, "pixel must be"),
        ("index", "first", (T.TraitError, TypeError), "index|int"),
    ],
)
def test_a_refused_value_is_named_and_changes_nothing(view, model, dataset, widgets, trait, value, error, text):
    state, pictures, count = repr(view), view_bytes(view), widgets()
    with pytest.raises(error, match=text):
        setattr(view, trait, value)
    assert (repr(view), view_bytes(view)) == (state, pictures)
    with pytest.raises(error, match=text):
        ActivationView(model, dataset, **{"layer": "pool", trait: value})
    assert widgets() == count


def test_maps_are_a_copy_of_what_activations_gives(view, model, dataset):
    view.index = 2
    maps = view.maps
    assert torch.equal(maps, activations(model, dataset[2][0], "pool")[0])
    maps.zero_()
    assert view.maps.abs().sum() > 0


def test_maps_and_table_are_of_the_newest_state_even_while_a_drawing_waits(view, clock):
    async def cell():
        view.index = 1
        view.index = 2
        return view.maps

    assert asyncio.run(cell())[0].tolist() == [[7, 9], [15, 17]]


def test_two_linked_views_show_the_same_image(model, dataset):
    one, two = ActivationView(model, dataset, layer="conv"), ActivationView(model, dataset, layer="pool")
    T.link((one, "index"), (two, "index"))
    one.index = 4
    assert two.maps[0, 0, 0] == 9
    two.index = 1
    assert one.maps[0, 0, 0] == 1
    two.close()
    one.index = 3
    assert one.maps[0, 0, 0] == 3


def test_what_a_vector_has_are_units(model, dataset):
    view = ActivationView(model, dataset, layer="conv")
    assert named(view, "Channel")
    view.layer = "fc"
    assert named(view, "Unit")
    assert named(ActivationView(model, dataset, layer="fc"), "Unit")


def test_a_few_values_far_out_leave_colours_for_the_others_and_the_view_says_so():
    image = torch.linspace(-1, 1, 2 * 50 * 50).reshape(2, 50, 50)
    image[0, 0, :10] = 100.0
    model = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False))
    model[0].weight.data = torch.eye(2)[:, :, None, None]
    view = ActivationView(model, image[None], layer="0")
    high = float(view.panel("maps").colorbar[3])
    assert 0.95 < high <= 1
    beyond = "0.5 % beyond"
    assert beyond in view.status() and beyond in view.panel("maps").colorbar[2]
    channel = said(view.panel("channel"))
    assert "beyond" in channel and "100" in channel  # its numbers are the true ones
    view.scale = "layer-full"
    assert view.panel("maps").colorbar[3] == "100" and "beyond" not in said(view.panel("maps"))
    assert view.status() == "scale: whole layer, centred on 0"
    view.close()


# ---------------------------------------------------------------------- order


def negative() -> list[tuple[torch.Tensor, int]]:
    return [(-image, label) for image, label in steps()]


def test_the_strongest_map_stands_first_and_is_found_by_its_number(model, passes):
    view = ActivationView(model, negative(), layer="pool", order="number")
    numbered = levels(view)
    passes()
    view.order = "strongest"  # of -x and 2x
    grid = view.panel("maps")
    swapped = np.concatenate([numbered[:, 17:], numbered[:, 16:17], numbered[:, :16]], 1)
    assert np.array_equal(levels(view), swapped)
    assert (grid.cells.cell_at(0, 0), grid.marks) == (1, [(17, 0, 33, 16)])  # channel 0 is the chosen one
    assert passes() == 0
    assert "order: strongest here first" in view.status()
    grid.on_cell(1)
    assert view.channel == 1 and view.panel("maps").marks == [(0, 0, 16, 16)]


def test_a_page_that_paints_is_told_the_order_and_no_number_again(model, messages, monkeypatch):
    monkeypatch.setattr("cnnwidgets.views.activation.view.possible", lambda: True)
    view = ActivationView(model, negative(), layer="pool")
    numbers = view.panel("maps").painting.numbers
    assert "order" not in view.panel("maps").painting.sheet
    view.order = "strongest"
    assert view.panel("maps").painting.sheet["order"] == [1, 0]
    assert view.panel("maps").painting.numbers is numbers


def test_orders_over_the_data_set_go_by_a_scan_of_these_weights(model, dataset):
    view = ActivationView(model, dataset, layer="conv", order="sparsity")
    assert "by number; sparsity asks a scan: view.pick_by" in view.status() and not view.panel("maps").flags
    with torch.no_grad():
        model.conv.weight[0] = 1.0
    view.refresh()
    view.pick_by(scan(model, dataset, ["conv"], progress=False))
    view.flush()
    assert "order: most often 0 first" in view.status()
    view.order = "class"  # the largest of x is larger in images of class 2, that of -2x in those of class 0
    assert view.panel("maps").cells.order == (1, 0) and "best for 0 first" in view.status()
    view.index = 2
    assert view.panel("maps").cells.order == (0, 1)
    view.layer = "pool"
    assert "order: by number; pool was not scanned" in view.status()
    view.layer = "conv"
    with torch.no_grad():
        model.conv.weight += 1
    view.refresh()
    assert "order: by number; the weights have changed since the scan" in view.status()
