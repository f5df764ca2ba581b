from __future__ import annotations

import asyncio
from collections.abc import Callable

import ipywidgets as W
import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets import ActivationView, OcclusionView, occlusion
from cnnwidgets.live import portions
from cnnwidgets.render.color.scale import GAP, NONFINITE
from cnnwidgets.views.occlusion.controls import MapProgress, OpenMenu, PixelsControl
from cnnwidgets.views.occlusion.growing_map import GrowingMap
from cnnwidgets.widgets.controls import TargetMenu
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import bars, control, hooks, inside, said, steps, titled, words

# The scores of `tiny` for image 0, which counts from 0 to 15: the largest of the lower right quarter, -2 times the
# smallest of the upper left one, 0. With a patch of 2 x 2 zeros there are 2 x 2 places: 15 15 15 0 for class 0.


@pytest.fixture
def view(model, dataset, passes) -> OcclusionView:
    return OcclusionView(model, dataset, window=2, stride=2)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before and between portions: a map that grows does so at each turn of the event loop."""
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(portions, "PAUSE", 0.0)


async def turns() -> None:
    """More turns of the event loop than a map of these tests needs to grow; `at_once` holds that it would."""
    for _ in range(50):
        await asyncio.sleep(0)


def drag(view: OcclusionView, row: float, column: float) -> None:
    """Drag the middle of the patch to a point of the photo, in pixels."""
    view.panel("photo").on_place(column, row)


def photo(view: OcclusionView) -> np.ndarray:
    return view.panel("photo").drawn()[..., :3].astype(int)


def heat(view: OcclusionView) -> list[list[int]]:
    return view.panel("map").pixels.tolist()


def part(view: OcclusionView, kind: type) -> W.Widget:
    return next(part for part in inside(view) if isinstance(part, kind))


def progress(view: OcclusionView) -> tuple[str, str]:
    """What stands on the button and beside the bar of the map."""
    row = part(view, MapProgress)
    return row.button.description, words(row.text).strip()


async def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"not so: {what}")


# ---------------------------------------------------------------------- the patch


def test_the_score_with_the_patch_is_told_against_that_of_the_whole_image(view):
    assert (view.top, view.left, view.scores.tolist()) == (1, 1, [15, 0, 0])
    view.move_to(2, 2)
    assert view.scores.tolist() == [0, 0, 0]
    assert "class 0 · logit 15 → 0 (−15) · square of 2 × 2 px · image 0 · label: 0" in titled(view)
    assert "logit 0 without patch 15 change −15 rows 2 to 3 columns 2 to 3" in said(view.panel("score"))
    assert bars(view.panel("best"))["class 0"] == "33.3 % (−66.7)"  # all three alike; of 15 0 0 the first has 100 %
    assert view.panel("best").truth == (0, True)


def test_the_page_shows_the_best_classes_below_the_score_in_one_message(view, messages):
    messages.clear()
    view.move_to(2, 2)
    (text,) = (m.content["state"]["value"] for m in messages if "without patch" in str(m.content))
    assert "Best classes" in text and "33.3 % (−66.7)" in text


def test_a_step_of_the_mouse_runs_the_network_once_and_the_same_place_not_at_all(view, passes):
    passes()
    for row in np.linspace(1, 3, 9):
        drag(view, row, 2.0)
    assert (view.top, view.left) == (2, 1)
    assert passes() == 3  # the patch was at the tops 0, 1 and 2
    drag(view, 3.2, 2.2)
    assert passes() == 0
    view.opacity = 0.2
    assert passes() == 0


def test_the_patch_stays_on_the_photo_where_it_is_dragged_and_is_painted_there(view):
    drag(view, 9.0, -3.0)
    assert (view.top, view.left) == (2, 0)
    bare = [17 * k for k in range(16)]  # 0 to 15 on 256 levels of grey
    bare[8:10] = bare[12:14] = [0, 0]
    assert photo(view)[:, :, 0].ravel().tolist() == bare
    assert view.panel("photo").drag and view.panel("photo").marks == [(0, 2, 2, 4)]


def test_a_click_on_the_photo_or_on_a_cell_of_the_map_moves_the_patch(view):
    view.panel("photo").on_place(3.0, 1.0)
    assert (view.top, view.left) == (0, 2)
    view.panel("map").on_place(0.5, 1.5)  # the middle of cell 2
    assert (view.top, view.left) == (2, 0)
    assert view.panel("map").marks == [(0, 1, 1, 2)]
    view.panel("map").on_place(2.5, 0.5)  # outside
    assert (view.top, view.left) == (2, 0)


def test_sliders_and_traits_move_each_other(view):
    top, left = control(view, "Row", W.IntSlider), control(view, "Column", W.IntSlider)
    top.value = 2
    assert (view.top, view.left) == (2, 1)
    view.left = 0
    assert left.value == 0
    window = part(view, PixelsControl)
    window.box.value = 3
    assert view.window == 3
    view.window = 1
    assert [part.value for part in window.children] == [1, 1]


@pytest.mark.parametrize(("baseline", "score"), [(20.0, 20), ("mean", 7.5), ((1.0,), 1)])
def test_the_patch_shows_and_is_what_it_is_filled_with(model, dataset, baseline, score):
    view = OcclusionView(model, dataset, window=2, top=2, left=2, baseline=baseline, target=0)
    assert view.scores[0] == score
    assert photo(view)[3, 3, 0] == min(255, round(score * 17))  # brighter than the image is its brightest


def test_a_patch_is_filled_from_an_image_which_may_change_later(model, dataset):
    image = 100 + dataset[0][0]
    view = OcclusionView(model, dataset, window=2, stride=2, top=2, left=2, target=0, baseline=image)
    assert view.scores[0] == 115 and view.map.scores.tolist() == [[[15, 15], [15, 115]]]
    seen = view.seen
    view.baseline = image.clone()
    assert view.seen is seen  # the same numbers
    image += 1
    view.baseline = image
    assert view.scores[0] == 116
    with pytest.raises(ValueError, match="the baseline has the shape 1 x 5 x 5; allowed: 1 numbers"):
        view.baseline = torch.zeros(1, 5, 5)
    assert repr(view.baseline) == "<image 1 x 4 x 4>" and view.scores[0] == 116


def test_the_menus_take_up_what_only_a_cell_can_set(view):
    filling, score = control(view, "Filling", OpenMenu), control(view, "Score", OpenMenu)
    view.baseline = 0.25
    view.score = torch.neg
    assert (filling.label, score.label, view.baseline, view.score) == ("own", "own", 0.25, torch.neg)
    filling.value = "mean"
    view.score = "probability"
    assert (view.baseline, score.label) == ("mean", "probability")


def test_a_disc_hides_less_than_its_window(model, dataset):
    view = OcclusionView(model, dataset, window=4, top=0, left=0, shape="disc")
    assert view.scores[0] == 15 and "disc of 4 × 4 px" in titled(view)  # the corner (3, 3) is seen
    view.shape = "square"
    assert view.scores[0] == 0


def test_another_image_keeps_the_patch_on_it(model):
    model.fc = nn.Linear(8, 3)
    view = OcclusionView(nn.Sequential(*model[:1], nn.AdaptiveMaxPool2d(2), *model[2:]),
                         [(torch.rand(1, 8, 8), 0), (torch.rand(1, 4, 6), 1)], top=7, left=7)  # fmt: skip
    view.index = 1
    sliders = [control(view, name, W.IntSlider) for name in ("Row", "Column")]
    assert (view.top, view.left, [slider.max for slider in sliders]) == (3, 5, [3, 5])


# ---------------------------------------------------------------------- the map


def test_the_map_is_that_of_the_function_in_colours_around_no_change(view, model, dataset):
    assert heat(view) == [[GAP] * 2] * 2  # without a notebook nobody makes it before it is asked for
    assert torch.equal(view.map.scores, occlusion(model, dataset[0][0], window=2, stride=2).scores)
    assert view.map.change.tolist() == [[[0, 0], [0, 15]]]
    assert heat(view) == [[127, 127], [127, 253]]  # red: the score falls
    assert "change in logit" in view.panel("map").heading
    assert "+15 no change −15 red: the score falls" in said(view.panel("map"))
    assert progress(view) == ("Again", "4 of 4 places")
    assert view.panel("map").describe(3) == "rows 2 to 3, columns 2 to 3: −15"


def test_the_overlay_covers_what_matters_and_nothing_at_opacity_0(view):
    bare = photo(view)
    _ = view.map
    covered = (photo(view) != bare).any(-1)
    assert covered.tolist() == [[False] * 4, [False] * 4, [False] * 2 + [True] * 2, [False] * 2 + [True] * 2] or (
        covered[2:, 2:].sum() == 3  # the patch lies over one of the four
    )
    view.opacity = 0.0
    assert np.array_equal(photo(view), bare)
    view.opacity, view.overlay = 1.0, False
    assert np.array_equal(photo(view), bare)


def test_a_stride_larger_than_the_window_is_allowed_and_said(model, dataset):
    view = OcclusionView(model, dataset, window=1, stride=3)
    assert view.map.scores.shape == (1, 2, 2)
    assert "the stride is larger than the window" in said(view.panel("map"))


def test_saving_without_a_notebook_makes_the_map_unless_it_is_not_wanted(view, tmp_path):
    view.mapping = False
    view.save(tmp_path / "a.png")
    assert not view.partial_map.complete
    view.mapping = True
    view.save(tmp_path / "b.png", dark=True)
    assert view.partial_map.complete


def test_a_constant_image_changes_nothing_anywhere(model):
    view = OcclusionView(model, [(torch.zeros(1, 4, 4), 0)], window=2, stride=2)
    assert view.map.change.abs().max() == 0 and heat(view) == [[127] * 2] * 2
    assert "logit 0 → 0 (0)" in titled(view)


def test_scores_that_are_nan_have_the_loud_colour(model, dataset):
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x):
            return torch.log(self.net(x) - 10)  # of 15 a number, of 0 NaN

    with pytest.raises(ValueError, match="not finite, so none is the highest; give a target"):
        OcclusionView(Broken(), dataset)
    view = OcclusionView(Broken(), dataset, window=2, stride=2, target=0, top=2, left=2)
    _ = view.map
    assert heat(view) == [[127, 127], [127, NONFINITE]]
    assert "1.61 → NaN" in titled(view)


# ---------------------------------------------------------------------- settings


def test_the_target_is_chosen_by_number_name_menu_and_search(model, dataset):
    view = OcclusionView(model, dataset, classes=["cat", "dog", "cow"], window=2)
    picker = part(view, TargetMenu)
    assert picker.menu.label == "predicted · cat" and view.seen.target == 0
    view.target = "dog"
    assert (view.target, picker.menu.label) == (1, "dog") and "dog · logit" in titled(view)
    picker.menu.value = 2
    assert view.target == 2
    picker.menu.value = -1
    assert view.target is None
    picker.search.value = "co"
    assert picker.listed == [2] and view.target is None
    view.target = "1"
    assert view.target == 1
    with pytest.raises(ValueError, match=r"no class 'dgo'; did you mean 'dog'\? there are cat, dog, cow"):
        view.target = "dgo"
    assert OcclusionView(model, dataset, classes=["cat", "dog", "cow"], target="cow").target == 2
    assert OcclusionView(model, dataset, target="2").target == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("window", 5, "window of 5 x 5 is larger than the image of 4 x 4"),
        ("window", (2, 5), "window of 2 x 5 is larger"),
        ("window", 0, "window must be 1 pixel or more"),
        ("stride", 0, "stride must be 1 pixel or more, not 0"),
        ("stride", 1.5, "stride is a whole number of pixels"),
        ("target", 3, "no target 3; allowed: 0 to 2"),
        ("target", 1.5, "a class number, a class name or None"),
        ("score", "best", "'logit', 'probability' or a function"),
        ("shape", "star", "star"),
        ("baseline", "red", "no baseline 'red'"),
        ("baseline", object(), "a number, one a channel"),
        ("baseline", torch.zeros(1, 3, 3), "the baseline has the shape 1 x 3 x 3; allowed: 1 numbers"),
        ("index", 6, "index 6 is out of range"),
        ("top", 4, "top must be 0 to 3"),
        ("opacity", 2.0, "opacity"),
        ("target", -1, "no target -1; allowed: 0 to 2"),
        ("score", None, "score is 'logit', .* not None"),
        ("baseline", None, "the baseline of a view is .* not NoneType"),
        ("baseline", float("nan"), "finite numbers, not nan"),
        ("opacity", float("nan"), "opacity must be 0 to 1, not nan"),
        ("widnow", 2, "did you mean 'window'"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_widget_exists_and_later(model, dataset, widgets, name, value, message):
    before = widgets()
    with pytest.raises(Exception, match=message):
        OcclusionView(model, dataset, **{name: value})
    assert widgets() == before
    if name != "widnow":
        view = OcclusionView(model, dataset)
        kept, drawn = getattr(view, name), view.panel("photo")
        with pytest.raises(Exception, match=message):
            setattr(view, name, value)
        assert getattr(view, name) == kept and view.panel("photo") is drawn


def test_an_output_that_is_no_class_scores_asks_for_score(dataset):
    class Segments(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 1)

        def forward(self, x):
            return {"out": self.conv(x) * 0 + x}

    with pytest.raises(ValueError, match=r"a dict with out, not class scores; choose them with score="):
        OcclusionView(Segments(), dataset)
    view = OcclusionView(Segments(), dataset, score=lambda output: output["out"][:, 0].amax((1, 2)), window=2, stride=2)
    assert view.map.change.tolist() == [[[0, 0], [0, 2]]]  # without the lower right quarter the largest is 13
    assert "the output · score 15 → 15" in titled(view)


def test_probabilities_are_told_where_they_are_asked_for(view):
    view.score = "probability"
    view.move_to(2, 2)
    assert view.scores.tolist() == pytest.approx([1 / 3] * 3)
    assert "probability 1 → 0.333 (−0.667)" in titled(view)


def test_prepare_is_given_items_with_the_patch_in_their_image(model, dataset):
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, x, factor):
            return factor * self.net(x)

    subject = Subject(Scaled(), dataset, prepare=lambda item: (item[0][None], 1.0 + item[1]))
    view = OcclusionView(subject, window=2, stride=2, index=1, top=0, left=0)
    assert view.scores.tolist() == [32, 0, 0]  # the factor is 1 more than the label
    assert view.map.scores.tolist() == [[[32, 32], [32, 0]]]
    view.index = 2
    assert view.map.unoccluded.tolist() == [51]


@pytest.mark.parametrize(("mean", "std"), [(0.5, 0.25), ((0.5,), (0.25,))])
def test_one_mean_for_all_channels_gives_black_and_white_that_fit(widgets, mean, std):
    photo = torch.rand(3, 4, 4)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    view = OcclusionView(network, [(photo, 0)], denormalize=(mean, std), window=2)
    menu = control(view, "Filling", OpenMenu)
    menu.value = dict(menu.options)["black"]
    assert view.error == "" and (view.seen.occluder.baseline == -2).all()  # (0 - 0.5) / 0.25


def test_whole_numbers_of_torch_are_taken(model, dataset):
    view = OcclusionView(model, dataset, index=torch.tensor(1), top=torch.tensor(2), window=2)
    assert (view.index, view.top) == (1, 2)


def test_a_filling_may_be_an_array(model, dataset):
    view = OcclusionView(model, dataset, baseline=np.full((1, 4, 4), 3.0), window=2, stride=2)
    assert (view.seen.occluder.baseline == 3).all()


def test_a_wrong_denormalize_leaves_no_widget_behind(model, dataset, widgets):
    before = widgets()
    with pytest.raises(TypeError, match="denormalize must be a function"):
        OcclusionView(model, dataset, denormalize=3)
    assert widgets() == before


def test_an_item_without_an_image_is_refused(model):
    with pytest.raises(TypeError, match="item 0 of the data set has no image to hide a part of"):
        OcclusionView(model, [{"id": 1}], prepare=lambda item: torch.zeros(1, 1, 4, 4))


def test_what_the_network_refuses_stands_on_the_error_line(model):
    view = OcclusionView(model, [(torch.rand(1, 4, 4), 0), (torch.rand(1, 2, 2), 0)])
    view.index = 1
    assert "fc" in view.error
    view.index = 0
    assert view.error == ""


# ---------------------------------------------------------------------- passes over the whole image


def test_a_subject_that_knows_the_image_spares_the_pass_over_the_whole_of_it(model, dataset, passes):
    alone = OcclusionView(model, dataset, window=2, stride=2)
    assert passes() == 2  # the whole image, and the patch
    subject = Subject(model, dataset)
    ActivationView(subject)
    passes()
    for score in ("logit", "probability", lambda output: 2 * output):
        view = OcclusionView(subject, window=2, stride=2, score=score)
        assert (view.subject is subject, passes()) == (True, 1)
    view.score = "logit"
    passes()
    assert torch.equal(view.map.scores, alone.map.scores)
    assert torch.equal(view.partial_map.unoccluded, alone.partial_map.unoccluded)


def test_weights_that_changed_are_not_taken_for_known(model, dataset):
    subject = Subject(model, dataset)
    subject.at(0)
    with torch.no_grad():
        model.fc.weight.mul_(2)
    view = OcclusionView(subject, window=2, stride=2)
    assert view.partial_map.unoccluded.item() == 30
    model.fc.weight.data.mul_(2)  # which no version tells
    view.refresh()
    assert view.partial_map.unoccluded.item() == 60


def test_where_an_own_pass_would_round_otherwise_the_whole_image_runs(passes):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    count = [0]
    net.register_forward_pre_hook(lambda *_: count.__setitem__(0, count[0] + 1))
    subject = Subject(net, [(torch.rand(3, 8, 8), 0)])
    subject.at(0)
    count[0] = 0
    OcclusionView(subject, window=2)
    assert count[0] == 2  # in colour, the layout in memory of the occluder is another


@pytest.mark.parametrize(("name", "value"), [("window", 1), ("stride", 1), ("shape", "disc"), ("baseline", "mean")])
def test_another_patch_does_not_run_the_whole_image_again(view, passes, name, value):
    passes()
    before = view.partial_map.unoccluded
    setattr(view, name, value)
    assert passes() == 1 and torch.equal(view.partial_map.unoccluded, before)


def test_an_image_that_is_another_each_time_is_run_again(model):
    class Noisy(list):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return image + torch.rand(()), label

    view = OcclusionView(model, Noisy(steps()), window=2, stride=2, target=0, top=0, left=0)
    view.stride = 1
    assert view.partial_map.unoccluded.item() == view.seen.occluder.images.max()


# ---------------------------------------------------------------------- in portions


def test_in_a_notebook_the_map_makes_itself_and_cells_run_in_between(model, dataset, at_once):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        seen = set()

        def done() -> bool:
            seen.add(int(view.partial_map.done.sum()))
            return view.partial_map.complete

        await until(done, "the map is complete")
        assert len(seen) > 2  # the loop was given back before the end
        await until(lambda: not view.growing.running, "it stopped")
        assert progress(view) == ("Again", "16 of 16 places")

    asyncio.run(main())


def test_cancel_keeps_what_is_done_and_start_goes_on(model, dataset, at_once):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        await until(lambda: bool(view.partial_map.done.any()), "a first place is done")
        button = part(view, MapProgress).button
        button.click()
        done = int(view.partial_map.done.sum())
        assert 0 < done < 16 and not view.mapping
        await turns()
        assert int(view.partial_map.done.sum()) == done
        assert progress(view) == ("Go on", f"{done} of 16 places · stopped")
        seen = view.seen
        button.click()
        await until(lambda: view.partial_map.complete, "the map is complete")
        assert view.seen is seen

    asyncio.run(main())


@pytest.mark.parametrize(("name", "value"), [("score", "probability"), ("window", 2), ("shape", "disc"), ("index", 1)])
def test_a_changed_setting_begins_the_map_again_and_one_that_is_not_wanted_stays_away(
    model, dataset, at_once, name, value
):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        await until(lambda: bool(view.partial_map.done.any()), "a first place is done")
        setattr(view, name, value)
        assert not view.partial_map.done.any()
        await turns()
        assert view.partial_map.complete
        view.cancel()
        view.stride = 2
        await turns()
        assert not view.partial_map.done.any()

    asyncio.run(main())


def test_a_map_that_is_complete_can_be_made_again(model, dataset, passes):
    view = OcclusionView(model, dataset, window=2, stride=2)
    _ = view.map
    seen = view.seen
    part(view, MapProgress).button.click()
    assert view.seen is not seen and not view.partial_map.done.any()
    assert view.map.complete


def test_another_target_takes_up_the_map_as_far_as_it_is_done(model, dataset, passes):
    view = OcclusionView(model, dataset, window=2, stride=2)
    assert view.map.change.max() == 15 and view.seen.target_name == "class 0"
    passes()
    view.target = 1
    assert view.partial_map.complete and view.map.targets.tolist() == [1]
    assert view.map.change.tolist() == [[[0, 0], [0, 0]]] and heat(view) == [[127] * 2] * 2
    assert "class 1 · logit 0 → 0 (0)" in titled(view)
    view.target = None
    assert view.map.change.max() == 15 and heat(view) == [[127, 127], [127, 253]]
    assert passes() == 0
    view.target, view.window = 1, 1
    assert passes() > 0 and not view.partial_map.done.any()


def test_a_growing_map_is_drawn_by_its_portions_and_not_by_a_hand_on_the_patch(model, dataset, at_once, monkeypatch):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        empty, occluder = heat(view), view.seen.occluder
        monkeypatch.setattr(GrowingMap, "shown", float("inf"))
        await until(lambda: bool(view.partial_map.done.any()), "a first place is done")
        view.move_to(0, 0)
        view.flush()
        assert "rows 0 to 0" in said(view.panel("score")) and heat(view) == empty and view.growing.running
        monkeypatch.setattr(GrowingMap, "shown", 0.0)
        done = 0
        for _ in range(1000):
            if heat(view) != empty:
                break
            done = occluder.done
            await asyncio.sleep(0)
        drawn = heat(view)
        assert drawn != empty and occluder.done == done  # the drawing was a portion by itself
        for _ in occluder:
            pass
        view.cancel()
        view.flush()
        assert heat(view) != drawn and not any(GAP in row for row in heat(view))

    asyncio.run(main())


def test_a_map_that_grows_sends_only_what_has_grown(model, dataset, at_once, messages):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        score, title = view.panel("score"), view.static().title
        messages.clear()
        await until(lambda: not view.growing.running, "the map is complete")
        assert view.panel("score") is score and view.static().title == title
        assert not any("without patch" in str(message.content) for message in messages)

    asyncio.run(main())


def test_an_error_in_a_portion_is_told_and_stops_the_map(model, dataset, at_once):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        view.seen.occluder.step = lambda seconds: 1 / 0
        await until(lambda: not view.mapping, "it stopped")
        assert "division by zero" in view.error and not view.growing.running
        assert progress(view)[0] == "Start"
        del view.seen.occluder.step
        view.start_map()
        await turns()
        assert view.partial_map.complete and view.error == ""

    asyncio.run(main())


def test_weights_that_change_in_the_middle_of_a_map_begin_it_again_by_themselves(model, dataset, at_once):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        old = view.seen.occluder
        for _ in range(4):
            old.step(1e-9)
        assert view.partial_map.unoccluded.item() == 15 and 0 < old.done < old.total
        with torch.no_grad():
            model.fc.weight.mul_(2)
        await until(lambda: view.partial_map.complete and not view.growing.running, "the map is complete")
        assert view.seen.occluder is not old and old.done < old.total
        assert torch.equal(view.partial_map.scores, occlusion(model, dataset[0][0], window=1, stride=1).scores)
        assert view.partial_map.unoccluded.item() == 30 and view.error == ""

    asyncio.run(main())


def test_weights_that_change_behind_a_finished_map_begin_it_again_at_the_next_move(model, dataset, at_once):
    async def main() -> None:
        view = OcclusionView(model, dataset, window=2, stride=2)
        await until(lambda: view.partial_map.complete and not view.growing.running, "the map is complete")
        with torch.no_grad():
            model.fc.weight.mul_(2)
        view.move_to(2, 2)
        await until(lambda: view.partial_map.complete and not view.growing.running, "the map is complete")
        assert view.partial_map.unoccluded.item() == 30 and view.partial_map.change.max() == 30

    asyncio.run(main())


def test_closing_stops_the_map_and_leaves_neither_widget_nor_hook(dataset, widgets, at_once):
    from tests.widgets.conftest import tiny

    model, before = tiny(), widgets()

    async def main() -> None:
        view = OcclusionView(model, dataset, window=1, stride=1)
        await until(lambda: bool(view.partial_map.done.any()), "a first place is done")
        occluder = view.seen.occluder
        view.close()
        done = occluder.done
        await turns()
        assert occluder.done == done < occluder.total

    asyncio.run(main())
    assert (widgets(), hooks(model)) == (before, 0)
    assert steps()[0][0].equal(dataset[0][0])
