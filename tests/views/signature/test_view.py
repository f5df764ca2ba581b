from __future__ import annotations

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, SignatureView
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from cnnwidgets.render.color.colormap import palette
from cnnwidgets.render.mosaic.barcodes import ACROSS, LEFT, MARGIN, ROW
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import EVIL, control, decoded, hooks, inside, said, steps, titled, words


@pytest.fixture
def view(model, dataset, passes) -> SignatureView:
    """`fc` of `tiny` for images k = 0 .. 5 of class k % 3: k + 15, -2k, 0."""
    return SignatureView(model, dataset, "fc", targets=[0, 2], count=2, metric="euclidean")


def strips(view: SignatureView) -> np.ndarray:
    return view.panel("strips").pixels


def pooling(view: SignatureView) -> W.Widget:
    """The menu of the pooling with its label."""
    menu = control(view, "Pool maps by", W.Dropdown)
    return next(part for part in inside(view) if menu in getattr(part, "children", ()))


def test_the_vectors_and_their_distances_by_hand(view):
    found = view.signatures
    assert (found.indices.tolist(), found.labels.tolist()) == ([0, 3, 2, 5], [0, 0, 2, 2])
    assert found.vectors.tolist() == [[15, 0, 0], [18, -6, 0], [17, -4, 0], [20, -10, 0]]
    assert found.table()[0, 0] == pytest.approx(45**0.5)
    distances = view.panel("distances")
    assert distances.texts == [["", "0", "2"], ["0", "6.71", "5.59"], ["2", "5.59", "6.71"]]
    assert ("within a class", "6.71") in distances.lines


def test_the_table_of_distances_is_the_same_on_the_page_and_on_the_card(view):
    assert "0 2 0 6.71 5.59 2 5.59 6.71 on the diagonal: within a class" in " ".join(words(table(view)).split())
    red, green, blue = view.panel("distances").pixels[1, 1]
    assert f"background:#{red:02x}{green:02x}{blue:02x}" in table(view).value
    view.count = 1
    assert "–: only one image" in words(table(view)) and "–: only one image" in said(view.panel("distances"))


def table(view: SignatureView) -> W.HTML:
    (found,) = [part for part in inside(view) if 'class="cnnw-distances"' in str(getattr(part, "value", ""))]
    return found


def test_all_strips_share_one_scale(view):
    assert view.panel("strips").colorbar == ("viridis", "−10", None, "20")
    top = int(view.panel("strips").places[0][1]) + MARGIN + 5
    levels = [round(253 * (value + 10) / 30) for value in (15, 0, 0)]
    wide = 384 // 3
    for bar, level in enumerate(levels):
        assert (strips(view)[top, MARGIN + LEFT + bar * wide + 9] == palette("viridis")[level]).all()


def test_each_strip_may_have_a_scale_of_its_own_which_is_said(view):
    before = strips(view)
    view.scale = "strip"
    assert not np.array_equal(strips(view), before)
    assert view.panel("strips").colorbar[1] == "each strip's lowest" and "not to be compared" in titled(view)


def test_what_only_the_display_changes_runs_nothing_and_a_known_layer_neither(view, passes):
    passes()
    for trait, value in (("colormap", "hsv"), ("scale", "strip"), ("target", 0), ("metric", "cosine")):
        setattr(view, trait, value)
    assert passes() == 0
    view.layer = "conv"
    assert passes() == 1  # four images at once
    view.layer = "fc"
    view.layer = "conv"
    assert passes() == 0


def test_maps_are_pooled_as_chosen(view):
    assert pooling(view).layout.display == "none"
    view.layer = "conv"
    assert pooling(view).layout.display == ""
    assert view.signatures.vectors[0].tolist() == [7.5, -15]
    view.pooling = "max"
    assert view.signatures.vectors[0].tolist() == [15, 0]
    assert "2 maps, the largest of each" in titled(view)


def test_outliers_are_ranked_and_a_click_chooses_the_image(view):
    view.count = 2
    view.target = 0
    assert list(view.panel("outliers").places) == [0, 3]
    view.panel("outliers").on_cell(1)
    assert view.index == 3 and "Image 3" in view.panel("image").heading
    assert view.panel("strips").marks == [(0, 2 * ROW, MARGIN + LEFT + 384 + MARGIN, 3 * ROW)]
    assert len(view.panel("outliers").marks) == 1
    view.panel("strips").on_cell(4 * ACROSS + 7)  # heading, 0, 3, heading, 2
    assert view.index == 2 and view.panel("outliers").marks == []
    view.panel("strips").on_cell(0)  # a heading
    assert view.index == 2


def test_hovering_tells_the_range_and_the_distance(view):
    assert view.panel("strips").describe(0) == "images of this class"
    assert view.panel("strips").describe(2 * ACROSS - 1) == "image 0: 0 … 15"
    assert view.panel("outliers").describe(0).startswith("no. 1: image 2, distance")


def test_classes_are_typed_and_what_cannot_be_read_is_said(view):
    box = control(view, "Classes", W.Text)
    box.value = "1, 0"
    assert view.targets == (1, 0) and view.target == 0
    box.value = "1,"
    assert view.targets == (1,) and box.value == "1" and view.target == 1
    box.value = "9"
    assert "no image is of class '9'; classes of the data set: 0, 1, 2" in view.error
    assert view.targets == (1,)
    view.targets = [2]
    assert view.error == "" and box.value == "2"


def test_the_menu_of_outliers_lists_the_compared_classes(view):
    menu = control(view, "Class", W.Dropdown)
    assert menu in inside(view.panel("outliers").controls[0])
    view.targets = [1, 0]
    assert list(menu.options) == [("class 1", 1), ("class 0", 0)] and menu.value == view.target == 0
    menu.value = 1
    assert view.target == 1 and view.panel("outliers").heading.startswith("Outliers of class 1 ")
    assert (view.choices("target"), view.choices("count")) == ([1, 0], range(1, 101))


def test_without_classes_the_first_three_are_compared(model, dataset):
    assert SignatureView(model, dataset).targets == (0, 1, 2)
    with pytest.raises(ValueError, match="compares classes, and the data set has no labels"):
        SignatureView(model, torch.rand(2, 1, 4, 4))


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "cv", LookupError, "no layer 'cv'"),
        ("targets", [7], LookupError, "no image is of class '7'"),
        ("targets", [], ValueError, "targets is empty"),
        ("targets", None, TypeError, r"targets must be a list of classes, as \[1, 3, 5\], not None"),
        ("targets", 2, TypeError, r"targets must be a list of classes, as \[1, 3, 5\], not 2"),
        ("targets", torch.tensor(2), TypeError, r"targets must be a list of classes, as \[1, 3, 5\], not tensor\(2\)"),
        ("count", 0, ValueError, "count must be 1 to 100, not 0"),
        ("target", 1, LookupError, r"class 1 is not compared; targets: \[0, 2\]"),
        ("target", None, LookupError, "no class None"),
        ("index", 6, IndexError, "the data set has 6 images"),
        ("colormap", "virids", ValueError, "viridis"),
    ],
)
def test_a_refused_value_changes_nothing(view, widgets, trait, value, error, text):
    state, count = repr(view), widgets()
    with pytest.raises(error, match=text):
        setattr(view, trait, value)
    assert (repr(view), widgets()) == (state, count)
    if trait != "targets" or value != []:  # where none are named, the first are compared
        with pytest.raises(error, match=text):
            SignatureView(view.subject, **{"targets": [0, 2], "layer": "fc", trait: value})
    assert widgets() == count


def test_an_error_of_the_first_drawing_leaves_no_widget(model, dataset, widgets):
    before = widgets()
    dataset[3] = (torch.full((1, 4, 4), float("nan")), 0)
    with pytest.raises(ValueError, match="3"):
        SignatureView(model, dataset, "fc", targets=[0, 2])
    assert widgets() == before


@pytest.mark.parametrize("target", [2, "2", "c"])
def test_the_class_of_the_outliers_is_a_number_its_text_or_a_name(model, dataset, target):
    view = SignatureView(model, dataset, "fc", classes=["a", "b", "c"], targets=[2, 0], target=0)
    view.target = target
    assert view.target == 2


def test_a_view_of_a_subject_makes_no_second_pass_of_the_image(model, dataset, passes):
    subject = Subject(model, dataset)
    ActivationView(subject)
    passes()
    view = SignatureView(subject, layer="fc", targets=[0, 2], count=2)
    assert view.subject is subject and passes() == 3  # two tell whether it mixes images; then four images at once


def test_a_move_sends_only_what_changes(view, messages):
    for trait, value, most in (("index", 3, 8), ("target", 0, 6), ("scale", "strip", 6), ("metric", "cosine", 6)):
        messages.clear()
        setattr(view, trait, value)
        assert 0 < len(messages) <= most, (trait, len(messages))
    messages.clear()
    view.index = 0
    strips = view.panel("strips").pixels
    view.target = 2
    assert view.panel("strips").pixels is strips


def test_bad_arguments_leave_no_widget_and_looking_leaves_no_hook(model, dataset, widgets):
    before, hooked = widgets(), hooks(model)
    for options in ({"layer": "cv"}, {"targets": ["x"]}, {"count": 0}, {"target": 9}, {"counts": 3}):
        with pytest.raises((LookupError, ValueError, TypeError)):
            SignatureView(model, dataset, **options)
    SignatureView(model, dataset).close()
    assert (widgets(), hooks(model)) == (before, hooked)


def test_weights_that_an_optimizer_moved_show_at_the_next_drawing(view, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.fc.weight.grad = torch.zeros_like(model.fc.weight)
    model.fc.weight.grad[0, 3] = -1.0
    optimizer.step()
    view.index = 1
    assert view.signatures.vectors[0].tolist() == [30, 0, 0]


def test_images_are_read_once_for_their_small_pictures(model):
    read: list[int] = []

    class Files(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    view = SignatureView(model, Files(steps()), targets=[0, 1], count=2)
    read.clear()
    view.colormap = "hsv"
    view.target = 0
    view.target = 1
    view.scale = "strip"
    assert len(read) <= 2  # the images of class 0, large
    view.refresh()
    assert set(read) >= {0, 1, 3, 4}


def test_a_class_with_fewer_images_shows_those_it_has(model, dataset):
    view = SignatureView(model, dataset, targets=[0], count=50)
    assert view.signatures.indices.tolist() == [0, 3]
    assert view.count == 50 and "2 images of 1 class" in titled(view)
    view.count = 100
    assert view.count == 100


def test_names_are_text(model, dataset):
    view = SignatureView(model, dataset, classes=[EVIL, "b", "c"])
    for part in inside(view):
        if type(part).__name__ == "HTML":
            assert "<img src=x" not in part.value


def test_nan_is_drawn_and_said(dataset):
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    model[1].bias.data[0] = float("nan")
    view = SignatureView(model, dataset, "1")
    assert view.error == "" and (strips(view) == (255, 0, 255, 255)).all(2).any()


def test_save_shows_the_present_state(view, tmp_path):
    light = decoded(view.save(tmp_path / "a.png").read_bytes())
    view.layer = "conv"
    dark = decoded(view.save(tmp_path / "b.png", dark=True).read_bytes())
    assert light[2, 2].tolist() == [255, 255, 255, 255] and dark[2, 2, :3].max() < 60
    assert SignatureView(lenet5(pretrained=True), digits()).layer == "C5"


def test_classes_can_be_named_from_the_start(model, dataset):
    view = SignatureView(model, dataset, "fc", classes=["a", "b", "c"], targets=["c", "a"])
    assert (view.targets, view.target) == ((2, 0), 0)
