from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, EmbeddingView, embed
from cnnwidgets.compute.layers.table import layer_table
from cnnwidgets.data import digits
from cnnwidgets.models import lenet5
from cnnwidgets.training.recording.recorder import Recorder
from cnnwidgets.views.embedding.panels import GroupsPanel
from cnnwidgets.widgets.surface.scatter_figure import ScatterFigure
from tests.widgets.conftest import EVIL, decoded, hooks, hover, inside, words


def net(factor: float = 1.0) -> nn.Sequential:
    """2 x 2 images -> two maps, x and -2x, times `factor`; then all eight numbers."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten())
    model[0].weight.data = factor * torch.tensor([1.0, -2.0]).reshape(2, 1, 1, 1)
    return model


def images(count: int = 12) -> list[tuple[torch.Tensor, int]]:
    """Image k is k everywhere, in its class k % 2; the second class lies 100 higher."""
    return [(torch.full((1, 2, 2), k + 100.0 * (k % 2)), k % 2) for k in range(count)]


@pytest.fixture
def view() -> EmbeddingView:
    return EmbeddingView([net(1), net(2), net(3)], images(), "0", method="pca", clusters=2)


def shown(view: EmbeddingView) -> np.ndarray:
    mark = view._plane.figure._points
    return np.stack([mark.x, mark.y], axis=1)


def element_click(view: EmbeddingView, point: int) -> None:
    mark = view._plane.figure._points
    mark._handle_custom_msgs(mark, {"event": "element_click", "data": {"index": point}})


def test_the_points_are_the_principal_components_of_the_pooled_maps(view):
    values = np.array([k + 100.0 * (k % 2) for k in range(12)])
    frame = np.stack([values, -2 * values], axis=1)
    expected = embed(np.stack([frame, 2 * frame, 3 * frame]).astype(np.float32)).points
    assert np.allclose(shown(view), expected[0], atol=1e-3)
    view.frame = 2
    assert np.allclose(shown(view), expected[2], atol=1e-3)
    assert "the two axes explain 100 % + 0 % of the variance" in words(view._plane._below)


def test_the_axes_are_a_square_and_tell_round_numbers():
    figure = ScatterFigure(480, str, int)
    figure.show(np.zeros((1, 2)), [0], (-0.09, -0.0005, 0.09, 0.0115))
    across, up = figure._figure.axes
    assert np.allclose(across.tick_values, [-0.05, 0, 0.05]) and np.allclose(up.tick_values, [0, 0.005, 0.01])
    layout, margin = figure._figure.layout, figure._figure.fig_margin
    sides = [int(layout.width[:-2]) - margin["left"] - margin["right"]]
    sides.append(int(layout.height[:-2]) - margin["top"] - margin["bottom"])
    assert sides == [412, 412]
    figure.close()


def test_without_a_silhouette_the_panel_says_why():
    panel = GroupsPanel()
    for groups, why in (([3, 3], "there is but one group"), ([0, 1], "each group is but one point")):
        panel.draw(np.array(groups), np.full(2, np.nan), str)
        assert why in words(panel._text)
    panel.close()


def test_another_frame_moves_the_points_and_neither_axes_nor_colours_and_runs_nothing(view, messages):
    passes = []
    view._frames._models[0].register_forward_pre_hook(lambda *_: passes.append(1))
    messages.clear()
    view.frame = 1
    figure = view._plane.figure
    sent = {message.widget: message.traits for message in messages}
    assert {"x", "y"} <= sent[figure._points] and "colors" not in sent[figure._points]
    assert not set(figure._scales.values()) & set(sent) and passes == []


def test_colours_are_those_of_the_classes_or_of_the_clusters(view):
    colors = view._plane.figure._points.colors
    assert colors == ["#1f77b4", "#ff7f0e"] * 6
    view.color = "cluster"
    assert "cluster 0" in words(view._groups._legend) and "6 · 0.9" in words(view._groups._legend)
    labels, scores = view.grouped(0)
    assert len(set(labels[::2])) == len(set(labels[1::2])) == 1 and labels[0] != labels[1]
    assert view._groups.score == pytest.approx(scores.mean())
    view.clusters = 3
    assert len(set(view.grouped(0)[0])) == 3


def test_channels_can_be_the_points(view):
    view.points = "channels"
    assert shown(view).shape == (2, 2) and view._color.layout.display == "none"
    assert "2 channels as vectors of 12 numbers" in words(view._title)
    view.selected = 0
    assert "Channel 0 · image 11" in words(view._chosen._text)
    view.selected = 1
    assert "Channel 1 · image 0" in words(view._chosen._text)  # -2 x is largest where x is smallest


def test_all_values_of_a_map_count_without_pooling(view):
    view.pooling = "none"
    assert "12 images as vectors of 8 numbers" in words(view._title)
    view.points = "channels"
    assert "2 channels as vectors of 48 numbers" in words(view._title)


def test_a_click_chooses_the_image_and_shows_its_way(view):
    element_click(view, 3)
    assert view.selected == 3 and "Image 3 · label: 1" in words(view._chosen._text)
    figure = view._plane.figure
    assert figure._ring.visible and figure._ring.x[0] == shown(view)[3, 0]
    assert np.allclose(figure._path.x, view.embedding.points[:, 3, 0])


def test_hovering_shows_the_image(view):
    hover(view._plane.figure._points, 5)
    tip = view._plane.figure._tip.value
    assert "data:image/png;base64," in tip and "image 5 · label: 1" in tip and "1" in tip


def test_images_are_spread_over_the_data_set():
    view = EmbeddingView(net(), images(9), "0", count=3, method="pca", selected=8)
    assert view.indices == [0, 4, 8] and len(shown(view)) == 3
    element_click(view, 1)
    assert view.selected == 4
    view.selected = 5
    assert "not among the points" in words(view._chosen._below) and not view._plane.figure._ring.visible


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
    assert "end of epoch 0" in words(view._title) and "label: high" in words(view._chosen._text)


def test_tsne_takes_the_place_of_pca_and_is_not_worked_out_twice():
    view = EmbeddingView(net(), images(), "0")
    assert view.embedding.method == "tsne" and "t-SNE" in words(view._plane._text)
    points = view.embedding.points
    view.method = "pca"
    assert view.embedding.method == "pca"
    view.method = "tsne"
    assert view.embedding.points is points


def test_in_a_notebook_pca_is_there_at_once_and_tsne_later():
    async def run() -> tuple[list[str], EmbeddingView]:
        view = EmbeddingView(net(), images(), "0")
        seen = [view.embedding.method, words(view._title)]
        for _ in range(1000):
            if view.embedding.method == "tsne":
                break
            await asyncio.sleep(0.01)
        return [*seen, view.embedding.method, words(view._title)], view

    (first, during, then, after), view = asyncio.run(run())
    assert (first, then) == ("pca", "tsne")
    assert "t-SNE: running" in during and "running" not in after
    assert np.allclose(shown(view), view.embedding.points[0])


def test_too_few_points_for_tsne_are_said_and_pca_stays():
    view = EmbeddingView(net(), images(3), "0")
    assert view.embedding.method == "pca"
    assert "t-SNE: tsne needs 4 points or more, and there are 3: choose pca" in words(view._title)


def test_nan_is_said_in_the_error_line(view):
    view._frames._models[0][0].weight.data[0] = float("nan")
    view.refresh()
    assert "vectors hold NaN or infinite numbers" in words(view._error)
    view._frames._models[0][0].weight.data[0] = 1.0
    view.refresh()
    assert view._error.value == ""


def test_weights_that_change_show_at_the_next_drawing(view):
    before = shown(view)
    with torch.no_grad():
        view._frames._models[0][0].weight.mul_(-1)
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
    assert view.layer == "F6" and view._groups.score > 0.15
    view.layer = "C1"
    assert view._groups.score < 0.15


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        ("layer", "2", LookupError, "no layer '2'"),
        ("method", "mds", ValueError, "method must be one of pca, tsne"),
        ("count", 1, ValueError, "count must be 2 to 12, not 1"),
        ("count", 13, ValueError, "count must be 2 to 12, not 13"),
        ("clusters", 1, ValueError, "clusters must be 2 to 20, not 1"),
        ("frame", 3, ValueError, "frame must be 0 to 2, not 3"),
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
    hover(view._plane.figure._points, 1)
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
        row = view._plane.progress
        assert 2 <= first < 20 and view._portions.running
        assert row.layout.display == "" and row.button.description == "Cancel"
        assert f"{first} of 60 images" in words(row.text) and "left" in words(row.text)
        assert f"{first} of 60 images as vectors" in words(view._title)
        counts = {first}
        await settled(view, lambda: counts.add(len(shown(view))) or len(shown(view)) == 60)
        assert len(counts) > 2 and row.layout.display == "none" and not view._portions.running
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
        assert {view._frames.items[index].label for index in view.indices} == {0, 1}
        view.close()

    asyncio.run(run())


def test_cancel_keeps_the_points_gives_them_to_the_method_and_go_on_takes_the_rest(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="tsne", count=60)
        assert view.embedding.method == "pca" and "t-SNE: waits for all vectors" in words(view._title)
        view._plane.progress.button.click()
        count = len(view.indices)
        await settled(view, lambda: view.embedding.method == "tsne")
        assert view.embedding.points.shape[1] == len(view.indices) == count < 60
        assert "stopped" in words(view._plane.progress.text)
        assert view._plane.progress.button.description == "Go on"
        view._plane.progress.button.click()
        await settled(view, lambda: view.embedding.method == "tsne" and view.embedding.points.shape[1] == 60)
        view.close()

    asyncio.run(run())


def test_settling_takes_all_images_at_once(slow):
    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        view.settle()
        assert len(shown(view)) == 60 and not view._portions.running
        view.close()

    asyncio.run(run())


def test_an_image_that_is_refused_later_is_said_and_what_there_is_stays(slow):
    slow[59] = (torch.full((1, 2, 2), float("nan")), 1)

    async def run() -> None:
        view = EmbeddingView(net(), slow, "0", method="pca", count=60)
        if 59 not in view.indices:
            await settled(view, lambda: words(view._error))
            assert "59" in words(view._error) and 2 <= len(shown(view)) < 60
        view.close()

    asyncio.run(run())


def test_without_a_notebook_all_is_there_at_once(slow):
    view = EmbeddingView(net(), slow, "0", method="pca", count=60)
    assert len(shown(view)) == 60 and view._plane.progress.layout.display == "none"
