from __future__ import annotations

import asyncio
import base64
import logging

import ipywidgets as W
import numpy as np
import pytest
import traitlets as T

from cnnwidgets.render.static import Panel
from cnnwidgets.widgets.base.view import ModelView
from tests.widgets.conftest import EVIL, decoded, inside


class Square(ModelView):
    """Computes the square of `number` and draws it with `digits` digits; counts both."""

    number = T.Int(2).tag(source=True)
    digits = T.Int(1).tag(display=True)
    note = T.Unicode().tag(internal=True)

    def __init__(self, **traits):
        self.check_keywords(traits)
        self.asked: list[int] = []
        self.drawn: list[str] = []
        super().__init__(**traits)

    @T.validate("digits")
    def _positive(self, proposal):
        if proposal["value"] < 1:
            raise ValueError(f"digits must be 1 or more, not {proposal['value']}")
        return proposal["value"]

    def compute(self):
        if self.number < 0:
            raise ValueError(f"no square of {self.number} {EVIL}")
        self.asked.append(self.number)
        self.square = self.number**2

    def panels(self):
        self.drawn.append(f"{self.square:.{self.digits}f}")
        return [Panel("Square", lines=[self.drawn[-1]])]

    def picture(self, *, dark=False):
        return np.full((2, 3, 3), 0 if dark else self.square, np.uint8)


@pytest.fixture
def view() -> Square:
    return Square()


def error(view: ModelView) -> str:
    return "".join(
        part.value for part in inside(view) if isinstance(part, W.HTML) and '<div class="cnnw-error"' in part.value
    )


def stale(view: ModelView) -> bool:
    return any("cnnw-stale" in part._dom_classes for part in inside(view) if isinstance(part, W.VBox))


def test_the_first_drawing_is_made_at_once(view):
    assert view.asked == [2]
    assert view.drawn == ["4.0"]


def test_a_source_trait_computes_and_draws_once(view):
    view.number = 3
    assert view.asked == [2, 3]
    assert view.drawn == ["4.0", "9.0"]


def test_a_display_trait_only_draws(view):
    view.digits = 2
    assert view.asked == [2]
    assert view.drawn == ["4.0", "4.00"]


def test_an_internal_trait_and_an_unchanged_one_do_nothing(view):
    view.note = "seen"
    view.number = 2
    assert view.drawn == ["4.0"]


def test_refresh_computes_and_draws_anew(view):
    view.refresh()
    assert view.asked == [2, 2]
    assert view.drawn == ["4.0", "4.0"]


def test_traits_set_together_are_drawn_once(view):
    with view.hold_trait_notifications():
        view.number = 5
        view.digits = 3
    assert view.drawn == ["4.0", "25.000"]


def test_of_traits_set_together_none_is_set_when_one_is_refused(view):
    with pytest.raises(ValueError, match="digits must be 1 or more, not -1"), view.hold_trait_notifications():
        view.number = 5
        view.digits = -1
    assert (view.number, view.digits) == (2, 1)
    assert view.drawn == ["4.0"]
    assert error(view) == ""
    view.number = 5
    assert view.drawn == ["4.0", "25.0"]


def test_of_traits_set_together_none_is_set_when_the_block_raises(view):
    with pytest.raises(KeyError), view.hold_trait_notifications():
        view.number = 5
        raise KeyError
    assert view.number == 2
    assert view.drawn == ["4.0"]


def test_of_traits_set_together_an_internal_one_is_put_back_too(view):
    with pytest.raises(ValueError, match="digits"), view.hold_trait_notifications():
        view.note, view.digits = "other", -1
    assert (view.note, view.digits) == ("", 1)


def test_setting_together_what_is_there_already_draws_nothing(view):
    with view.hold_trait_notifications():
        view.number = 2
    assert view.drawn == ["4.0"]


def test_in_a_cell_that_awaits_a_burst_is_merged_into_the_newest(view, clock):
    async def cell():
        for number in range(10, 60):
            view.number = number
        await asyncio.sleep(0.05)

    asyncio.run(cell())
    assert view.drawn == ["4.0", "100.0", "3481.0"]


def test_a_failed_computation_says_so_as_text_and_keeps_the_last_good_picture(view):
    view.number = -1
    assert "no square of -1 &lt;img" in error(view)
    assert EVIL not in error(view)
    assert stale(view)
    assert view.drawn == ["4.0"]


@pytest.mark.parametrize(
    ("error_", "text"),
    [
        (AssertionError(), "AssertionError"),
        (KeyError("cat.png"), "KeyError: &#39;cat.png&#39;"),
        (OSError("no\nsuch  file"), "no such file"),
    ],
)
def test_an_error_without_words_of_its_own_is_called_by_its_type(view, monkeypatch, error_, text):
    def compute():
        raise error_

    monkeypatch.setattr(view, "compute", compute)
    view.number = 3
    assert f">{text}<" in error(view)
    assert stale(view)


def test_the_traceback_goes_to_the_log_alone(view, caplog, capsys):
    with caplog.at_level(logging.ERROR, logger="cnnwidgets"):
        view.number = -1
    assert [record.name for record in caplog.records] == ["cnnwidgets"]
    assert "Traceback" in caplog.text and "no square of -1" in caplog.text
    assert "Traceback" not in error(view)
    assert capsys.readouterr() == ("", "")


def test_the_next_good_move_clears_the_error(view):
    view.number = -1
    view.number = 4
    assert error(view) == ""
    assert not stale(view)
    assert view.drawn == ["4.0", "16.0"]


def test_after_an_error_going_back_computes_again_and_clears_it(view):
    view.number = -1
    view.number = 2
    assert error(view) == ""
    assert view.drawn == ["4.0", "4.0"]


def test_a_first_computation_that_fails_raises_and_leaves_no_widget(widgets):
    before = widgets()
    with pytest.raises(ValueError, match="no square of -7"):
        Square(number=-7)
    assert widgets() == before


@pytest.mark.parametrize("traits", [{"digits": 0}, {"number": "two"}, {"number": None}])
def test_a_refused_value_leaves_no_widget(widgets, traits):
    before = widgets()
    with pytest.raises((ValueError, T.TraitError)):
        Square(**traits)
    assert widgets() == before


def test_a_misspelt_keyword_is_named_with_the_nearest_and_all_there_are(widgets):
    before = widgets()
    with pytest.raises(TypeError, match=r"Square has no keyword 'nubmer'; did you mean 'number'\? there are d\w+, n"):
        Square(nubmer=3)
    assert widgets() == before


def test_close_leaves_no_widget_and_no_drawing_to_come(widgets, clock):
    before = widgets()
    view = Square()

    async def cell():
        view.number = 3
        view.number = 4  # waits
        view.close()
        await asyncio.sleep(0.05)

    asyncio.run(cell())
    assert view.drawn == ["4.0", "9.0"]
    assert widgets() == before
    view.close()
    view.number = 9
    assert view.drawn == ["4.0", "9.0"]


def test_save_writes_a_png_of_the_present_state(view, tmp_path):
    view.number = 5
    path = view.save(tmp_path / "square.png")
    assert path == tmp_path / "square.png"
    assert decoded(path.read_bytes()).tolist() == [[[25, 25, 25, 255]] * 3] * 2
    view.save(str(path), dark=True)
    assert decoded(path.read_bytes())[0, 0].tolist() == [0, 0, 0, 255]


def test_save_draws_what_waits_first(view, tmp_path, clock):
    async def cell():
        view.number = 3
        view.number = 4
        return view.save(tmp_path / "square.PNG")

    assert decoded(asyncio.run(cell()).read_bytes())[0, 0, 0] == 16


@pytest.mark.parametrize("name", ["square.jpg", "square", "square.png.txt"])
def test_save_refuses_another_ending(view, tmp_path, name):
    with pytest.raises(ValueError, match=r"written as \.png"):
        view.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_save_into_a_folder_that_is_not_there_is_an_os_error(view, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        view.save(tmp_path / "nowhere" / "square.png")


def test_a_notebook_gets_the_live_view_and_a_picture_for_where_widgets_cannot_run(view):
    view.number = 6
    bundle = view._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    assert decoded(base64.b64decode(bundle["image/png"]))[0, 0].tolist() == [36, 36, 36, 255]
    assert bundle["text/plain"] == "Square(number=6, digits=1)"
    with pytest.raises(NotImplementedError):  # IPython goes on; ipywidgets 7 would display without the picture
        view._ipython_display_()


def test_a_closed_view_shows_its_state_as_text_alone(view):
    view.close()
    bundle = ModelView._repr_mimebundle_(view)
    assert bundle == {"text/plain": "Square(number=2, digits=1)"}


def test_a_view_is_set_for_a_projector_and_back_without_drawing_anew():
    view = Square()
    before, picture = list(view.drawn), view.picture()
    button = next(part for part in inside(view) if getattr(part, "description", "") == "present")
    view.present()
    assert view.presenting and button.value
    button.value = False  # as a hand, or Esc, leaves it
    assert not view.presenting
    view.present(False)
    view.present()
    view.present()
    assert view.presenting and button.value and view.drawn == before
    assert np.array_equal(view.picture(), picture)
    with pytest.raises(TypeError, match="present takes True or False, not 'on'"):
        view.present("on")
    assert view.presenting
    view.close()
