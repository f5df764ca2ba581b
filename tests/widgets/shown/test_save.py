"""A view as a file for print: only some panels, in the width of a column."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnnwidgets as cw


@pytest.fixture
def view(model, dataset):
    view = cw.ActivationView(model, dataset, layer="conv")
    yield view
    view.close()


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_a_panel_alone_is_written_in_the_width_of_a_column(view, tmp_path, kind):
    path = view.save(tmp_path / f"maps.{kind}", width_mm=85, panels=["channel"])
    heading = view.panel("channel").heading
    assert path.stat().st_size > 500
    if kind == "svg":
        assert heading.partition(" · ")[0] in path.read_text(encoding="utf-8")
        assert view.panel("maps").heading.partition(" · ")[0] not in path.read_text(encoding="utf-8")


def test_what_is_refused_leaves_the_file_as_it_was(view, tmp_path):
    path = tmp_path / "maps.svg"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(ValueError, match=r"give \d+ mm or more"):
        view.save(path, width_mm=20)
    with pytest.raises(LookupError, match="shows no panel 'map'"):
        view.save(path, panels=["map"])
    with pytest.raises(ValueError, match="keys of some"):
        view.save(path, panels="maps")
    with pytest.raises(ValueError, match=r"written as \.png, \.svg or \.pdf, not '\.jpg'"):
        view.save(tmp_path / "maps.jpg")
    assert path.read_text(encoding="utf-8") == "before"


def test_a_view_that_makes_something_first_takes_the_same_options(model, dataset, tmp_path):
    view = cw.InterventionView(model, dataset, layer="conv")
    assert view.save(tmp_path / "ranking.svg", panels=["ranking"]).exists()
    assert view.growing.complete
    view.close()


def test_a_resolution_of_0_is_refused_and_a_file_that_cannot_be_written_is_named(view, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="dpi must be a number above 0, not 0"):
        view.save(tmp_path / "x.png", dpi=0)

    def refuse(path, data):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(FileNotFoundError) as caught:
        view.save(tmp_path / "x.png")
    assert caught.value.filename == str(tmp_path / "x.png")
