"""CompareView: columns, pairs, differences, rankings and the sample, on networks worked out by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core import ForwardError
from cnnwidgets.testing import check_view
from cnnwidgets.widgets.state import subject


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def images(count: int = 8) -> list[tuple[torch.Tensor, int]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(1, 6, 6, generator=generator), at % 3) for at in range(count)]


def tuned() -> tuple[nn.Sequential, nn.Sequential]:
    """A network, and a copy of which channel 1 of the first layer has another bias."""
    before = network()
    after = copy.deepcopy(before)
    with torch.no_grad():
        after[0].bias[1] += 0.5
    return before, after


def test_a_view_of_an_edit_keeps_the_contract():
    check_view(lambda: cw.compare(network(), images(4), edits={"0": cw.Ablate(channels=[1])}, sample=4))


def test_columns_have_one_scale_and_the_difference_is_that_of_the_maps():
    before, after = tuned()
    view = cw.compare([before, after], images(), layer="0", channel=1, survey=False)
    a, b = (cw.activations(model, images()[0][0], "0")[0] for model in (before, after))
    assert torch.equal(view.columns[0].output, a) and torch.equal(view.columns[1].output, b)
    bars = [view.panel(key).colorbar for key in ("mapsA", "mapsB")]
    assert bars[0][1:] == bars[1][1:]
    assert ("mean", "−0.5") in view.panel("channeldifference").lines and view.panel("mapsdifference").colorbar[2] == "0"
    view.channel = 0
    assert ("mean", "0") in view.panel("channeldifference").lines
    view.scale = "column"
    assert view.panel("mapsA").colorbar[1:] != view.panel("mapsB").colorbar[1:]


def test_one_set_of_controls_moves_every_column_with_one_pass_a_network():
    before, after = tuned()
    view = cw.compare([before, after], images(), survey=False)
    passes = [subject.passes for subject in view.subjects]
    view.layer, view.channel, view.index = "1", 1, 2
    assert [column.row.name for column in view.columns] == ["1", "1"]
    assert [column.snapshot.index for column in view.columns] == [2, 2]
    assert [subject.passes for subject in view.subjects] == [each + 1 for each in passes]
    view.layer = "0"
    assert [subject.passes for subject in view.subjects] == [each + 1 for each in passes]


def test_a_move_describes_anew_only_what_it_changes_and_asks_each_network_once(monkeypatch):
    before, after = tuned()
    view = cw.compare([before, after], images(), layer="0", by="responses", sample=8)
    _ = view.comparison
    kept = ("layers", "scores", "imageA", "cka", "disagreements")
    panels = [view.panel(key) for key in kept]
    asked = []
    version = subject.weights_version
    monkeypatch.setattr(subject, "weights_version", lambda model: [asked.append(model), version(model)][1])
    view.channel = 1
    assert [view.panel(key) for key in kept] == panels
    assert asked == [before, after]
    assert view.panel("channels").marks == [view.panel("channels").cells.box(1)]
    asked.clear()
    view.layer = "1"
    assert asked == [before, after]


def test_on_a_projector_the_chosen_maps_their_difference_and_the_scores_stay_longest():
    view = cw.compare(tuned(), images(), layer="0", survey=False)
    keys = ["mapsA", "channelA", "mapsB", "channelB", "mapsdifference", "channeldifference", "curtain", "imageA"]
    staying = [key for key in [*keys, "scores", "layers", "cka"] if "cnnw-stays" in view.box(key)._dom_classes]
    assert staying == ["channelA", "channelB", "channeldifference", "scores"]


def test_the_curtain_shows_the_first_left_of_it_and_hovering_reads_both():
    before, after = tuned()
    view = cw.compare([before, after], images(), layer="0", channel=1, survey=False)
    left, right = view.panel("channelA").pixels, view.panel("channelB").pixels
    curtain = view.panel("curtain").pixels
    assert np.array_equal(curtain[:, :2], left[:, :2]) and np.array_equal(curtain[:, 2:], right[:, 2:])
    view.curtain = 100
    assert np.array_equal(view.panel("curtain").pixels, left)
    view.curtain = 0
    assert np.array_equal(view.panel("curtain").pixels, right)
    a, b = (float(column.output[1, 0, 2]) for column in view.columns)
    words = view.panel("curtain").describe(2)
    assert words.startswith("row 0, column 2: A ") and words.endswith("A − B −0.5")
    view.panel("curtain").on_place(2.5, 0.5)
    assert view.pixel == (0, 2)
    values = dict(line for line in view.panel("curtain").lines if isinstance(line, tuple))
    assert (float(values["A"].replace("−", "-")), float(values["B"].replace("−", "-"))) == pytest.approx(
        (a, b), rel=1e-3
    )


def test_frozen_layers_change_by_exactly_0_and_the_ranking_leads_to_what_changed():
    before, after = tuned()
    view = cw.compare([before, after], images(), layer="3", survey=False)
    assert view.by == "weights" and view.ranked.layers["3"] == 0.0 and view.ranked.layers["0"] > 0
    panel = view.panel("layers")
    assert [bar[0] for bar in panel.bars] == ["0"] and "1 of 2 layers did not change at all" in panel.lines
    panel.on_cell(0)
    assert view.layer == "0"
    view.by = "outputs"
    assert [bar[0] for bar in view.panel("channels").bars] == ["channel 1"]
    view.panel("channels").on_cell(1)
    assert view.channel == 1


def test_a_model_against_itself_changes_by_0_and_says_so():
    model = network()
    view = cw.compare([model, model], images(), by="weights")
    assert "every weight is the same: all changes are 0" in view.panel("layers").lines
    assert "no difference: every value is the same" in view.panel("mapsdifference").lines
    assert "one network in every column" in view.static().footer


def test_the_sample_tells_what_the_functions_tell():
    before, after = network(), network(1)
    view = cw.compare([before, after], images(), sample=8)
    found = view.comparison
    assert found.done == 8
    expected = cw.cka(before, after, images(), list(found.similarity.rows), batch_size=8, progress=False)
    assert torch.allclose(found.similarity.values, expected.values, atol=1e-6, equal_nan=True)
    disagreements = cw.disagreements(before, after, images(), progress=False)
    assert [each.index for each in found.disagreements] == [each.index for each in disagreements]
    view.panel("cka").on_cell(1)  # the first layer beside the second
    assert (view.layer, view.partners) == ("0", ("1",)) and view.columns[1].row.name == "1"
    assert "chosen by hand" in view.panel("mapsB").lines[0]
    view.panel("cka").on_cell(0)
    assert (view.layer, view.partners) == ("0", ())
    view.by = "responses"
    assert "over 8 images" in view.panel("layers").lines


def test_a_click_on_an_image_they_disagree_on_looks_at_it():
    view = cw.compare([network(), network(1)], images(), sample=8)
    first = view.comparison.disagreements[0].index
    view.panel("disagreements").on_cell(0)
    assert view.index == first and view.panel("disagreements").marks


def test_a_training_in_between_is_shown_and_compared_anew():
    before, after = tuned()
    view = cw.compare([before, after], images(), layer="0", sample=8)
    _ = view.comparison
    with torch.no_grad():
        after[0].bias.copy_(before[0].bias)
    view.redraw()
    assert "no difference: every value is the same" in view.panel("mapsdifference").lines
    assert float(view.comparison.responses["0"].largest.max()) == 0.0


def test_layers_of_one_network_only_and_of_other_shapes_are_said():
    wide = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 3), nn.Softmax(1))
    view = cw.compare([wide, network()], images(), layer="0", survey=False)
    assert view.panel("difference").lines == ["no difference: A is 5 @ 4x4 and B is 2 @ 4x4"]
    view.layer = "4"
    assert view.panel("mapsB").lines == ["4 has no partner here"] and view.error == ""
    assert "1 in the first only" in view.static().footer


def test_classes_in_another_order_are_matched_by_name_and_said():
    model = network()
    turned = copy.deepcopy(model)
    with torch.no_grad():
        for part in (turned[3].weight, turned[3].bias):
            part.copy_(part[[2, 0, 1]].clone())
    names = ["ant", "bee", "cat"], ["cat", "ant", "bee"]
    view = cw.compare([model, turned], images(), classes=names, sample=8)
    panel = view.panel("scores")
    assert "classes of B matched by name" in panel.lines and panel.heading == "Scores · all agree"
    assert len({bar[1] for bar in panel.bars[:2]}) == 1
    assert len(view.comparison.disagreements) == 0


def test_classes_that_are_called_by_numbers_are_matched_by_these_names():
    model = network()
    turned = copy.deepcopy(model)
    with torch.no_grad():
        for part in (turned[3].weight, turned[3].bias):
            part.copy_(part[[2, 0, 1]].clone())
    view = cw.compare([model, turned], images(), classes=(["0", "1", "2"], ["2", "0", "1"]), survey=False)
    panel = view.panel("scores")
    assert panel.heading == "Scores · all agree" and len({bar[1] for bar in panel.bars[:2]}) == 1


def test_images_stand_side_by_side_and_an_edit_beside_what_it_edits():
    view = cw.compare(network(), images(), images=[0, 3, 5], survey=False)
    assert [column.snapshot.index for column in view.columns] == [0, 3, 5] and view.count == 3
    view.second = 2
    assert view.panel("curtain").heading == "Curtain · A left, C right"
    edited = cw.compare(network(), images(), edits={"0": cw.Ablate(channels=[1])}, layer="0", survey=False)
    assert float(edited.columns[1].output[1].abs().max()) == 0.0
    assert edited.columns[1].name == "channel 1 of 0 set to 0" and edited.by == "outputs"
    tensors = cw.compare(network(), images=[image for image, _ in images()[:2]], survey=False)
    assert tensors.count == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: cw.compare(network(), images()), TypeError, "nothing to compare"),
        (lambda: cw.compare([network()] * 5, images()), ValueError, "up to 4 columns"),
        (lambda: cw.compare(["resnet18"], images()), TypeError, "networks"),
        (lambda: cw.compare(network(), images(), images=[0]), ValueError, "two to four"),
        (lambda: cw.compare(network(), images(), images=[0, 99]), IndexError, "out of range"),
        (lambda: cw.compare([network(), network()], images(), images=[0, 1]), ValueError, "one network"),
        (lambda: cw.compare([network(), network()], images(), leyer="0"), TypeError, "'layer'"),
        (
            lambda: cw.compare([network(), nn.Sequential(nn.Conv2d(3, 1, 1))], images()),
            ForwardError,
            r"^B \(Sequential\): .*3 channels",
        ),
        (lambda: cw.compare([network(), network(1)], images(), classes=(["a"], ["b"], ["c"])), ValueError, "names 3"),
        (lambda: cw.compare(network(), images(), edits={}), ValueError, "no edits"),
        (lambda: cw.compare(network(), images(), edits=[{"0": cw.Ablate()}, {}]), ValueError, "no edits"),
        (
            lambda: cw.compare([network(), network()], images(), curtain=101),
            IndexError,
            "percent of the first, 0 to 100",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_another_precision_a_wrapper_and_nan_are_no_obstacle():
    model = network()
    double = nn.DataParallel(copy.deepcopy(model).double())
    view = cw.compare([model, double], images(), sample=8)
    assert view.comparison.done == 8 and view.error == ""
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken[0].weight[0, 0, 0, 0] = torch.nan
    shown = cw.compare([model, broken], images(), layer="0", sample=8)
    assert shown.comparison.similarity.values[0, 0].isnan() and shown.error == ""


def test_the_cell_computes_the_difference():
    before, after = tuned()
    models, dataset = [before, after], images()
    view = cw.compare(models, dataset, layer="0", survey=False)
    names = {"models": models, "dataset": dataset}
    code = view.code(names)
    found: dict = dict(names)
    exec(code, found)
    assert torch.allclose(found["difference"][1], torch.full((4, 4), -0.5), atol=1e-6)
    assert repr(found["view"]) == repr(view)
    assert "[one, other]" in view.code({"one": before, "other": after, "dataset": dataset})
    assert cw.open(view.state, models, dataset).layer == "0"


def test_the_page_and_the_picture_are_written(tmp_path):
    view = cw.compare([network(), network(1)], images(4), sample=4)
    assert view.save(tmp_path / "compare.png").stat().st_size > 1000
    page = view.to_html(tmp_path / "compare.html", layer=["0"], index=[0, 1], progress=False)
    assert page.frames == 2 and not page.left_out


def test_heads_that_cannot_be_matched_lose_the_disagreements_alone(tmp_path):
    before = network()
    after = copy.deepcopy(before)
    after[3] = nn.Linear(32, 7)
    view = cw.compare([before, after], images(), layer="0", sample=8)
    view.save(tmp_path / "heads.png")
    view.to_html(tmp_path / "heads.html", layer=["0"], index=[0], progress=False)
    assert view.comparison.similarity["0", "0"] == pytest.approx(1.0, abs=1e-5)
    (reason,) = view.panel("disagreements").lines
    assert "cannot be matched" in reason and view.panel("cka").pixels is not None and view.error == ""


def test_a_sample_that_cannot_be_compared_leaves_the_maps_and_says_why(tmp_path):
    one, other = (nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()) for _ in range(2))
    data = [(torch.rand(1, 6 + at % 2, 6), 0) for at in range(8)]
    view = cw.compare([one, other], data, layer="0", sample=8)
    assert view.save(tmp_path / "sizes.png").exists()
    view.to_html(tmp_path / "sizes.html", layer=["0"], index=[0], progress=False)
    for key in ("cka", "disagreements"):
        (reason,) = view.panel(key).lines
        assert "image 6 is 1 x 6 x 6, image 7 is 1 x 7 x 6" in reason
    assert view.panel("mapsA").pixels is not None and view.panel("mapsdifference").pixels is not None
    with pytest.raises(ValueError, match="images of one size"):
        _ = view.comparison


class Turned(nn.Module):
    """Complex numbers of an image, turned by an angle; the real part of them."""

    def __init__(self, turn: complex) -> None:
        super().__init__()
        self.mix = nn.Linear(36, 3).to(torch.complex64)
        self.mix.weight.data = turn * torch.ones(3, 36, dtype=torch.complex64)
        self.mix.bias.data = torch.zeros(3, dtype=torch.complex64)
        self.last = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.mix(x.flatten(1).to(torch.complex64)).real)


def test_a_phase_counts_in_the_ranking_of_outputs():
    view = cw.compare([Turned(1), Turned(1j)], images(), layer="mix", index=2, by="outputs", survey=False)
    assert view.ranked.layers["mix"] == pytest.approx(2**0.5)  # |i − 1| / |1|
    assert view.ranked.channels.tolist() == pytest.approx([2**0.5] * 3)
    view.close()
