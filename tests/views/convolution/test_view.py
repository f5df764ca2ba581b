from __future__ import annotations

from collections import OrderedDict

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.compute.convolution.explain import explain
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.color.scale import GAP
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.render.static import Panel
from cnnwidgets.views.convolution.view import ConvolutionView
from tests.widgets.conftest import EVIL, control, hooks, inside, words
from tests.widgets.conftest import said as read


def known() -> nn.Sequential:
    """2 x 4 x 4 images -> `conv` 2 @ 4x4, padded: filter 0 adds channel 0 and twice channel 1 in its centre."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(2, 2, 3, padding=1)
    layers["relu"] = nn.ReLU(inplace=True)
    layers["pool"] = nn.MaxPool2d(2)
    layers["bn"] = nn.BatchNorm2d(2)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(8, 3)
    model = nn.Sequential(layers)
    with torch.no_grad():
        model.conv.weight.zero_()
        model.conv.bias.copy_(torch.tensor([0.5, 0.0]))
        model.conv.weight[0, :, 1, 1] = torch.tensor([1.0, 2.0])
        model.conv.weight[1, 0, 0, 0] = 1.0
        model.bn.running_mean.fill_(1.0)
        model.fc.weight.copy_(torch.arange(24.0).reshape(3, 8))
        model.fc.bias.fill_(1.0)
    return model


IMAGES = [(torch.stack([torch.arange(16.0).reshape(4, 4), torch.full((4, 4), 10.0) - k]), k % 3) for k in range(3)]


@pytest.fixture
def model() -> nn.Sequential:
    return known()


@pytest.fixture
def view(model, passes) -> ConvolutionView:
    return ConvolutionView(model, IMAGES, layer="conv", pixel=(1, 2))


def said(view: ConvolutionView) -> str:
    """What the sum says, and the contributions below it."""
    return "".join(map(read, view.panel("sum").parts))


def tables(view: ConvolutionView) -> dict[str, Panel]:
    """The tables by their names."""
    return {table.heading: table for table in view.panel("tables").parts}


def numbers(view: ConvolutionView, name: str) -> str:
    """The numbers of a table in reading order."""
    return " ".join(text for row in tables(view)[name].texts for text in row)


def player(view: ConvolutionView) -> W.Play:
    return next(part for part in inside(view) if isinstance(part, W.Play))


def hidden(view: ConvolutionView, part: W.Widget) -> bool:
    """Whether a group that `part` stands in is not displayed."""
    return any(
        any(other is part for other in inside(group))
        for group in inside(view)
        if isinstance(group, W.HBox) and group.layout.display == "none"
    )


# ---------------------------------------------------------------------- what is on the screen


def test_the_sum_over_every_input_channel_plus_bias_stands_beside_what_the_network_computed(view):
    # channel 0 is 6 at (1, 2), channel 1 is 10: 6 + 2 * 10 + 0.5
    assert view.explanation.value == view.explanation.result == 26.5
    text = said(view)
    assert "6 + 20 + 0.5 (bias) = 26.5" in text
    assert "sum over 2 input channels 26" in text and "the network computed 26.5" in text
    assert "the same: difference 0, tolerance" in text
    assert "Contribution of each input channel ▸ channel 1 20 channel 0 6" in text
    assert view.static().columns[-2] == list(view.panel("sum").parts)


def test_the_tables_show_window_kernel_and_product_of_the_strongest_input_channel(view):
    assert view.input_channel == 1
    assert numbers(view, "Window") == " ".join(["10"] * 9)
    assert numbers(view, "Kernel") == "0 0 0 0 2 0 0 0 0" and numbers(view, "Product") == "0 0 0 0 20 0 0 0 0"
    assert list(tables(view)["Window"].lines) == ["rows 0 to 2", "columns 1 to 3"]
    page = words(*[part for part in inside(view) if isinstance(part, W.HTML) and "cnnw-sum" in part.value][-1:])
    assert "Window " + "10 " * 9 in page and "× Kernel 0 0 0 0 2" in page and "= Product 0 0 0 0 20" in page


def test_another_input_channel_can_be_chosen_and_stays(view):
    view.input_channel = 0
    assert not view.strongest
    assert numbers(view, "Window") == "1 2 3 5 6 7 9 10 11"
    view.pixel = (2, 2)
    assert view.input_channel == 0 and numbers(view, "Window") == "5 6 7 9 10 11 13 14 15"
    view.strongest = True
    assert view.input_channel == 1


def test_the_window_is_framed_on_the_input_with_its_padding_in_grey(view):
    view.pixel, view.input_channel = (0, 0), 0
    shaded = Shaded.of(IMAGES[0][0].numpy(), scale="map")
    wanted = np.pad(shaded.tile(0), 1, constant_values=GAP)
    colors = palette("viridis").copy()
    colors[GAP] = (0xA9, 0xAD, 0xB6, 255)
    assert np.array_equal(view.panel("input").drawn(), colors[wanted])
    assert view.panel("input").marks == [(0, 0, 3, 3)]  # rows and columns -1 to 1, in a map with one more before
    assert list(tables(view)["Window"].lines) == ["rows −1 to 1", "columns −1 to 1"]
    assert "grey: padding" in read(view.panel("input"))


def test_the_output_map_shows_the_chosen_pixel(view, model):
    output, shown = model.conv(IMAGES[0][0][None])[0].detach().numpy(), view.panel("output")
    told = [shown.describe(cell).split(": ")[1] for cell in range(16)]
    assert told == [f"{value:.5g}" for value in output[0].ravel()]
    assert (shown.heading, shown.marks) == ("Output 0 · row 1, column 2", [(2, 1, 3, 2)])


def test_the_cosine_is_told_with_what_it_means(view):
    cosine = view.explanation.cosine
    assert cosine == pytest.approx(26 / ((sum(v * v for v in (1, 2, 3, 5, 6, 7, 9, 10, 11)) + 900) * 5) ** 0.5)
    assert f"cosine of window and filter {cosine:.2g}: 1: same direction, the filter responds most" in said(view)


def test_pooling_marks_the_pixel_that_won(view):
    view.layer = "pool"
    view.pixel = (1, 0)
    assert view.explanation.winner == (3, 1)
    assert view.panel("input").marks == [(0, 2, 2, 4), (1, 3, 2, 4)]
    assert tables(view)["Window"].marks == [(1, 1, 2, 2)]
    assert "largest of 4 numbers 33.5" in said(view) and "the network computed 33.5" in said(view)


def test_batch_norm_is_told_in_steps(view):
    view.layer = "bn"
    assert "input x 27.5 x − mean, 1 26.5" in said(view)
    with pytest.raises(LookupError, match="no panel 'tables'; there are input, image, sum, output, prediction"):
        view.panel("tables")
    assert view.explanation.agrees


def test_a_linear_layer_is_a_sum_over_features(view):
    view.layer = "fc"
    view.channel = 2
    assert view.explanation.agrees and view.explanation.kind == "linear"
    assert "sum over 8 features" in said(view) and "Contribution of each input feature" in said(view)
    assert list(tables(view)) == ["Input", "Weights", "Product"]
    assert hidden(view, player(view)) and hidden(view, control(view, "Input channel", W.IntSlider))


def test_a_layer_that_does_more_than_its_type_says_is_not_called_the_same(model):
    model.conv.register_forward_hook(lambda part, args, output: output + 1)
    view = ConvolutionView(model, IMAGES, layer="conv", pixel=(1, 2))
    assert "NOT the same: difference 1" in said(view)
    alarms = [part.value for part in inside(view) if isinstance(part, W.HTML) and 'role="alert"' in part.value]
    assert len(alarms) == 1 and "NOT the same" in alarms[0]


# ---------------------------------------------------------------------- moving


def test_a_click_on_the_map_chooses_the_pixel(view):
    view.panel("output").on_place(3.5, 0.5)
    assert view.pixel == (0, 3) and view.explanation.value == 23.5


def test_dragging_the_frame_slides_the_window(view):
    seen: list[tuple[int, int]] = []
    view.observe(lambda change: seen.append(change["new"]), "pixel")
    assert view.panel("output").drag
    for column in (2.1, 2.9, 3.2, 4.5, -1.0):
        view.panel("output").on_place(column, 0.5)
    assert seen == [(0, 2), (0, 3)]  # not outside the map


def test_sliders_player_and_trait_are_the_same(view):
    control(view, "Row", W.IntSlider).value = 3
    assert view.pixel == (3, 2) and view.position == 14 and player(view).value == 14
    player(view).value = 7
    assert view.pixel == (1, 3) and (view.row, view.column) == (1, 3)
    view.pixel = None
    assert view.pixel == (2, 2) and control(view, "Column", W.IntSlider).value == 2


def test_the_speed_is_the_interval_of_the_player(view):
    view.speed = 20
    assert player(view).interval == 50
    with pytest.raises(Exception, match="speed"):
        view.speed = 7


def test_the_largest_value_is_found(view):
    button = next(part for part in inside(view) if getattr(part, "description", "") == "largest")
    button.click()
    assert view.pixel == (3, 3)
    view.layer = "fc"
    button.click()
    assert view.channel == 2


def test_a_layer_with_smaller_maps_keeps_the_place_in_the_image(view):
    view.pixel = (3, 0)
    view.layer = "pool"
    assert view.pixel == (1, 0) and control(view, "Row", W.IntSlider).max == 1 and player(view).max == 3
    view.layer = "conv"
    assert view.pixel == (3, 1) and control(view, "Row", W.IntSlider).max == 3 and player(view).max == 15


def test_what_is_set_together_with_the_layer_stays(view):
    with view.hold_trait_notifications():
        view.layer = "pool"
        view.pixel = (0, 1)
        view.channel = 1
    assert (view.layer, view.pixel, view.channel) == ("pool", (0, 1), 1)


def test_a_click_on_a_unit_of_a_vector_chooses_it(view):
    view.layer = "fc"
    view.panel("output").on_place(1.5, 0.5)
    assert view.channel == 1


@pytest.mark.parametrize(
    ("trait", "value", "text"),
    [
        ("row", 4, "row 4 is out of range: the map has 4 rows and 4 columns, 0 to 3"),
        ("row", -1, "row -1 is out of range"),
        ("column", 4, "column 4 is out of range: the map has 4 rows and 4 columns, 0 to 3"),
        ("position", 16, "position 16 is out of range: the map has 4 rows and 4 columns, 0 to 15"),
        ("position", -1, "position -1 is out of range"),
        ("pixel", (0, 4), "pixel \\(0, 4\\) is out of range: the map has 4 rows and 4 columns"),
        ("channel", 2, "channel 2 is out of range: layer 'conv' has 2, 0 to 1"),
        ("input_channel", 2, "input_channel 2 is out of range: layer 'conv' reads 2, 0 to 1"),
    ],
)
def test_a_refused_place_or_channel_changes_nothing(view, trait, value, text):
    def state() -> tuple[object, ...]:
        return repr(view), view.row, view.column, view.position, control(view, "Row", W.IntSlider).value

    before = state()
    with pytest.raises(IndexError, match=text):
        setattr(view, trait, value)
    assert state() == before and view.error == ""
    with pytest.raises((IndexError, ValueError)), view.hold_trait_notifications():
        setattr(view, trait, value)
    assert state() == before and view.error == ""


def test_of_a_speed_and_a_layer_set_together_neither_stays_when_one_is_refused(view):
    with pytest.raises(LookupError), view.hold_trait_notifications():
        view.speed, view.row = 20, 3
        view.layer = "cnov"
    assert (view.speed, view.row, view.pixel, view.layer) == (5, 1, (1, 2), "conv")


def test_a_pixel_set_together_with_the_layer_and_before_it_stays_too(view):
    view.layer = "pool"
    with view.hold_trait_notifications():
        view.pixel = (3, 2)
        view.layer = "conv"
    assert (view.pixel, view.row, view.column, view.position) == ((3, 2), 3, 2, 14)


# ---------------------------------------------------------------------- costs


def test_sliding_runs_nothing_and_sends_little(view, passes, messages):
    passes()
    view.position = 0
    messages.clear()
    view.position = 1
    assert passes() == 0
    assert not [message for message in messages if isinstance(message.widget, W.Image) and "value" in message.traits]
    assert len(messages) <= 10


def test_a_new_layer_takes_one_pass_and_going_back_none(view, passes):
    passes()
    view.layer = "pool"
    assert passes() == 1
    view.layer = "conv"
    view.channel, view.colormap, view.scale = 1, "magma", "layer"
    titles = [part.value for part in inside(view) if isinstance(part, W.HTML) and "cnnw-head" in part.value]
    assert passes() == 0 and any('title="cached' in title for title in titles)


def test_refresh_shows_weights_written_behind_our_back(view, model):
    model.conv.bias.data[0] = 100.0
    view.refresh()
    assert view.explanation.value == 126 and view.explanation.agrees


def test_the_model_is_as_it_was(model):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    view = ConvolutionView(model, IMAGES)
    view.layer = "bn"
    view.close()
    assert hooks(model) == 0 and all(part.training for part in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# ---------------------------------------------------------------------- other layers and networks


@pytest.mark.parametrize("layer", ["C1", "S2", "C3", "C5", "F6", "OUTPUT"])
def test_what_is_shown_of_lenet_is_what_explain_says(layer):
    model, dataset = lenet5(pretrained=True), digits()
    view = ConvolutionView(model, dataset, layer=layer, index=7, channel=2)
    unit = () if layer in ("F6", "OUTPUT") else (0, 0) if layer == "C5" else view.pixel
    assert repr(view.explanation) == repr(explain(model, dataset[7][0], layer, 2, unit))
    assert view.explanation.agrees and view.picture().ndim == 3


@pytest.mark.parametrize(
    ("module", "image"),
    [
        (nn.Conv2d(4, 4, 3, groups=2, stride=2, dilation=2), torch.rand(4, 9, 8)),
        (nn.Conv2d(2, 2, 11, padding=5, padding_mode="circular"), torch.rand(2, 12, 12)),
        (nn.ConvTranspose2d(2, 3, 3, stride=2), torch.rand(2, 4, 4)),
        (nn.ConvTranspose2d(1, 1, 1, stride=2), torch.rand(1, 4, 4)),
        (nn.AdaptiveAvgPool2d(2), torch.rand(2, 5, 5)),
        (nn.AvgPool2d(2, padding=1), torch.rand(2, 5, 5)),
    ],
)
def test_every_place_of_a_map_can_be_shown(module, image):
    model = nn.Sequential(module, nn.Conv2d(module(image).shape[0], 1, 1))
    view = ConvolutionView(model, [(image, 0)], layer="0", channel=1 if module(image).shape[0] > 1 else 0)
    for position in range(player(view).max + 1):
        view.position = position
        assert view.explanation.agrees and view.error == ""
    assert view.picture().shape[2] == 3


def test_sequences_and_their_linear_layers_can_be_shown():
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv1d(3, 4, 3, padding=1), nn.BatchNorm1d(4)
            self.fc = nn.Linear(4, 5)

        def forward(self, x):
            return self.fc(self.norm(self.conv(x.flatten(2))).transpose(1, 2)).mean(1)

    view = ConvolutionView(Sequence(), [(torch.rand(3, 2, 4), 0)], layer="conv")
    for layer in ("conv", "norm", "fc"):
        view.layer = layer
        for position in range(player(view).max + 1):
            view.position = position
            assert view.explanation.agrees, layer
        assert player(view).max == 7


def test_the_unit_of_the_last_layer_is_called_by_its_class(view, model):
    view = ConvolutionView(model, IMAGES, classes=["cat", "dog", EVIL], layer="fc", channel=1)
    assert view.panel("output").heading == "Output 1 · dog"
    view.channel = 2
    assert view.panel("output").heading == f"Output 2 · {EVIL}"
    assert not any(EVIL in part.value for part in inside(view) if isinstance(part, W.HTML))


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("traits", "error", "message"),
    [
        ({"layer": "flatten"}, LookupError, "cannot show layer 'flatten', a Flatten; it can show conv, relu, pool, bn"),
        ({"layer": "cnov"}, LookupError, "did you mean 'conv'"),
        ({"layer": "conv", "channel": 2}, IndexError, "channel 2 is out of range: layer 'conv' has 2, 0 to 1"),
        ({"pixel": (4, 0)}, IndexError, r"pixel \(4, 0\) is out of range: the map has 4 rows and 4 columns"),
        ({"input_channel": 2}, IndexError, "input_channel 2 is out of range: layer 'conv' reads 2, 0 to 1"),
        ({"row": 1}, TypeError, "no keyword 'row'"),
        ({"index": 3}, IndexError, "index 3 is out of range"),
    ],
)
def test_what_there_is_not_is_refused_and_no_widget_is_left(model, widgets, traits, error, message):
    with pytest.raises(error, match=message):
        ConvolutionView(model, IMAGES, **traits)
    assert widgets() == 0 and hooks(model) == 0


def test_closing_closes_every_widget(view, widgets):
    view.layer = "pool"
    view.close()
    assert widgets() == 0


def test_every_control_has_a_tooltip(view):
    for part in inside(view):
        if isinstance(part, (W.IntSlider, W.Dropdown, W.Checkbox, W.Button, W.BoundedIntText, W.Play)):
            tip = part.tooltip if part.has_trait("tooltip") else part.description_tooltip
            assert tip, part


def test_the_static_picture_holds_what_is_on_the_screen(view):
    before = view.picture()
    view.pixel = (3, 0)
    assert view.picture().shape == before.shape and not np.array_equal(view.picture(), before)
    assert not np.array_equal(view.picture(dark=True), view.picture())


# ---------------------------------------------------------------------- one row


def shown_first(view: ConvolutionView) -> list[W.Widget]:
    """The sliders, boxes, menus and buttons that are seen before anything is asked for."""
    rest = next(part for part in inside(view) if "cnnw-rest" in getattr(part, "_dom_classes", ()))
    behind, kinds = set(map(id, inside(rest))), (W.IntSlider, W.SelectionSlider, W.BoundedIntText, W.Dropdown)
    kinds += (W.Button, W.Checkbox, W.Play, W.ToggleButton)
    return [part for part in inside(view) if isinstance(part, kinds) and id(part) not in behind]


def test_formula_stands_between_input_and_output_and_the_rest_below(view):
    left, middle, right = view.static().panels
    assert [panel.key for panel in left] == ["input", "image"]
    assert [panel.key for panel in middle] == ["tables", "sum"]
    assert [panel.key for panel in right] == ["output", "prediction"]


def test_bars_of_the_contributions_stand_in_the_page_as_markup(view):
    page = next(part.value for part in inside(view) if isinstance(part, W.HTML) and '"cnnw-beside"' in part.value)
    assert page.count('<div class="cnnw-bars">') == 1 and "&lt;" not in page


def test_controls_that_are_rarely_used_are_behind_more_and_keep_their_names(view):
    first = shown_first(view)
    words = [part.description for part in first if isinstance(part, (W.Button, W.ToggleButton))]
    everywhere = {"own image", "as code", "pictures", "present"}
    assert {"more", *everywhere} <= set(words)
    assert len(first) - len(everywhere) <= 13
    for name in ("Row", "Column", "Input channel", "Colours", "Scale", "Speed"):
        kind = W.Dropdown if name in ("Colours", "Scale", "Speed") else W.IntSlider
        assert control(view, name, kind) not in first


def test_hovering_the_output_moves_the_window(view):
    view.panel("output").on_hover(7)
    assert view.pixel == (1, 3)


def test_hovering_the_input_moves_the_window_that_has_its_middle_there(view):
    view.panel("input").on_hover(6 * 2 + 1)  # the picture has a column and a row of padding on each side
    assert view.pixel == (1, 0)
    view.panel("input").on_hover(0)
    assert view.pixel == (0, 0)
    view.layer = "pool"
    view.panel("input").on_hover(4 * 3 + 1)
    assert view.pixel == (1, 0)


def test_a_click_holds_the_window_until_the_pixel_is_clicked_again(view):
    output = view.panel("output")
    output.on_cell(7)
    output.on_hover(0)
    view.panel("input").on_hover(0)
    assert view.pixel == (1, 2)
    output.on_cell(7)
    output.on_hover(0)
    assert view.pixel == (0, 0)
    output.on_cell(0)
    view.layer = "pool"
    view.panel("output").on_hover(3)
    assert view.pixel == (1, 1)


def test_a_map_of_many_pixels_does_not_promise_what_hovering_does():
    view = ConvolutionView(nn.Sequential(nn.Conv2d(1, 1, 1)), [(torch.rand(1, 40, 40), 0)], layer="0")
    assert view.panel("output").hint == "click a pixel, or drag the frame" and view.panel("input").hint == ""
    view = ConvolutionView(nn.Sequential(nn.Conv2d(1, 1, 1)), [(torch.rand(1, 4, 4), 0)], layer="0")
    assert view.panel("output").hint == "hover or drag; click to hold" and view.panel("input").hint == "hover to move"


def test_the_static_picture_has_the_sum_beside_the_tables(view):
    headings = [[panel.heading.split(" · ")[0] for panel in column] for column in view.static().columns]
    assert headings[1] == ["Window", "Kernel", "Product"] and headings[2][0] == "Sum"


# ---------------------------------------------------------------------- layers without weights


class Skip(nn.Module):
    """2 x 4 x 4 images -> a convolution that doubles them, added to them, and both one behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(2, 2, 1, bias=False), nn.ReLU(inplace=True), nn.Linear(64, 3)
        self.share = nn.Softmax(1)
        with torch.no_grad():
            self.conv.weight.copy_(2 * torch.eye(2).reshape(2, 2, 1, 1))

    def forward(self, x):
        x = x - 5
        return self.share(self.fc(torch.cat([self.conv(x) + x, self.relu(-x)], 1).flatten(1)))


@pytest.fixture
def skip(passes) -> ConvolutionView:
    torch.manual_seed(0)
    return ConvolutionView(Skip(), IMAGES, layer="conv", pixel=(1, 2))


def headings(view: ConvolutionView) -> list[str]:
    """Of the first column."""
    return [panel.heading for panel in view.static().columns[0]]


def test_an_activation_is_told_beside_its_input_and_its_output(skip):
    skip.layer = "relu"
    assert "input x −1 the larger of x and 0 0 the network computed 0" in said(skip)
    assert headings(skip) == ["Input 0", "Image 0 · label: 0 · 5 to 12.5"]
    assert skip.panel("input").marks == [(2, 1, 3, 2)]
    skip.panel("input").on_hover(0)
    assert skip.pixel == (0, 0) and "the larger of x and 0 5" in said(skip)


def test_of_an_addition_both_terms_are_seen_at_the_same_place(skip):
    skip.layer = "add"
    assert "input 1 2 input 2 1 their sum 3 the network computed 3" in said(skip)
    assert headings(skip) == ["Input 1 · conv", "Input 2 · sub", "Image 0 · label: 0 · 5 to 12.5"]
    assert skip.panel("input 2").marks == [(2, 1, 3, 2)] and skip.explanation.agrees
    skip.layer = "conv"
    assert headings(skip)[0].startswith("Input 0 · 4 × 4")


def test_of_a_concatenation_the_map_is_seen_that_was_handed_on(skip):
    skip.layer = "cat"
    skip.channel = 2
    assert headings(skip)[0] == "Input 2 · relu" and "channel 0 of input 2 of 2" in said(skip)
    assert skip.explanation.agrees


def test_softmax_has_bars_with_the_share_of_each(skip):
    skip.layer = "share"
    assert "sum of these over 3 numbers" in said(skip) and "Share of the sum" in said(skip)
    assert skip.explanation.agrees and skip.panel("input").cells.count == 3


def test_an_operation_that_is_unknown_is_not_offered(skip):
    assert {"relu", "add", "cat", "share"} <= set(skip.choices("layer"))
    assert not {"sub", "neg", "flatten"} & set(skip.layers.names)
    with pytest.raises(LookupError, match="cannot show layer 'sub', the operation sub"):
        skip.layer = "sub"
