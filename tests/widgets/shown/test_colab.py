"""What is asked of Colab, with a stand-in for its package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import ipywidgets
import pytest

from cnnwidgets.widgets.shown import colab

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch):
    """A stand-in for `google.colab`; the calls of its function."""
    calls = []
    package, output = ModuleType("google.colab"), ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: calls.append("enable_custom_widget_manager")
    package.output = output
    for name, module in {
        "google": ModuleType("google"),
        "google.colab": package,
        "google.colab.output": output,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(colab, "_asked", False)
    monkeypatch.setattr(ipywidgets, "__version__", "7.7.1")
    return calls


def test_in_colab_its_widget_manager_is_turned_on_once_and_says_so(asked, capsys):
    assert colab.enable()
    assert not colab.enable()
    assert asked == ["enable_custom_widget_manager"]
    assert capsys.readouterr().out == colab.SAID + "\n"


def test_with_ipywidgets_8_it_says_what_to_run_instead(asked, capsys, monkeypatch):
    monkeypatch.setattr(ipywidgets, "__version__", "8.1.9")
    assert not colab.fits()
    assert colab.enable()
    assert capsys.readouterr().out == colab.MISFIT.format(version="8.1.9") + "\n"


def test_the_address_of_the_manager_goes_with_each_widget_once_it_is_known(asked):
    output = sys.modules["google.colab.output"]
    assert colab.metadata() == {}  # a Colab that keeps it elsewhere
    output._widgets = SimpleNamespace(_installed_url=None)
    assert colab.metadata() == {}
    output._widgets._installed_url = "https://a/b.js"
    assert colab.metadata() == {"colab": {"custom_widget_manager": {"url": "https://a/b.js"}}}


def test_elsewhere_nothing_is_said(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr(colab, "_asked", False)
    assert not colab.enable()
    assert capsys.readouterr().out == ""


def test_a_colab_without_that_function_is_no_error(asked, capsys, caplog):
    del sys.modules["google.colab.output"].enable_custom_widget_manager
    assert not colab.enable()
    assert (asked, capsys.readouterr().out) == ([], "")
    assert "could not be turned on" in caplog.text


def test_importing_cnnwidgets_in_colab_is_enough():
    program = (
        "import sys, types\n"
        "import ipywidgets\n"
        "ipywidgets.__version__ = '7.7.1'\n"
        "package, output = types.ModuleType('google.colab'), types.ModuleType('google.colab.output')\n"
        "output.enable_custom_widget_manager = lambda: print('asked')\n"
        "package.output = output\n"
        "sys.modules['google'] = types.ModuleType('google')\n"
        "sys.modules |= {'google.colab': package, 'google.colab.output': output}\n"
        "import cnnwidgets\n"
        "import cnnwidgets.widgets\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["asked", colab.SAID]
    assert done.stderr == ""
