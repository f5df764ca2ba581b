"""`cnnwidgets quickstart` and `explore`: a notebook is copied or written, never overwritten, and opened."""

from __future__ import annotations

import sys
from typing import Any

import nbformat
import pytest
from PIL import Image

from cnnwidgets import __main__ as program


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been run."""
    commands = []
    monkeypatch.setattr(program.subprocess, "call", lambda command: commands.append(command) or 0)
    return commands


def test_the_first_notebook_is_copied_and_opened(started, tmp_path, capsys):
    assert program.main(["quickstart", str(tmp_path / "new")]) == 0
    path = tmp_path / "new" / "quickstart.ipynb"
    assert nbformat.read(path, as_version=4) == nbformat.read(program.stored(), as_version=4)
    assert started == [[sys.executable, "-m", "jupyterlab", str(path)]]
    assert capsys.readouterr().out == f"copied the first notebook to {path}\n"


def test_a_notebook_that_is_there_stays(started, tmp_path, capsys):
    path = tmp_path / "quickstart.ipynb"
    path.write_text("mine")
    assert program.main(["quickstart", str(tmp_path)]) == 0
    assert path.read_text() == "mine"
    assert "stays as it is" in capsys.readouterr().out


def test_a_link_to_a_notebook_that_is_away_stays(started, tmp_path):
    (tmp_path / "quickstart.ipynb").symlink_to(tmp_path / "away.ipynb")
    assert program.main(["quickstart", str(tmp_path), "--copy-only"]) == 0
    assert (tmp_path / "quickstart.ipynb").is_symlink()


def test_other_options_go_to_jupyterlab(started, tmp_path):
    program.main(["quickstart", str(tmp_path), "--no-browser", "--port=8899"])
    assert started[0][-2:] == ["--no-browser", "--port=8899"]


def test_a_word_behind_an_option_is_not_taken_for_the_folder(started, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        program.main(["quickstart", "--port", "8899", "here"])
    assert "what does 8899 belong to, --port or the notebook?" in capsys.readouterr().err
    assert started == list(tmp_path.iterdir()) == []
    program.main(["quickstart", "here", "--port", "8899"])
    assert started[0][-3:] == ["here/quickstart.ipynb", "--port", "8899"]


def test_a_copy_that_fails_leaves_no_half_notebook(started, tmp_path, monkeypatch, capsys):
    def full(source, target):
        target.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(program.shutil, "copyfile", full)
    assert program.main(["quickstart", str(tmp_path)]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_copying_alone_opens_nothing(started, tmp_path):
    assert program.main(["quickstart", str(tmp_path), "--copy-only"]) == 0
    assert started == []
    assert (tmp_path / "quickstart.ipynb").exists()


def test_without_jupyterlab_it_says_what_to_install(started, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "find_spec", lambda name: None)
    assert program.main(["quickstart", str(tmp_path)]) == 1
    assert "pip install 'cnnwidgets[lab]'" in capsys.readouterr().err
    assert started == []


def test_a_folder_that_cannot_be_written_is_named(started, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert program.main(["quickstart", str(tmp_path / "file")]) == 1
    assert f"cannot write the notebook to {tmp_path / 'file'}: " in capsys.readouterr().err
    assert started == []


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit, match="2"):
        program.main([])
    assert "quickstart" in capsys.readouterr().err


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """A picture in the present folder."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (300, 260), "tomato").save("photo.jpg")
    return tmp_path / "photo.jpg"


def test_a_notebook_that_explores_a_network_is_written_and_opened_and_random_weights_are_said(started, picture, capsys):
    assert program.main(["explore", "squeezenet1_1", "photo.jpg", "--port=8899"]) == 0
    assert started == [[sys.executable, "-m", "jupyterlab", "explore-squeezenet1_1.ipynb", "--port=8899"]]
    assert "RANDOM" in capsys.readouterr().err
    notebook = nbformat.read(picture.parent / "explore-squeezenet1_1.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert "RANDOM" in notebook.cells[0].source
    names: dict[str, Any] = {}
    for cell in notebook.cells[1:]:
        exec(cell.source, names)
    assert names["view"].error == ""
    names["view"].close()


def test_a_second_notebook_of_the_same_name_leaves_the_first(started, picture):
    for _ in range(2):
        program.main(["explore", "squeezenet1_1", "photo.jpg"])
    assert [command[3] for command in started] == ["explore-squeezenet1_1.ipynb", "explore-squeezenet1_1-2.ipynb"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["squeezenet1_1", "away.jpg"], "there is no file away.jpg"),
        (["squeezenet1_1", "photo.jpg", "--weights", "away.pth"], "there is no file away.pth"),
        (["squeezenet11", "photo.jpg"], "did you mean 'squeezenet1_1'?"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_written(started, picture, capsys, given, said):
    assert program.main(["explore", *given]) == 1
    assert said in capsys.readouterr().err
    assert started == []
    assert [path.name for path in picture.parent.iterdir()] == ["photo.jpg"]
