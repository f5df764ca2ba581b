"""A click switches a channel off: the scores and the later layers answer, and the model stays as it is."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core import ForwardError
from tests.widgets.conftest import steps, tiny

BOTH = [0, 1]


@pytest.fixture
def view(model, dataset) -> cw.InterventionView:
    """`conv` of the tiny network, image 0: unit 0 of `fc` is the largest number of its map 0, 15; the others are 0."""
    return cw.InterventionView(model, dataset, layer="conv")


def click(view: cw.InterventionView, channel: int) -> None:
    view.panel("maps").on_cell(channel)


def said(view: cw.InterventionView) -> str:
    return str(view.static().title)


def test_nothing_is_off_at_first_and_both_bars_are_alike(view, passes):
    bars = view.panel("scores").bars
    assert [text for _, _, text in bars[:2]] == ["100.0 % before", "100.0 % (±0)"]
    assert view.panel("later0").heading == "Later layers · no change"
    assert view.edited is view.subject and "nothing switched off" in said(view)


def test_a_click_switches_a_map_off_and_the_scores_answer(view):
    click(view, 0)
    assert (view.off, view.channel) == ((0,), 0)
    assert view.edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0]  # all scores alike: a third each
    name, share, text = view.panel("scores").bars[1]
    assert (name, text) == ("after", "33.3 % (−66.7)") and share == pytest.approx(1 / 3)
    assert "channel 0 set to 0" in said(view)
    cells = view.panel("maps").cells
    assert view.panel("maps").flags == [cells.box(0)] and view.panel("maps").marks == [cells.box(0)]


def test_the_verdict_is_told_before_and_after_and_the_true_class_is_marked_by_the_one_before(view):
    assert view.panel("scores").heading == "Scores · right · softmax"
    view.gains = ((0, -1.0), (1, -1.0))  # fc: -10 and 0, of which the second is not the label
    assert view.panel("scores").heading == "Scores · right, then wrong · softmax"
    assert view.panel("scores").truth == (0, True)
    view.index = 1  # its label is 1, and unit 0 is the largest
    view.all_on()
    assert view.panel("scores").heading == "Scores · wrong · softmax"


def test_another_click_switches_it_on_again(view):
    click(view, 0)
    click(view, 0)
    assert view.off == () and view.panel("maps").flags == []
    assert view.panel("scores").bars[1][2] == "100.0 % (±0)"


def test_the_later_layers_come_with_the_most_changed_first(view):
    click(view, 0)
    panels = [view.panel(key) for key in ("later0", "later1")]
    assert [panel.heading.split(" · ")[0] for panel in panels] == ["fc", "pool"]
    assert panels[0].lines == ["changed by 100.0 %; most in unit 0"]  # 15 of 15
    # pooled: 5, 7, 13, 15 and 0, -4, -16, -20: the root of 468 over that of 1140
    assert panels[1].lines == ["changed by 64.1 %; most in map 0, which is shown"]


def test_a_click_is_one_pass_and_what_only_the_display_changes_is_none(view, passes):
    passes()
    click(view, 0)
    assert (passes(), view.subject.passes, view.edited.passes) == (1, 1, 1)
    view.channel, view.colormap = 1, "magma"
    assert (passes(), view.edited.passes) == (0, 1)


def test_a_click_computes_only_what_is_behind_the_layer(view, monkeypatch):
    forward, runs = nn.Conv2d.forward, []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: (runs.append(self), forward(self, x))[1])
    click(view, 0)
    assert runs == [] and view.edited.output(0, "conv")[1].equal(view.snapshot.output("conv")[1])
    assert view.edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0] and runs == []


def test_both_networks_see_the_very_image_that_is_shown():
    class Noise:  # another one each time it is read
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int):
            return torch.rand(1, 4, 4), 0

    view = cw.InterventionView(tiny(), Noise(), layer="conv", off=(1,), ranking=False)
    assert view.snapshot.output("fc")[0] == view.edited.output(0, "fc")[0] != 0  # of map 0 alone


def test_a_gain_multiplies_the_chosen_channel(view):
    view.gains = [[0, 2.0], [1, 1.0]]
    assert view.gains == ((0, 2.0),)
    assert view.edited.output(0, "fc").tolist() == [30.0, 0.0, 0.0] and "channel 0 × 2" in said(view)
    view.off = [0]
    assert view.edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0] and "×" not in said(view)


def test_a_channel_may_be_replaced_by_its_mean_or_by_another_image(view):
    with view.hold_trait_notifications():
        view.off, view.replace = (0,), "mean"
    assert view.edited.output(0, "fc")[0] == 10  # image k counts from k to k + 15: 7.5 + k on average, k is 0 to 5
    assert "set to the mean over 6 images" in said(view)
    with view.hold_trait_notifications():
        view.replace, view.other = "image", 2
    assert view.edited.output(0, "fc")[0] == 17 and "as for image 2" in said(view)  # 15 + 2


def test_all_off_and_all_on(view):
    view.all_off()
    assert view.off == (0, 1) and view.edited.output(0, "pool").abs().max() == 0
    view.gains = ((1, 0.5),)
    view.all_on()
    assert (view.off, view.gains) == ((), ()) and view.edited is view.subject


def test_the_channels_are_ranked_by_what_the_score_loses_without_each(view):
    effects = view.effects
    assert effects.change.tolist() == [[15.0, 0.0]] and effects.ranking.tolist() == [0, 1]
    assert view.panel("ranking").bars == [("channel 0", 1.0, "+15"), ("channel 1", 0.0, "0")]
    assert view.panel("curve").curves.lines[0].y.tolist() == [15.0, 0.0, 0.0]


class Scaled(nn.Module):
    """The tiny network, with a scale beside the image, which may come in any form."""

    def __init__(self) -> None:
        super().__init__()
        self.net = tiny()

    def forward(self, image, scale=None):
        if isinstance(image, (tuple, list)):
            image, scale = image
        elif isinstance(image, dict):
            image, scale = image["image"], image["scale"]
        return self.net(image * scale)


ONE = torch.ones(1, 1, 1, 1)
FORMS = {
    "a tuple": lambda item: (item[0][None], ONE),
    "keywords": lambda item: {"image": item[0][None], "scale": ONE},
    "a list": lambda item: [item[0][None], ONE],
    "a tuple as one argument": lambda item: ((item[0][None], ONE),),
    "a mapping as one argument": lambda item: ({"image": item[0][None], "scale": ONE},),
}


@pytest.mark.parametrize("prepare", FORMS.values(), ids=FORMS)
def test_whatever_prepare_gives_the_network_is_edited_ranked_and_measured(prepare, dataset, view):
    prepared = cw.InterventionView(Scaled(), dataset, prepare=prepare, layer="net.conv")
    assert prepared.effects.change.tolist() == view.effects.change.tolist()
    click(prepared, 0), click(view, 0)
    assert prepared.panel("scores").bars == view.panel("scores").bars
    assert prepared.accuracy.after.tolist() == view.accuracy.after.tolist()
    assert prepared.edited.output(0, "net.fc").tolist() == [0.0, 0.0, 0.0]


def test_the_top_of_the_ranking_is_switched_off(view):
    view.top = 1
    view.off = (1,)
    view.top_off()
    assert view.off == (1,)  # nothing is known yet
    view.settle()
    view.top_off()
    assert view.off == (0,)


def test_a_ranking_that_is_not_wanted_is_not_made(model, dataset):
    view = cw.InterventionView(model, dataset, layer="conv", ranking=False)
    view.settle()
    assert view.growing.result is None and view.panel("ranking").lines == [
        "how far it falls without each alone: not yet known"
    ]


def test_the_ranking_is_of_the_class_and_the_replacement(view):
    view.target = 1
    assert view.effects.change.tolist() == [[0.0, 0.0]]  # unit 1 of `fc` is the first number of map 1: 0 either way
    with view.hold_trait_notifications():
        view.target, view.replace, view.other = None, "image", 3
    assert view.effects.change.tolist() == [[-3.0, 0.0]]  # 18 instead of 15
    view.replace = "mean"
    assert view.effects.change.tolist() == [[5.0, 0.0]]


def test_the_channels_of_one_layer_are_none_of_another(view):
    view.off, view.gains, view.channel = (0, 1), ((1, 2.0),), 1
    view.layer = "fc"
    assert (view.off, view.gains, view.channel) == ((), (), 1)
    with view.hold_trait_notifications():
        view.layer, view.off = "pool", (1,)
    assert view.off == (1,) and view.edited.output(0, "pool")[1].abs().max() == 0


def test_units_of_a_vector_and_a_training_are_followed(view, model):
    view.layer = "fc"
    view.switch(0)
    assert view.edited.output(0, "fc").tolist() == [0.0, 0.0, 0.0]
    view.all_on()
    view.gains = ((0, 2.0),)
    with torch.no_grad():
        model.fc.weight.mul_(2)
    view.redraw()
    view.flush()
    assert view.edited.output(0, "fc")[0] == 60


@pytest.mark.parametrize(
    ("trait", "value", "error"),
    [
        ("off", (2,), IndexError), ("off", 1, TypeError), ("off", "01", TypeError), ("off", (True,), TypeError),
        ("gains", ((5, 1.0),), IndexError), ("gains", (1,), TypeError), ("gains", ((0, float("nan")),), ValueError),
        ("top", 0, ValueError), ("replace", "one", Exception), ("other", 9, IndexError), ("target", 3, ValueError),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_loses_nothing(view, trait, value, error):
    view.off = (0,)
    before = view.state
    with pytest.raises(error):
        setattr(view, trait, value)
    assert view.state == before and view.panel("scores").bars[1][2] == "33.3 % (−66.7)"


def test_an_image_of_another_size_is_said_and_nothing_is_carried_over(tmp_path):
    data = [*steps(1), (torch.ones(1, 6, 6), 0)]
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 1), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(2, 3))
    view = cw.InterventionView(nn.Sequential(layers), data, layer="conv", off=(0,), ranking=False)
    before = view.panel("scores").bars
    with view.hold_trait_notifications():
        view.replace, view.other = "image", 1
    (line,) = view.panel("maps").lines
    assert "nothing of image 1 is carried over: conv gives 2 x 6 x 6 numbers for it and 2 x 4 x 4 for image 0" in line
    assert view.error == "" and view.edited is view.subject and "nothing switched off" in said(view)
    view.channel = 1  # it goes on
    assert view.save(tmp_path / "unfit.png").exists() and view.effects is None and view.accuracy is None
    view.replace = "zero"
    assert view.error == "" and not view.panel("maps").lines and view.panel("scores").bars == before


def test_the_accuracy_names_the_image_that_nothing_can_be_carried_over_to():
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 1), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(2, 3))
    data = [*steps(2), (torch.ones(1, 6, 6), 0)]
    view = cw.InterventionView(nn.Sequential(layers), data, layer="conv", replace="image", other=1, off=(1,))
    with pytest.raises(ForwardError, match=r"image 2: .*\(2, 4, 4\) do not fit"):
        _ = view.accuracy


@pytest.mark.parametrize(
    "head", [nn.Sequential(nn.Flatten(), nn.Linear(32, 1)), nn.Conv2d(2, 3, 1)], ids=["one number", "a map"]
)
def test_the_accuracy_of_what_gives_no_class_scores_is_refused(head):
    view = cw.InterventionView(nn.Sequential(nn.Conv2d(1, 2, 1), head), steps(2), layer="0")
    assert view.accuracy is None  # nothing is edited
    view.off = (0,)
    with pytest.raises(ValueError, match="Sequential gives no class scores"):
        _ = view.accuracy


def test_a_norm_behind_is_told_and_the_layer_behind_it_offered(dataset):
    torch.manual_seed(0)
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 3), bn=nn.BatchNorm2d(2), flat=nn.Flatten(), fc=nn.Linear(8, 3))
    model = nn.Sequential(layers)
    model.bn.running_mean.copy_(torch.tensor([1.0, 2.0]))
    view = cw.InterventionView(model, dataset, layer="conv", ranking=False)
    assert not view.panel("maps").lines
    view.switch(1)
    assert view.panel("maps").lines == ["0 is not off: bn behind conv makes another number of it"]
    assert view.edited.output(0, "bn")[1].abs().max() > 1.9
    view.follow_norm()
    assert (view.layer, view.off) == ("bn", (1,)) and not view.panel("maps").lines
    assert view.edited.output(0, "bn")[1].abs().max() == 0


def test_a_network_without_class_scores_shows_maps_alone(dataset):
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 1), more=nn.Conv2d(2, 2, 1)))
    view = cw.InterventionView(model, dataset, layer="conv", off=(0,))
    assert view.panel("scores").heading == "Scores · no class scores" and view.effects is None
    assert view.panel("later0").heading.startswith("more")


def test_other_views_look_at_the_edited_network(view):
    view.switch(0)
    other = cw.ActivationView(view.edited, layer="pool")
    assert other.maps[0].abs().max() == 0 and "edited: channel 0 of conv set to 0" in str(other.static().title)


def test_a_subject_that_is_edited_already_is_edited_further():
    edited = cw.Subject(tiny(), steps(), edits={"conv": cw.Scale(3.0, channels=0)})
    view = cw.InterventionView(edited, layer="pool", gains=((0, 2.0),))
    assert view.snapshot.output("fc")[0] == 45 and view.edited.output(0, "fc")[0] == 90
    view.gains = ((0, 3.0),)
    assert view.edited.output(0, "fc")[0] == 135


def test_the_tick_and_the_slider_of_the_chosen_channel_follow_and_lead(view):
    switch = view._controls.switch
    view.channel = 1
    switch.off.value = True
    assert view.off == (1,)
    view.channel = 0
    assert switch.off.value is False
    switch.gain.value = 0.5
    assert view.gains == ((0, 0.5),)
    view.gains = ((0, -1.0), (1, 2.0))
    assert switch.gain.value == -1.0
    view.channel = 1
    assert (switch.off.value, switch.gain.value) == (True, 2.0)


def test_a_tab_of_the_overview_follows_its_place(model, dataset):
    explore = cw.explore(model, dataset)
    explore.tab = "intervention"
    below = explore.tabs.made["intervention"]
    explore.index = 2
    assert isinstance(below, cw.InterventionView) and below.index == 2
    explore.close()


# ---------------------------------------------------------------------- carried over from another image


@pytest.fixture
def carrying(model, dataset) -> cw.InterventionView:
    """Image 0 with what channels have for image 2: unit 0 of `fc` is 15 for image 0, and 17 for image 2."""
    return cw.InterventionView(model, dataset, layer="conv", replace="image", other=2, score="logit")


def test_the_other_image_is_shown_and_what_each_layer_restores_of_its_score(carrying):
    assert carrying.panel("other").heading.startswith("Other: Image 2")
    assert carrying.panel("carried").lines == ["not yet known"]
    table = carrying.patching
    assert table.clean.tolist() == [17] and table.corrupted.tolist() == [15]
    assert {layer: float(share) for layer, share in table.mean.items()} == {"conv": 1, "pool": 1, "fc": 1}
    panel = carrying.panel("carried")
    assert panel.heading == "Restored by each layer · logit of class 0"
    assert panel.bars == [("conv", 1.0, "100.0 %"), ("pool", 1.0, "100.0 %"), ("fc", 1.0, "100.0 %")]
    assert panel.chosen == 0 and panel.marks == [panel.cells.box(0)] and panel.describe(1) == "pool: 100.0 % restored"


def test_a_click_in_the_table_carries_that_layer_over(carrying):
    carrying.settle()
    carrying.panel("carried").on_cell(1)
    assert (carrying.layer, carrying.off, carrying.replace) == ("pool", (0, 1), "image")
    assert carrying.edited.output(0, "fc")[0] == 17 and "as for image 2" in said(carrying)
    assert carrying.panel("carried").chosen == 1 and carrying.panel("carried").bars  # the same table
    carrying.all_on()
    assert carrying.edited.output(0, "fc")[0] == 15


def test_one_channel_alone_may_be_carried_over(carrying):
    click(carrying, 1)  # unit 0 of `fc` is of map 0
    assert carrying.edited.output(0, "fc")[0] == 15
    click(carrying, 0)
    assert carrying.edited.output(0, "fc")[0] == 17


def test_the_same_image_and_one_of_another_size_have_no_table(carrying):
    carrying.other = 0
    assert carrying.panel("carried").lines == ["both are the same image: choose another one"]
    assert carrying.patching is None
    layers = OrderedDict(conv=nn.Conv2d(1, 2, 1), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(2, 3))
    data = [*steps(1), (torch.ones(1, 6, 6), 0)]
    view = cw.InterventionView(nn.Sequential(layers), data, layer="fc", replace="image", other=1)
    assert view.panel("carried").lines == ["the two images have different sizes"]


def test_without_another_image_there_is_no_table(view):
    assert view.patching is None
    with pytest.raises(LookupError, match="no panel 'carried'"):
        view.panel("carried")


# ---------------------------------------------------------------------- accuracy over the data set


def test_the_accuracy_is_measured_before_and_after_by_class(view):
    # image k: label k % 3, scores k + 15, 0, 0; with the sign of map 0 turned the two zeros are the largest
    assert view.panel("accuracy").lines == ["over the data set, as soon as a channel is switched off"]
    assert view.accuracy is None
    view.gains = ((0, -1.0),)
    assert not view.panel("accuracy").lines and not view.panel("accuracy").bars
    found = view.accuracy
    labels = torch.tensor([label for _, label in steps()])[found.indices]
    assert found.labels.tolist() == labels.tolist() and found.before.tolist() == [0] * 6
    right = float((labels == 0).double().mean())
    assert found.overall == pytest.approx((right, float((labels == 1).double().mean())))
    panel = view.panel("accuracy")
    assert panel.bars[0][0] == "all classes" and panel.bars[1][2] == "100.0 % → 0.0 %"
    assert panel.lines == ["6 images"]


def test_other_edits_and_weights_are_measured_anew_and_another_image_is_not(view, model):
    view.gains = ((0, -1.0),)
    _ = view.accuracy
    view.index = 1
    assert view.panel("accuracy").bars
    view.off = (0,)
    assert not view.panel("accuracy").bars
    assert view.accuracy.after.tolist() == [0] * 6  # all scores alike: the first
    with torch.no_grad():
        model.fc.weight.mul_(2)
    view.redraw()
    assert not view.panel("accuracy").bars


def test_a_data_set_without_labels_is_told(model):
    view = cw.InterventionView(model, [(image, None) for image, _ in steps()], layer="conv", off=(0,))
    with pytest.raises(ValueError, match="none has a label"):
        _ = view.accuracy


def test_the_button_begins_where_there_is_a_loop(view):
    view.off = (0,)
    measure = view._controls.measure
    assert measure.layout.display == ""
    measure.click()
    assert view.measured and not view.panel("accuracy").bars  # no notebook: it waits until it is asked for
    view.settle()
    assert view.panel("accuracy").bars and measure.layout.display == "none"
