"""What the first tick needs is there before it, where a page waits."""

from __future__ import annotations

import asyncio

import ipywidgets as W
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from tests.widgets.conftest import steps, tiny


async def until(done) -> None:
    for _ in range(300):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[W.Widget]:
    """The widgets that were made."""
    found: list[W.Widget] = []
    opened = W.Widget.open
    monkeypatch.setattr(W.Widget, "open", lambda self: (found.append(self), opened(self))[1])
    return found


def test_the_first_tick_makes_no_widget_but_the_column_that_it_fills(made):
    async def main() -> None:
        view = cw.InterventionView(tiny(), steps(), layer="conv", ranking=False)
        made.clear()
        await until(lambda: made)
        with pytest.raises(LookupError):
            view.panel("later1")
        every = [*made]
        made.clear()
        view.off = (0,)
        view.flush()
        assert view.panel("later1").heading.startswith("pool")
        assert [type(widget).__name__ for widget in made] == ["Layout", "VBox"]
        view.close()
        assert all(widget.comm is None for widget in every)

    asyncio.run(main())


def test_the_axes_of_a_layer_are_known_before_its_first_tick():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU()), nn.Flatten(), nn.Linear(32, 3))
    runs = [0]
    model[2].register_forward_hook(lambda *_: runs.__setitem__(0, runs[0] + 1))

    async def main() -> None:
        view = cw.InterventionView(model, steps(), layer="0", ranking=False)
        seen = runs[0]
        await until(lambda: runs[0] > seen)  # the pass that tells them
        await asyncio.sleep(0.1)
        seen = runs[0]
        view.off = (0,)
        assert runs[0] == seen + 1
        view.close()

    asyncio.run(main())


class Residual(nn.Module):
    """Has a sum."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 2, 1), nn.Linear(32, 3)

    def forward(self, x):
        return self.fc((self.conv(x) + x).flatten(1))


def test_what_a_sum_in_the_code_is_is_known_before_its_first_tick():
    torch.manual_seed(0)
    model, runs = Residual(), [0]
    model.fc.register_forward_hook(lambda *_: runs.__setitem__(0, runs[0] + 1))

    async def main() -> None:
        view = cw.InterventionView(model, steps(), layer="add", ranking=False)
        seen = runs[0]
        await until(lambda: runs[0] > seen)
        await asyncio.sleep(0.2)
        seen = runs[0]
        view.off = (0,)
        assert runs[0] == seen + 1 and view.error == ""
        view.close()

    asyncio.run(main())
