from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace

import bqplot
import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, EmbeddingView, embed
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.views.embedding.panels import group_panels
from cnnwidgets.widgets.controls import ProgressRow
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import EVIL, control, decoded, hooks, inside, said, titled, words


def net(factor: float = 1.0) -> nn.Sequential:
    """2 x 2 images -> two maps, x and -2x, times `factor`; then all eight numbers."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    model[0].weight.data = factor * torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1)
    return model


def images(count: int = 12) -> list[tuple[torch.Tensor, int]]:
    """Image k is k everywhere, in its class k % 2; the second class lies 100 higher."""
    return [(torch.full((1, 2, 2), k + 100.0 * (k % 2)), k % 2) for k in range(count)]


@pytest.fixture
def nets() -> list[nn.Sequential]:
    return [net(1), net(2), net(3)]


@pytest.fixture
def view(nets) -> EmbeddingView:
    return EmbeddingView(nets, images(), "0", method="pca", clusters=2)


def test_layers_that_only_move_numbers_are_left_out_of_the_menu_and_the_view_begins_with_another():
    whole = nn.Sequential(*net(), nn.Linear(8, 3), nn.Identity())
    view = EmbeddingView(whole, images(), method="pca")
    menu = control(view, "Layer", W.Dropdown)
    assert (view.layer, [name for _, name in menu.options]) == ("2", ["0", "2"])
    view.layer = "1"
    assert [name for _, name in menu.options] == ["0", "1", "2"] and view.error == ""
    view.main_layers = False
    assert [name for _, name in menu.options] == ["0", "1", "2", "3"] and view.layer == "1"


def test_of_a_recording_all_layers_are_listed(tmp_path):
    recorder = Recorder(net(), ["0", "1"], images(4), tmp_path / "film")
    recorder.step(0, 0, of=1, loss=1.0)
    view = EmbeddingView(recorder.recording, layer="0", method="pca")
    assert [name for _, name in control(view, "Layer", W.Dropdown).options] == ["0", "1"]
    assert not [part for part in inside(view) if isinstance(part, W.Checkbox)]


def shown(view: EmbeddingView) -> np.ndarray:
    """Where the points are on the page."""
    _, points = (part for part in inside(view) if isinstance(part, bqplot.Scatter))
    return np.stack([points.x, points.y], axis=1)


def row(view: EmbeddingView) -> ProgressRow:
    (found,) = view.panel("points").controls
    assert found in inside(view)
    return found


def group(view: EmbeddingView, name: str) -> W.Widget:
    """The menu that is called `name`, with its label."""
    menu = control(view, name)
    return next(part for part in inside(view) if menu in getattr(part, "children", ()))


def test_the_points_are_the_principal_components_of_the_pooled_maps(view):
    values = np.array([k + 100.0 * (k % 2) for k in range(12)])
    frame = np.stack([values, -2 * values], axis=1)
    expected = embed(np.stack([frame, 2 * frame, 3 * frame]).astype(np.float32)).points
    assert np.allclose(shown(view), expected[0], atol=1e-3)
    view.frame = 2
    assert np.allclose(shown(view), expected[2], atol=1e-3)
    assert "the two axes explain 100 % + 0 % of the variance" in said(view.panel("points"))


def test_the_page_and_the_picture_show_the_same_points(view):
    view.frame, view.selected = 1, 4
    panel = view.panel("points")
    assert panel in [each for column in view.static().columns for each in column]
    assert np.allclose(shown(view), panel.points[1]) and (panel.frame, panel.selected) == (1, 4)
    assert panel.lines[0].startswith("x from ") and panel.drawn().shape == (480, 480, 4)
    texts = " ".join(words(part) for part in inside(view) if isinstance(part, W.HTML))
    assert panel.lines[1] in texts and panel.lines[0] not in texts  # the axes of the page say that


def test_without_a_silhouette_the_panel_says_why():
    for groups, why in (([3, 3], "there is only one group"), ([0, 1], "each group is only one point")):
        silhouettes, _ = group_panels(np.array(groups), np.full(2, np.nan), str)
        assert why in silhouettes.heading


def test_another_frame_moves_the_points_and_neither_axes_nor_colours_and_runs_nothing(nets, view, messages):
    passes = []
    nets[0].register_forward_pre_hook(lambda *_: passes.append(1))
    messages.clear()
    view.frame = 1
    _, points = (part for part in inside(view) if isinstance(part, bqplot.Scatter))
    sent = {message.widget: message.traits for message in messages}
    assert {"x", "y"} <= sent[points] and "colors" not in sent[points]
    assert not any(isinstance(widget, bqplot.Scale) for widget in sent) and passes == []
    assert len(messages) <= 6


def test_a_chosen_point_sends_neither_points_nor_groups(view, messages):
    messages.clear()
    view.selected = 5
    sent = {type(message.widget).__name__ for message in messages if message.traits & {"x", "y", "value"}}
    assert 0 < len(messages) <= 8 and "Lines" in sent
    silhouettes = view.panel("silhouettes")
    view.selected = 6
    assert view.panel("silhouettes") is silhouettes


def test_colours_are_those_of_the_classes_or_of_the_clusters(view):
    _, points = (part for part in inside(view) if isinstance(part, bqplot.Scatter))
    assert points.colors == ["#1f77b4", "#ff7f0e"] * 6
    view.color = "cluster"
    assert view.panel("groups").rows[0][0] == "cluster 0" and view.panel("groups").rows[0][1].startswith("6 · 0.9")
    assert "cluster 0 6 · 0.9" in " ".join(words(*(p for p in inside(view) if isinstance(p, W.HTML))).split())
    labels, scores = view.grouped(0)
    assert len(set(labels[::2])) == len(set(labels[1::2])) == 1 and labels[0] != labels[1]
    assert view.panel("silhouettes").score == pytest.approx(scores.mean())
    view.clusters = 3
    assert len(set(view.grouped(0)[0])) == 3


def test_channels_can_be_the_points(view):
    view.points = "channels"
    assert shown(view).shape == (2, 2) and group(view, "Colour by").layout.display == "none"
    assert "2 channels as vectors of 12 numbers" in titled(view)
    view.selected = 0
    assert "Channel 0 · image 11" in view.panel("chosen").heading
    view.selected = 1
    assert "Channel 1 · image 0" in view.panel("chosen").heading  # -2 x is largest where x is smallest


def test_all_values_of_a_map_count_without_pooling(view):
    view.pooling = "none"
    assert "12 images as vectors of 8 numbers" in titled(view)
    view.points = "channels"
    assert "2 channels as vectors of 48 numbers" in titled(view)


def test_a_click_chooses_the_image_and_shows_its_way(view):
    view.panel("points").on_cell(3)
    assert view.selected == 3 and "Image 3 · label: 1" in view.panel("chosen").heading
    ring, _ = (part for part in inside(view) if isinstance(part, bqplot.Scatter))
    assert ring.visible and ring.x[0] == shown(view)[3, 0]
    (path,) = (part for part in inside(view) if isinstance(part, bqplot.Lines))
    assert np.allclose(path.x, view.embedding.points[:, 3, 0])


def test_hovering_shows_the_image(view):
    tip = view.panel("points").describe(5)
    assert "data:image/png;base64," in tip and "image 5 · label: 1" in tip and "1" in tip


def test_images_are_spread_over_the_data_set():
    view = EmbeddingView(net(), images(9), "0", count=3, method="pca", selected=8)
    assert view.indices == [0, 4, 8] and len(shown(view)) == 3
    view.panel("points").on_cell(1)
    assert view.selected == 4
    view.selected = 5
    assert "not among the points" in said(view.panel("chosen")) and view.panel("points").selected is None


def test_a_recording_is_played_without_its_model():
    film = [net(1), net(2)]
    dataset = images()
    recording = SimpleNamespace(
        frames=[SimpleNamespace(name="before training"), SimpleNamespace(name="end of epoch 0")],
        layers=layer_table(film[0], dataset[0][0]),
        probes=torch.stack([image for image, _ in dataset]),
        labels=[label for _, label in dataset],
        classes=["low", "high"],
        maps=lambda frame, layer: film[frame](recording.probes) if layer == "1" else film[frame][0](recording.probes),
    )
    view = EmbeddingView(recording, layer="0", method="pca", frame=1, selected=3)
    expected = EmbeddingView(film, dataset, "0", method="pca", frame=1)
    assert np.allclose(shown(view), shown(expected))
    assert "end of epoch 0" in titled(view) and "label: high" in view.panel("chosen").heading


def test_tsne_takes_the_place_of_pca_and_is_not_worked_out_twice():
    view = EmbeddingView(net(), images(), "0")
    assert view.embedding.method == "tsne" and view.panel("points").heading == "t-SNE"
    points = view.embedding.points
    view.method = "pca"
    assert view.embedding.method == "pca"
    view.method = "tsne"
    assert view.embedding.points is points


def test_in_a_notebook_pca_is_there_at_once_and_tsne_later():
    async def run() -> tuple[list[str], EmbeddingView]:
        view = EmbeddingView(net(), images(), "0")
        seen = [view.embedding.method, titled(view)]
        for _ in range(1000):
            if view.embedding.method == "tsne":
                break
            await asyncio.sleep(0.01)
        return [*seen, view.embedding.method, titled(view)], view

    (first, during, then, after), view = asyncio.run(run())
    assert (first, then) == ("pca", "tsne")
    assert "t-SNE: running" in during and "running" not in after
    assert np.allclose(shown(view), view.embedding.points[0])


def test_too_few_points_for_tsne_are_said_and_pca_stays():
    view = EmbeddingView(net(), images(3), "0")
    assert view.embedding.method == "pca"
    assert "t-SNE: tsne needs 4 points or more, and there are 3: choose pca" in titled(view)


def test_nan_is_said_in_the_error_line(nets, view):
    nets[0][0].weight.data[0] = float("nan")
    view.refresh()
    assert "vectors hold NaN or infinite numbers" in view.error
    nets[0][0].weight.data[0] = 1.0
    view.refresh()
    assert view.error == ""


def test_weights_that_change_show_at_the_next_drawing(nets, view):
    before = shown(view)
    with torch.no_grad():
        nets[0][0].weight.mul_(-1)
    view.color = "cluster"
    assert not np.allclose(shown(view), before)


def test_a_linked_view_follows_and_leads(view):
    other = ActivationView(net(), images())
    view.link(other)
    view.selected = 4
    assert other.index == 4
    other.index = 7
    assert view.selected == 7
    with view.hold_trait_notifications():
        view.points = "channels"
        view.selected = 1
    assert (other.layer, other.channel, other.index) == ("0", 1, 7)
    view.close()
    other.index = 2
    with pytest.raises(TypeError, match="has no index and no channel"):
        EmbeddingView(net(), images()).link(nn.Flatten())


def test_a_published_network_tells_digits_apart():
    view = EmbeddingView(lenet5(pretrained=True), digits(), "F6", count=60, method="pca")
    assert view.layer == "F6" and view.panel("silhouettes").score > 0.15
    view.layer = "C1"
    assert view.panel("silhouettes").score < 0.15


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "2", LookupError, "no layer '2'"),
        ("method", "mds", ValueError, "method must be one of pca, tsne"),
        ("count", 1, ValueError, "count must be 2 to 12, not 1"),
        ("count", 13, ValueError, "count must be 2 to 12, not 13"),
        ("clusters", 1, ValueError, "clusters must be 2 to 20, not 1"),
        ("frame", 3, IndexError, "frame 3 is out of range: there are 3 states, 0 to 2"),
        ("selected", -1, ValueError, "selected must be 0 or more, not -1"),
    ],
)
def test_a_refused_value_changes_nothing_and_leaves_no_widget(view, widgets, trait, value, error, text):
    state, count = repr(view), widgets()
    with pytest.raises(error, match=text):
        setattr(view, trait, value)
    with pytest.raises(error, match=text):
        EmbeddingView([net()] * 3, images(), **{trait: value})
    assert (repr(view), widgets()) == (state, count)


def test_moves_make_no_widget_close_leaves_none_and_no_hook_stays(widgets):
    before, model = widgets(), net()
    view = EmbeddingView([model, net(2)], images(), "0", method="pca")
    made = widgets()
    for step in range(12):
        view.frame, view.selected = step % 2, step
        view.color, view.points = ("class", "cluster")[step % 2], ("images", "channels")[step // 2 % 2]
    assert widgets() == made > before
    view.close()
    assert (widgets(), hooks(model)) == (before, 0)


def test_names_are_text():
    view = EmbeddingView(net(), images(), "0", classes=[EVIL, EVIL + "2"], method="pca", selected=1)
    assert "<img src=x" not in view.panel("points").describe(1)
    for part in inside(view):
        if type(part).__name__ == "HTML":
            assert "<img src=x" not in part.value


def test_save_shows_the_present_state(view, tmp_path):
    light = decoded(view.save(tmp_path / "a.png").read_bytes())
    view.frame, view.color = 2, "cluster"
    dark = decoded(view.save(tmp_path / "b.png", dark=True).read_bytes())
    assert light[2, 2].tolist() == [255, 255, 255, 255] and dark[2, 2, :3].max() < 60


def test_a_single_image_is_too_few_and_nothing_is_said_twice(recwarn, monkeypatch):
    unraised = []
    monkeypatch.setattr("sys.unraisablehook", unraised.append)
    with pytest.raises(ValueError, match="EmbeddingView needs at least 2 images, and there is 1"):
        EmbeddingView(net(), torch.zeros(1, 1, 2, 2))
    with pytest.raises(TypeError, match="no keyword 'methd'"):
        EmbeddingView(net(), images(), methd="pca")
    gc.collect()
    assert unraised == []


def test_a_recording_may_come_as_its_recorder_or_its_folder(tmp_path):
    recorder = Recorder(net(), ["0"], torch.rand(3, 1, 2, 2), tmp_path / "film")
    for source in (recorder, tmp_path / "film", str(tmp_path / "film")):
        assert len(EmbeddingView(source, method="pca").embedding.points[0]) == 3


# ---------------------------------------------------------------------- what another view looks at


def test_a_subject_is_taken_as_by_every_view_and_asked_for_its_table():
    model, passes = net(), []
    model.register_forward_pre_hook(lambda module, args: passes.append(len(args[0])))
    subject = Subject(model, images(), classes=["low", "high"])
    other = ActivationView(subject)
    passes.clear()
    view = EmbeddingView(subject, layer="0", method="pca")
    assert view.subject is subject and passes == [2, 2, 12]  # whether it mixes images; then the vectors, in one batch
    assert np.allclose(shown(view), shown(EmbeddingView(model, images(), "0", method="pca")))
    assert "label: low" in view.panel("chosen").heading and view.panel("groups").rows[1][0] == "high"
    view.link(other)
    view.selected = 4
    assert other.index == 4


def test_the_subject_of_an_embedding_serves_other_views():
    view = EmbeddingView(net(), images(), "0", method="pca")
    passes = view.subject.passes
    ActivationView(view.subject)
    assert view.subject.passes == passes


def test_the_states_of_a_subject_leave_its_model_as_it_is():
    subject = Subject(net(5), images())
    view = EmbeddingView(subject, layer="0", states=[net(1).state_dict(), net(2).state_dict()], method="pca")
    expected = EmbeddingView([net(1), net(2)], images(), "0", method="pca")
    assert view.choices("frame") == range(2) and expected.subject is None
    assert np.allclose(view.embedding.points, expected.embedding.points)
    assert torch.equal(subject.model[0].weight, net(5)[0].weight)


@pytest.mark.parametrize("points", ["images", "channels"])
def test_an_error_of_the_first_drawing_leaves_no_widget(widgets, points):
    before, model = widgets(), net(float("nan"))
    with pytest.raises(ValueError, match="vectors hold NaN"):
        EmbeddingView(model, images(), "0", points=points)
    assert widgets() == before


# ---------------------------------------------------------------------- image by image


class Slow(list):
    """A data set whose images a clock counts: each read takes a tenth of a second of it."""

    def __init__(self, items, now):
        super().__init__(items)
        self.now = now

    def __getitem__(self, index):
        self.now[0] += 0.1
        return super().__getitem__(index)


@pytest.fixture
def slow(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("cnnwidgets.views.embedding.gathering.time", SimpleNamespace(monotonic=lambda: now[0]))
    return Slow(images(60), now)


async def settled(view, condition) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it does not come to an end")


def test_in_a_notebook_the_first_points_are_there_soon_and_grow_to_all(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        first = len(shown(view))
        progress = row(view)
        assert 2 <= first < 20
        assert progress.layout.display == "" and progress.button.description == "Cancel"
        assert f"{first} of 60 images" in words(progress.text) and "left" in words(progress.text)
        assert f"{first} of 60 images as vectors" in titled(view)
        counts = {first}
        await settled(view, lambda: counts.add(len(shown(view))) or len(shown(view)) == 60)
        assert len(counts) > 2 and progress.layout.display == "none"
        whole = EmbeddingView(net(), images(60), "0", method="pca", count=60)
        await settled(whole, lambda: len(shown(whole)) == 60)
        assert np.allclose(shown(view), shown(whole), atol=1e-3)
        assert view.indices == whole.indices == list(range(60))
        view.close()
        whole.close()

    asyncio.run(run())


def test_the_first_points_are_of_all_parts_of_the_data_set(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        assert min(view.indices) < 20 and max(view.indices) > 40 and view.indices == sorted(view.indices)
        assert {view.frames.items[index].label for index in view.indices} == {0, 1}
        view.close()

    asyncio.run(run())


def test_cancel_keeps_the_points_gives_them_to_the_method_and_go_on_takes_the_rest(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="tsne", count=60)
        assert view.embedding.method == "pca" and "t-SNE: waits for all vectors" in titled(view)
        row(view).button.click()
        count = len(view.indices)
        await settled(view, lambda: view.embedding.method == "tsne")
        assert view.embedding.points.shape[1] == len(view.indices) == count < 60
        assert "stopped" in words(row(view).text)
        assert row(view).button.description == "Go on"
        row(view).button.click()
        await settled(view, lambda: view.embedding.method == "tsne" and view.embedding.points.shape[1] == 60)
        view.close()

    asyncio.run(run())


def test_a_click_chooses_the_image_of_the_point_that_is_drawn_while_more_are_taken(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        drawn, points = view.indices, view.panel("points")
        await settled(view, lambda: len(view.indices) > len(drawn))
        if view.panel("points") is points:  # not drawn again yet
            points.on_cell(len(drawn) - 1)
            assert view.selected == drawn[-1]
        view.close()

    asyncio.run(run())


def test_a_training_meanwhile_begins_again_with_the_new_weights(slow):
    async def run() -> None:
        model = net()
        view = EmbeddingView(model, slow, "0", method="pca", count=60)
        with torch.no_grad():
            model[0].weight.mul_(-1)
        await settled(view, lambda: row(view).layout.display == "none")
        expected = EmbeddingView(model, images(60), "0", method="pca", count=60)
        expected.settle()
        assert np.allclose(shown(view), shown(expected), atol=1e-3)
        view.close()
        expected.close()

    asyncio.run(run())


def test_settling_takes_all_images_at_once(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        view.settle()
        assert len(shown(view)) == 60 and row(view).layout.display == "none"
        view.close()

    asyncio.run(run())


def test_an_image_that_is_refused_later_is_said_and_what_there_is_stays(slow):
    slow[59] = (torch.full((1, 2, 2), float("nan")), 1)

    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        if 59 not in view.indices:
            await settled(view, lambda: view.error)
            assert "59" in view.error and "stopped" in words(row(view).text) and 2 <= len(shown(view)) < 60
        view.close()

    asyncio.run(run())


def test_without_a_notebook_all_is_there_at_once(slow):
    view = EmbeddingView(net(), slow, "0", method="pca", count=60)
    assert len(shown(view)) == 60 and row(view).layout.display == "none"
