"""What the README says: its links lead somewhere, its tests exist, its code runs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from notebooks.refresh import FOLDER

ROOT = FOLDER.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\[([^\]]*)\]\((?!https?://)([^)]+)\)", README)
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


def test_every_view_and_function_in_the_tables_works_on_a_model_and_a_data_set():
    import cnnwidgets as cw

    rows = re.findall(r"^\| `(cw\.[^`]+)` \|", README, re.MULTILINE)
    assert len(rows) >= 12
    dataset = cw.data.digits()
    names = {"cw": cw, "model": cw.models.lenet5(pretrained=True), "dataset": dataset, "image": dataset[0][0]}
    names["images"] = names["image"][None]
    names["vectors"] = np.random.default_rng(0).normal(size=(2, 9, 5))
    for row in rows:
        made = eval(row, names)
        assert made is not None, row
        if isinstance(made, cw.ModelView):
            made.close()


def test_attributes_in_the_table_of_controls_can_be_set():
    import torch

    import cnnwidgets as cw

    view = cw.ActivationView(cw.models.lenet5(pretrained=True), torch.rand(8, 1, 28, 28))
    settings = [line for line in re.findall(r"`(view\.\w+ = [^`]+)`", README) if "plane" not in line]
    assert len(settings) >= 7
    for setting in settings:  # a plane needs a network with volumes
        exec(setting, {"view": view})
    assert (view.layer, view.index, view.channel, view.scale, view.pixel) == ("C3", 7, 2, (-1.0, 1.0), (3, 4))


def test_the_picture_is_small_enough_for_a_page():
    (picture,) = [ROOT / target for _, target in LINKS if target.endswith(".png")]
    assert 20_000 < picture.stat().st_size < 150_000
