"""`cnnwidgets quickstart`: the first notebook is copied, never overwritten, and opened."""

from __future__ import annotations

import sys

import nbformat
import pytest

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
