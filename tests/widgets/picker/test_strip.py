"""What the strip asks for and is told: pictures, verdicts, and when the model runs for them."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import weakref
from collections import OrderedDict
from typing import Any

import ipywidgets as W
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.live import cell_thread
from cnnwidgets.testing.state import deep_state, different
from cnnwidgets.widgets.controls.basic import TOOLTIPS
from cnnwidgets.widgets.picker import picks, reading
from cnnwidgets.widgets.picker.strip import Strip
from cnnwidgets.widgets.picker.verdicts import MIXES, NO_SCORES
from cnnwidgets.widgets.shown import lifetime
from cnnwidgets.widgets.surface import tree
from tests.widgets.conftest import EVIL, inside


class Page:
    """Stands in for the page of a strip."""

    def __init__(self, strip: Strip, monkeypatch: pytest.MonkeyPatch) -> None:
        self.strip, self.number = strip, 0
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(strip, "send", lambda content, buffers=None: self.heard.append((content, buffers or [])))

    def say(self, kind: str, **content: Any) -> None:
        self.strip._handle_custom_msg({"kind": kind, **content}, [])

    def look(self, first: int, end: int, missing: list[int] | None = None, page: str = "a") -> None:
        self.number += 1
        wanted = list(range(first, end)) if missing is None else missing
        self.say("look", page=page, number=self.number, sight=[*range(first, end)], missing=wanted)

    def answers(self) -> list[tuple[dict[str, Any], list[bytes]]]:
        return [each for each in self.heard if each[0]["kind"] == "pictures"]

    def pictures(self) -> dict[int, dict[str, Any]]:
        return {told["index"]: told for content, _ in self.answers() for told in content["pictures"]}

    def pixels(self, index: int) -> np.ndarray:
        for content, buffers in self.answers():
            for told in content["pictures"]:
                if told["index"] == index:
                    sheet = np.asarray(Image.open(io.BytesIO(buffers[0])).convert("RGB"))
                    return sheet[: told["height"], told["x"] : told["x"] + told["width"]]
        raise LookupError(index)

    def verdicts(self) -> dict[int, str | None]:
        found: dict[int, str | None] = {}
        for content, _ in self.heard:
            if content["kind"] == "forget":
                found.clear()
            elif content["kind"] == "verdicts":
                found |= dict(content["found"])
        return found

    @property
    def why(self) -> str:
        return [content for content, _ in self.heard if content["kind"] == "verdicts"][-1]["why"]


def two_pixels() -> nn.Sequential:
    """1 x 2 x 2 images -> three scores: the first pixel, twice the second, and always 0.3."""
    model = nn.Sequential(
        OrderedDict[str, nn.Module](conv=nn.Conv2d(1, 1, 1, bias=False), flatten=nn.Flatten(), fc=nn.Linear(4, 3))
    )
    with torch.no_grad():
        model.conv.weight.fill_(1.0)
        model.fc.weight.zero_()
        model.fc.bias.copy_(torch.tensor([0.0, 0.0, 0.3]))
        model.fc.weight[0, 0], model.fc.weight[1, 1] = 1.0, 2.0
    return model


def image(one: float, other: float) -> torch.Tensor:
    return torch.tensor([[[one, other], [0.0, 1.0]]])


# taken for 0, 1, 2, 1
IMAGES = [(image(1.0, 0.0), 0), (image(0.5, 1.0), 0), (image(0.2, 0.1), 2), (image(0.0, 1.0), 1)]
VERDICTS = {0: "", 1: "dog", 2: "", 3: ""}
CLASSES = ["cat", "dog", "cow"]


def opened(view: Any, monkeypatch: pytest.MonkeyPatch) -> Page:
    button(view).value = True
    return Page(next(part for part in tree(view) if isinstance(part, Strip)), monkeypatch)


def button(view: W.Widget) -> W.ToggleButton:
    (found,) = buttons(view)
    return found


def buttons(view: W.Widget) -> list[W.ToggleButton]:
    return [part for part in tree(view) if getattr(part, "description", "") == "pictures"]


@pytest.fixture
def runs(monkeypatch):
    """The numbers of images that a model was run on, pass by pass."""
    counts: list[int] = []

    def follow(model: nn.Module) -> list[int]:
        model.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
        return counts

    return follow


@pytest.fixture
def page(monkeypatch):
    view = cw.ActivationView(two_pixels(), IMAGES, classes=CLASSES)
    yield opened(view, monkeypatch)
    view.close()


# ---------------------------------------------------------------------- the button


def test_a_view_has_one_quiet_button_and_makes_nothing_else_before_it_is_pressed(runs):
    model = two_pixels()
    view = cw.ActivationView(model, IMAGES)
    assert not any(isinstance(part, Strip) for part in tree(view))
    counts = runs(model)
    before = len(inside(view))
    button(view).value = True
    assert [type(part).__name__ for part in inside(view) if isinstance(part, Strip)] == ["Strip"]
    button(view).value = False
    assert len(inside(view)) == before and counts == []
    assert "marked" in next(getattr(button(view), name) for name in TOOLTIPS if button(view).has_trait(name))
    view.close()


@pytest.mark.parametrize(
    "name", ["ActivationView", "ConvolutionView", "FilterView", "InterventionView", "OcclusionView", "ExploreView"]
)
def test_views_of_images_have_it(name):
    view = getattr(cw, name)(cw.models.lenet5(), cw.data.digits())
    button(view).value = True
    view.close()


def signals() -> cw.ActivationView:
    return cw.ActivationView(nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU()), torch.rand(4, 2, 30))


def tokens() -> cw.ActivationView:
    class Text(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.fc = nn.Embedding(9, 4), nn.Linear(4, 2)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.fc(self.embed(ids).mean(1))

    return cw.ActivationView(Text(), [torch.arange(5) + k for k in range(3)], prepare=lambda ids: ids[None])


def single_numbers() -> cw.ActivationView:
    return cw.ActivationView(nn.Sequential(nn.Conv2d(8, 3, 1), nn.ReLU()), torch.rand(4, 8, 1, 1))


def one_image() -> cw.ActivationView:
    return cw.ActivationView(two_pixels(), IMAGES[:1])


@pytest.mark.parametrize("make", [signals, tokens, single_numbers, one_image])
def test_where_there_are_no_pictures_to_choose_from_there_is_no_button(make):
    view = make()
    assert buttons(view) == []
    view.close()


def test_without_the_code_for_the_page_there_is_no_button(monkeypatch):
    monkeypatch.setattr(picks, "front_end", lambda: None)
    view = cw.ActivationView(two_pixels(), IMAGES)
    assert buttons(view) == []
    view.close()


def test_closing_the_view_closes_the_strip_open_or_shut():
    for shut in (False, True):
        view = cw.ActivationView(two_pixels(), IMAGES)
        button(view).value = True
        strip = next(part for part in tree(view) if isinstance(part, Strip))
        if shut:
            button(view).value = False
        view.close()
        assert strip.comm is None and strip.layout.comm is None


def test_an_input_panel_and_a_strip_stand_beside_each_other_and_go_one_by_one():
    view = cw.ActivationView(cw.models.lenet5(), cw.data.digits())
    before = len(inside(view))
    view.toggle_input()
    both = len(inside(view))
    button(view).value = True
    assert len(inside(view)) > both
    view.toggle_input()
    assert any(isinstance(part, Strip) for part in inside(view))
    button(view).value = False
    assert len(inside(view)) == before
    view.close()


def test_what_is_saved_and_exported_is_the_same_with_it_and_without(tmp_path):
    view = cw.ActivationView(two_pixels(), IMAGES)

    def written(name: str) -> tuple[bytes, bytes]:
        page = view.to_html(tmp_path / f"{name}.html", progress=False)
        return view.save(tmp_path / f"{name}.png").read_bytes(), page.path.read_bytes()

    without = written("without")
    button(view).value = True
    assert written("with") == without
    view.close()


def test_a_view_that_nothing_holds_takes_its_strip_along():
    view = cw.ActivationView(two_pixels(), IMAGES)
    button(view).value = True
    button(view).value = False
    strip = next(part for part in tree(view) if isinstance(part, Strip))
    lifetime.loosen(view)
    gone, comm = weakref.ref(view), strip.comm
    del view, strip
    gc.collect()
    assert gone() is None and (comm is None or comm._closed)


def test_what_stands_below_the_controls_stays_whatever_is_opened():
    view = cw.ActivationView(cw.models.lenet5(), cw.data.digits())

    def rules() -> int:
        return sum('<div class="cnnw-rule">' in part.value for part in tree(view) if isinstance(part, W.HTML))

    next(part for part in tree(view) if getattr(part, "description", "") == "as code").value = True
    before = rules()
    for opens in (True, False):
        button(view).value = opens
        view.toggle_input()
        assert rules() == before
    view.close()


# ---------------------------------------------------------------------- pictures


def test_one_question_has_one_answer_with_the_pixels_and_the_classes_of_what_is_missing(page):
    page.look(0, 4, missing=[1, 3])
    ((content, (data,)),) = page.answers()
    assert (content["page"], content["number"], content["type"]) == ("a", 1, "image/png")
    assert [(told["index"], told["text"]) for told in content["pictures"]] == [(1, "cat"), (3, "dog")]
    assert page.pixels(1).tolist() == [[[128] * 3, [255] * 3], [[0] * 3, [255] * 3]]
    assert page.pixels(3)[0].tolist() == [[0] * 3, [255] * 3]
    assert len(data) < 200


def test_a_normalised_image_is_shown_without_the_normalisation(monkeypatch):
    view = cw.ActivationView(two_pixels(), [((one - 0.5) / 0.5, at) for one, at in IMAGES], denormalize=(0.5, 0.5))
    page = opened(view, monkeypatch)
    page.look(0, 4)
    assert page.pixels(1)[0, :, 0].tolist() == [128, 255]
    view.close()


def test_photos_are_reduced_and_a_window_of_them_has_less_than_60_kB(monkeypatch):
    torch.manual_seed(0)
    photos = torch.rand(40, 3, 90, 200)  # noise: nothing takes more room
    photos[7] = torch.tensor([1.0, 0.0, 0.5]).reshape(3, 1, 1)
    view = cw.ActivationView(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()), photos)
    page = opened(view, monkeypatch)
    for first, end in ((0, 20), (0, 40)):
        page.heard.clear()
        page.look(first, end)
        ((content, (data,)),) = page.answers()
        assert content["type"] == "image/jpeg"
        assert len(data) + len(json.dumps(content)) < 60_000
    assert page.pixels(7).shape == (29, 64, 3)
    assert np.abs(page.pixels(7).astype(int) - [255, 0, 128]).max() <= 12
    view.close()


def test_an_item_that_fails_has_a_reason_and_the_others_their_pictures(monkeypatch):
    class Broken(list):
        def __getitem__(self, index: int) -> Any:
            if index == 1:
                raise OSError(f"no file {EVIL}")
            return super().__getitem__(index)

    view = cw.ActivationView(two_pixels(), Broken([*IMAGES[:3], (torch.full((1, 2, 2), torch.nan), 0)]))
    page = opened(view, monkeypatch)
    page.look(0, 4)
    told = page.pictures()
    assert "OSError" in told[1]["reason"] and "NaN" in told[3]["reason"]
    assert [told[at]["width"] for at in range(4)] == [2, 0, 2, 0]
    assert page.verdicts() == {0: "", 1: None, 2: "", 3: None}
    assert view.error == ""
    view.close()


def test_of_many_images_no_more_is_read_than_is_asked_for(monkeypatch):
    class Many:
        def __init__(self) -> None:
            self.read: list[int] = []

        def __len__(self) -> int:
            return 60_000

        def __getitem__(self, index: int) -> Any:
            self.read.append(index)
            return IMAGES[index % 4]

    data = Many()
    view = cw.ActivationView(two_pixels(), data)
    page = opened(view, monkeypatch)
    data.read.clear()
    page.look(30_000, 30_005)
    assert data.read == [*range(30_000, 30_005)]
    page.look(0, 60_000)
    assert len(data.read) - 5 <= reading.MOST
    assert set(page.verdicts()) == {*range(30_000, 30_005), *range(reading.MOST)}
    page.look(59_998, 60_004)
    assert set(data.read[-2:]) == {59_998, 59_999}
    view.close()


def test_a_slow_data_set_answers_with_what_is_there(page, monkeypatch):
    monkeypatch.setattr(reading, "PATIENCE", -1.0)
    monkeypatch.setattr(reading.Portions, "seconds", 0.0)
    page.look(0, 4)
    assert list(page.pictures()) == [0]
    page.look(0, 4, missing=[1, 2, 3])
    assert list(page.pictures()) == [0, 1]


# ---------------------------------------------------------------------- verdicts


def test_the_marks_are_those_worked_out_by_hand_and_a_known_image_runs_nothing_again(monkeypatch, runs):
    model = two_pixels()
    counts = runs(model)
    view = cw.ActivationView(model, IMAGES, classes=CLASSES)
    page = opened(view, monkeypatch)
    page.look(0, 1)
    assert page.verdicts() == {0: ""}
    counts.clear()  # whether it mixes images is known, and image 0 from the view
    page.look(0, 4)
    assert page.verdicts() == VERDICTS
    assert counts == [1, 1, 1]
    page.look(0, 4, missing=[])
    assert counts == [1, 1, 1]
    view.close()


def test_looking_changes_nothing_and_takes_no_room_from_what_the_view_remembers(page):
    view_of = page.strip.reading
    model, subject = view_of._subject.module, view_of._subject
    before, outputs = deep_state(model), len(subject.outputs)
    page.look(0, 4)
    assert page.verdicts() == VERDICTS
    assert not different(before, deep_state(model))
    assert len(subject.outputs) == outputs


def test_changed_weights_forget_the_marks_and_make_new_ones_of_what_is_in_sight(monkeypatch, runs):
    model = two_pixels()
    view = cw.ActivationView(model, IMAGES, classes=CLASSES)
    page = opened(view, monkeypatch)
    page.look(0, 3)
    with torch.no_grad():
        model.fc.bias[2] += 100
    view.channel = 0
    view.redraw()
    assert [content for content, _ in page.heard if content["kind"] == "forget"] == [
        {"kind": "forget", "pictures": False}
    ]
    assert page.verdicts() == {0: "cow", 1: "cow", 2: ""}
    counts = runs(model)
    view.redraw()
    assert counts == []
    view.refresh()
    assert [content for content, _ in page.heard][-2:][0] == {"kind": "forget", "pictures": True}
    assert page.verdicts() == {0: "cow", 1: "cow", 2: ""}
    view.close()


def test_a_shut_strip_looks_at_nothing(monkeypatch, runs):
    model = two_pixels()
    view = cw.ActivationView(model, IMAGES)
    page = opened(view, monkeypatch)
    page.look(0, 4)
    button(view).value = False
    counts = runs(model)
    view.refresh()
    view.index = 1
    assert counts == [1, 1]  # the view's own
    page.say("gone", page="a")
    view.close()


def without_scores() -> cw.ActivationView:
    return cw.ActivationView(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()), IMAGES)


def mixing() -> cw.ActivationView:
    norm = nn.BatchNorm2d(1, track_running_stats=False)
    return cw.ActivationView(nn.Sequential(norm, nn.Flatten(), nn.Linear(4, 3)), IMAGES)


@pytest.mark.parametrize(("make", "why"), [(without_scores, NO_SCORES), (mixing, MIXES)])
def test_where_no_mark_would_be_true_there_is_none_and_it_is_said_why(make, why, monkeypatch):
    view = make()
    page = opened(view, monkeypatch)
    page.look(0, 4)
    assert (page.verdicts(), page.why) == (dict.fromkeys(range(4)), why)
    passes = view.subject.passes
    page.look(0, 4, missing=[])
    assert view.subject.passes == passes
    view.close()


def test_images_without_a_label_run_nothing(monkeypatch, runs):
    model = two_pixels()
    view = cw.ActivationView(model, [one for one, _ in IMAGES])
    page = opened(view, monkeypatch)
    counts = runs(model)
    page.look(0, 4)
    assert (counts, page.verdicts(), page.why) == ([], dict.fromkeys(range(4)), "")
    view.close()


def test_a_network_that_fails_for_an_image_marks_the_others(monkeypatch):
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = two_pixels()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if bool((x[:, 0, 0, 0] == 0.5).any()):
                raise RuntimeError("not this one")
            return self.inner(x)

    view = cw.ActivationView(Picky(), [*IMAGES, (image(0.0, 1.0), 0)], classes=CLASSES)
    page = opened(view, monkeypatch)
    page.look(0, 5)
    assert page.verdicts() == {0: "", 1: None, 2: "", 3: "", 4: "dog"}
    assert view.error == ""
    view.close()


# ---------------------------------------------------------------------- filters


def shown(page: Page) -> list[int]:
    return np.frombuffer(page.strip.found, "<i4").tolist()


def margins(model: nn.Module) -> list[float]:
    with torch.no_grad():
        best = torch.cat([model(one[None]) for one, _ in IMAGES]).softmax(1).topk(2, 1).values
    return (best[:, 0] - best[:, 1]).tolist()


def test_without_a_scan_the_filters_find_what_was_looked_at_one_after_the_other(page, runs):
    assert [words for _, words in page.strip.filters] == ["all images", "wrong", "least certain", *CLASSES]
    page.say("filter", name="wrong")
    assert (page.strip.filter, shown(page), page.strip.words) == ("wrong", [1], "1 of 4 images")
    page.say("filter", name="uncertain")
    order = margins(two_pixels())
    assert shown(page) == sorted(range(4), key=order.__getitem__)
    counts = runs(page.strip.reading._subject.module)
    page.say("filter", name="class cat")
    assert (shown(page), counts) == ([0, 1], [])  # a label needs no pass
    page.say("filter", name="class horse")
    assert page.strip.filter == "class cat"
    page.say("filter", name="")
    assert (shown(page), page.strip.words) == ([], "")


def test_a_filter_goes_on_looking_only_as_long_as_a_page_shows_the_strip(page):
    async def main() -> None:
        page.say("filter", name="wrong")
        page.say("gone", page="a")
        await asyncio.sleep(0.1)
        assert page.strip.words == "0 found in 0 of 4 images"
        page.say("filter", name="wrong")
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not page.strip.reading._portions.running:
                break

    asyncio.run(main())
    assert (shown(page), page.strip.words) == ([1], "1 of 4 images")


@pytest.mark.parametrize("before", [True, False])
def test_by_a_scan_the_filters_know_all_images_at_once(monkeypatch, runs, before):
    model = two_pixels()
    scan = cw.scan(model, IMAGES, ["conv"], classes=CLASSES, progress=False)
    view = cw.ActivationView(model, IMAGES, classes=CLASSES)
    if before:
        view.pick_by(scan)
    page = opened(view, monkeypatch)
    if not before:
        view.pick_by(scan)
    counts = runs(model)
    page.say("filter", name="wrong")
    assert (shown(page), page.strip.words) == ([1], "1 of 4 images, by a scan")
    page.say("filter", name="uncertain")
    order = margins(two_pixels())
    assert shown(page) == sorted(range(4), key=order.__getitem__)
    page.say("filter", name="class cow")
    assert (shown(page), counts) == ([2], [])
    with torch.no_grad():
        model.fc.bias[2] += 100
    page.say("filter", name="wrong")
    assert (shown(page), page.strip.words) == ([0, 1, 3], "3 of 4 images")  # what the network says now
    view.close()


def test_a_scan_of_something_else_is_refused():
    model = two_pixels()
    view = cw.ActivationView(model, IMAGES)
    old = cw.scan(model, IMAGES, ["conv"], progress=False)
    with torch.no_grad():
        model.fc.bias[2] += 100
    for scan, words in (
        (old, "of other weights"),
        (cw.scan(model, IMAGES[:3], ["conv"], progress=False), "is of 3 images, and the data set has 4"),
        (cw.scan(model, IMAGES, ["conv"], progress=False, predictions=False), "has no predictions"),
    ):
        with pytest.raises(ValueError, match=words):
            view.pick_by(scan)
    view.close()


# ---------------------------------------------------------------------- choosing


def test_a_choice_moves_the_index_and_the_index_moves_the_frame(monkeypatch):
    view = cw.ActivationView(two_pixels(), IMAGES)
    page = opened(view, monkeypatch)
    page.say("choose", index=2)
    assert (view.index, page.strip.chosen) == (2, 2)
    view.index = 1
    assert page.strip.chosen == 1
    view.show(torch.zeros(1, 2, 2))
    assert page.strip.chosen == -1
    page.say("choose", index=3)
    assert (view.index, page.strip.chosen) == (3, 3)
    view.close()


# ---------------------------------------------------------------------- in a notebook


def test_in_a_notebook_pictures_come_first_and_each_page_has_its_own_answer(page):
    async def main() -> None:
        page.look(0, 4)
        page.look(2, 4, missing=[3], page="b")
        assert page.heard == []  # nobody waits for them
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not page.strip.reading._portions.running:
                break

    asyncio.run(main())
    assert [(content["page"], content["number"]) for content, _ in page.answers()] == [("a", 1), ("b", 2)]
    assert [content["kind"] for content, _ in page.heard][:2] == ["pictures", "pictures"]
    assert page.verdicts() == {2: "", 3: ""}  # what is in sight at last


def test_in_a_cell_that_trains_pictures_come_at_once_and_marks_when_it_has_ended(page, monkeypatch):
    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(cell_thread, "turning_loop", lambda: None)  # as while a cell answers its widgets
            page.look(0, 4)
        assert list(page.pictures()) == [0, 1, 2, 3] and page.verdicts() == {}
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not page.strip.reading._portions.running:
                break

    asyncio.run(main())
    assert page.verdicts() == VERDICTS
    assert len(page.answers()) == 1


def test_while_weights_go_on_changing_nothing_is_looked_at(page, monkeypatch):
    reader = page.strip.reading
    model = reader._subject.module

    async def main() -> None:
        page.look(0, 4)
        for _ in range(100):
            await asyncio.sleep(0.01)
            with torch.no_grad():
                model.fc.bias[2] += 1
            reader.follow()
        assert page.verdicts() == {}
        for _ in range(300):
            await asyncio.sleep(0.01)
            if not reader._portions.running:
                break

    asyncio.run(main())
    assert page.verdicts() == {0: "cow", 1: "cow", 2: "", 3: "cow"}
