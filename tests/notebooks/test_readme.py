"""What the README says: its links lead somewhere, its tests exist, its code runs."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from cnnwidgets import views
from notebooks.refresh import FOLDER

ROOT = FOLDER.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]*)\]\((?!https?://)([^)]+)\)", README)
VIEWS = sorted([*views.__all__, "explore"])
"""All that the package has."""
COMMANDS = re.findall(r"`python ((?:benchmarks|notebooks)/\w+\.py)`", README)


@pytest.mark.parametrize("target", sorted({target for _, target in LINKS} | set(COMMANDS)))
def test_every_file_that_is_named_exists(target: str):
    assert (ROOT / target).is_file()


@pytest.mark.parametrize(("name", "target"), [link for link in LINKS if link[0].startswith("test_")])
def test_every_test_that_is_named_exists(name: str, target: str):
    assert f"\ndef {name}(" in (ROOT / target).read_text(encoding="utf-8")


def test_the_python_code_runs():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code.replace("\ncw.ActivationView", "\nview = cw.ActivationView"), names)
    assert names["view"].maps.shape == (64, 112, 112)  # the first convolution of a ResNet-18


def test_every_view_and_function_in_the_tables_works_on_a_model_and_a_data_set(tmp_path, monkeypatch):
    import cnnwidgets as cw

    monkeypatch.chdir(tmp_path)  # some write a file

    rows = re.findall(r"^\| `(cw\.[^`]+)` \|", README, re.MULTILINE)
    assert len(rows) > len(VIEWS)
    dataset = cw.data.digits()
    names = {"cw": cw, "model": cw.models.lenet5(pretrained=True), "dataset": dataset, "image": dataset[0][0]}
    names["images"] = names["image"][None]
    names["model_a"], names["model_b"] = names["model"], cw.models.lenet5()
    learner, batch = cw.models.lenet5(), DataLoader([dataset[0], dataset[1]], 2)
    names |= {"loss_fn": nn.CrossEntropyLoss(), "optimizer": torch.optim.SGD(names["model"].parameters(), 0.01)}
    optimizer = torch.optim.SGD(learner.parameters(), 0.01)
    names["trainer"] = trainer = cw.Trainer(learner, names["loss_fn"], optimizer, progress=False)
    trainer.set_loaders(batch, batch)
    trainer.recorder = cw.Recorder(learner, ["C1"], names["images"])
    trainer.train(2)
    names["recording"] = trainer.recorder.recording
    names["scan"] = cw.scan(names["model"], dataset, ["C3"], progress=False)
    names["vectors"] = np.random.default_rng(0).normal(size=(2, 9, 5))
    names["view"], names["lesson"] = cw.FilterView(names["model"]), cw.Lesson(topics=["padding"])
    for row in rows:
        made = eval(row, names)
        assert made is not None, row
        if isinstance(made, cw.ModelView):
            made.close()


def test_attributes_in_the_table_of_controls_can_be_set():
    import cnnwidgets as cw

    view = cw.ActivationView(cw.models.lenet5(pretrained=True), torch.rand(8, 1, 28, 28))
    settings = [line for line in re.findall(r"`(view\.\w+ = [^`]+)`", README) if "plane" not in line]
    assert len(settings) >= 7
    for setting in settings:  # a plane needs a network with volumes
        exec(setting, {"view": view})
    assert (view.layer, view.index, view.channel, view.scale, view.pixel) == ("C3", 7, 2, (-1.0, 1.0), (3, 4))


def test_the_moving_picture_moves_and_is_small_enough_for_a_page():
    (path,) = [ROOT / target for _, target in LINKS if target.endswith(".gif")]
    assert 20_000 < path.stat().st_size < 800_000
    with Image.open(path) as picture:
        assert picture.n_frames >= 8
        assert 900 < picture.width < 1300


def test_every_view_in_the_table_has_its_picture():
    views = re.findall(r"^\| `cw\.(\w+)\([^|]*\| [^|]* \| <img src=\"([^\"]+)\"", README, re.MULTILINE)
    assert sorted(name for name, _ in views) == VIEWS
    assert all((ROOT / target).is_file() for _, target in views)


def test_the_badges_open_the_first_notebook_of_the_repository_that_the_project_names():
    (repository,) = re.findall(r'Repository = "https://github.com/(.*)"', (ROOT / "pyproject.toml").read_text())
    colab, binder = re.findall(r"\[!\[Open in \w+\]\([^)]*\)\]\(([^)]*)\)", README)
    assert colab.endswith(f"/github/{repository}/blob/main/notebooks/quickstart.ipynb")
    assert binder.endswith(f"/gh/{repository}/HEAD?urlpath=lab/tree/notebooks/quickstart.ipynb")
