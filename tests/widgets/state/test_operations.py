"""Operations are traced when somebody asks for them, and not before the first picture."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import numpy as np
import pytest
import torch
from torch import fx, nn

from cnnwidgets import ActivationView, AttributionView, ConvolutionView, ReceptiveFieldView, SignatureView
from cnnwidgets.live import portions
from cnnwidgets.widgets.state import operations
from cnnwidgets.widgets.state.subject import Subject

MODULES = ["conv", "fc"]
ALL = ["conv", "relu", "add", "fc"]
"""What the menu lists: `flat` only moves numbers."""
EVERY = ["conv", "relu", "add", "flat", "fc"]


class Skips(nn.Module):
    """1 x 4 x 4 -> `conv` -2x, `relu`, `add` relu(-2x) - 2x, `flat` 16, `fc` 3."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.flat, self.fc = nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(16, 3)
        self.conv.weight.data.fill_(-2.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.conv(images)
        return self.fc(self.flat(torch.relu(maps) + maps))


class Turns(Skips):
    """Cannot be traced: its way depends on the numbers."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images if images.sum() > 0 else -images)


@pytest.fixture
def ran(monkeypatch) -> Counter[str]:
    """How often a network was traced, and how often `conv` ran, in a pass or in a graph."""
    found: Counter[str] = Counter()
    trace = fx.Tracer.trace
    monkeypatch.setattr(fx.Tracer, "trace", lambda *given: found.update(["traces"]) or trace(*given))
    return found


def counted(model: nn.Module, ran: Counter[str]) -> nn.Module:
    model.conv.register_forward_pre_hook(lambda *_: ran.update(["passes"]))
    model.eval()
    return model


@pytest.fixture
def model(ran) -> nn.Module:
    return counted(Skips(), ran)


@pytest.fixture
def data() -> list[tuple[torch.Tensor, int]]:
    return [(torch.arange(16.0).view(1, 4, 4) - 4 + number, 0) for number in range(3)]


def listed(view: ActivationView) -> list[str]:
    return [name for _, name in view._picker._menu.options]


def test_a_view_opens_with_one_pass_and_no_trace(model, data, ran):
    view = ActivationView(model, data)
    assert ran == {"passes": 1}
    assert listed(view) == MODULES
    view.index, view.layer, view.channel = 1, "fc", 2
    assert ran == {"passes": 2}


def test_a_second_view_of_the_model_runs_and_traces_nothing(model, data, ran):
    one = ActivationView(model, data)
    two = ActivationView(model, data)
    assert ran == {"passes": 1}
    one.settle()
    three = ActivationView(model, data)
    assert ran == {"passes": 2, "traces": 1}  # the pass through the graph
    assert listed(three) == ALL and listed(two) == MODULES


def test_operations_are_found_with_one_trace_and_one_pass_through_the_graph(model, data, ran):
    view = ActivationView(model, data)
    ran.clear()
    assert view.choices("layer") == ALL
    assert ran == {"traces": 1, "passes": 1}
    assert view.subject.passes == 1
    assert view.table.names == view.layers.names == EVERY
    assert view.offered.names == view.choices("layer") == ALL
    view.index = 1
    assert view.choices("layer") == ALL
    assert ran == {"traces": 1, "passes": 2}  # of the other image, whose operations have the same shapes


def test_an_operation_that_is_named_is_there_at_once(model, data, ran):
    view = ActivationView(model, data, layer="add")
    assert ran == {"passes": 2, "traces": 1}
    assert torch.equal(view.maps[0], torch.relu(-2 * data[0][0])[0] - 2 * data[0][0][0])
    assert view._picker.value == "add" and listed(view) == ALL
    view.layer = "conv"
    view.layer = "relu"
    assert torch.equal(view.maps[0], torch.relu(-2 * data[0][0])[0])
    assert ran == {"passes": 2, "traces": 1}


def test_an_operation_can_be_set_later(model, data, ran):
    view = ActivationView(model, data)
    view.layer = "add"
    assert torch.equal(view.maps[0], torch.relu(-2 * data[0][0])[0] - 2 * data[0][0][0])
    assert ran == {"passes": 2, "traces": 1}
    assert view._picker.value == "add" and listed(view) == ALL


def test_what_is_chosen_and_the_picture_stay_when_the_menu_grows(model, data):
    view = ActivationView(model, data, layer="fc", channel=1)
    before, names, state = view.picture(), view.unit_names, repr(view)
    view.settle()
    assert listed(view) == ALL
    assert (repr(view), view.unit_names, view._picker.value) == (state, names, "fc")
    assert np.array_equal(view.picture(), before)


def test_a_menu_that_has_operations_keeps_them(model, data, ran):
    data[2] = (torch.ones(1, 4, 4), 0)
    view = ActivationView(model, data)
    view.settle()
    for change in (lambda: setattr(view, "index", 2), view.refresh):
        change()
        assert listed(view) == ALL
    ran.clear()
    model.conv.weight.data.mul_(2)
    view.index = 1
    assert listed(view) == ALL
    assert ran == {"passes": 1}


def test_whoever_searches_the_menu_finds_operations(model, data, ran):
    view = ActivationView(model, data)
    view._picker._search.value = "relu"
    assert listed(view) == ["conv", "relu"]
    view._picker._kind.value = "operations"
    view._picker._search.value = ""
    assert listed(view) == ["conv", "relu", "add"]
    assert ran == {"passes": 2, "traces": 1}
    assert view.layer == "conv"


def test_a_network_that_cannot_be_traced_says_so_where_operations_are_asked_for(data, ran):
    view = ActivationView(counted(Turns(), ran), data)
    assert "traced" not in view._picker._note.value and view.error == ""
    with pytest.raises(LookupError, match=r"no layer 'add'.*modules only: torch.fx cannot trace the model"):
        view.layer = "add"
    assert view.layer == "conv" and view.choices("layer") == MODULES
    view.settle()
    assert "modules only: cannot be traced" in view._picker._note.value
    assert ran == {"passes": 1, "traces": 1}


def test_a_graph_that_takes_another_way_is_found_out_from_outputs_that_were_kept(data, ran):
    class Elsewhere(Skips):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images if torch.compiler.is_exporting() or not _numbers(images) else -images)

    view = ActivationView(counted(Elsewhere(), ran), data)
    assert view.choices("layer") == MODULES
    assert "another output" in view.table.note
    assert view.subject.passes == 1


def _numbers(images: torch.Tensor) -> bool:
    return not isinstance(images, fx.Proxy)


def test_where_outputs_are_gone_the_pass_runs_again(model, data, ran):
    view = ActivationView(model, data, cache_bytes=0)
    ran.clear()
    assert view.choices("layer") == ALL
    assert ran == {"traces": 1, "passes": 2}
    view.layer = "add"
    assert torch.equal(view.maps[0], torch.relu(-2 * data[0][0])[0] - 2 * data[0][0][0])


def test_outputs_of_other_weights_are_not_compared_with(model, data, ran):
    subject = Subject(model, data)
    snapshot = subject.at(0)
    model.conv.weight.data.mul_(3)
    assert snapshot.table.names == EVERY and snapshot.table.note == ""
    assert ran == {"traces": 1, "passes": 3}


@pytest.mark.parametrize("kind", [AttributionView])
def test_views_of_modules_alone_trace_nothing(model, data, ran, kind):
    view = kind(model, data)
    view.settle()
    assert "add" not in view.choices("layer")
    assert ran["traces"] == 0


@pytest.mark.parametrize("kind", [ConvolutionView, ReceptiveFieldView, SignatureView])
def test_views_that_tell_of_operations_trace_once(model, data, ran, kind):
    view = kind(model, data)
    assert "add" in view.choices("layer")
    assert ran["traces"] == 1


# ---------------------------------------------------------------------- in a notebook, between cells


@pytest.fixture
def soon(monkeypatch):
    """No pause before and between portions."""
    monkeypatch.setattr(portions, "PAUSE", 0.0)
    monkeypatch.setattr(portions, "HOLD", 0.0)
    monkeypatch.setattr(operations, "REST", 0.0)


def test_operations_come_into_the_menu_after_the_cell_that_opened_the_view(model, data, ran, soon):
    async def main() -> None:
        view = ActivationView(model, data, layer="fc")
        before = view.picture()
        assert ran == {"passes": 1} and listed(view) == MODULES
        for _ in range(5):
            await asyncio.sleep(0)
        assert ran == {"passes": 2, "traces": 1}
        assert listed(view) == ALL and view.layer == "fc"
        assert np.array_equal(view.picture(), before)
        view.close()

    asyncio.run(main())


def test_a_hand_that_moves_the_view_is_not_held_up(model, data, ran, soon, monkeypatch):
    monkeypatch.setattr(operations, "REST", 1e9)

    async def main() -> None:
        view = ActivationView(model, data)
        for _ in range(5):
            await asyncio.sleep(0)
        assert ran["traces"] == 0
        view.close()

    asyncio.run(main())


def test_a_view_that_is_closed_before_traces_nothing(model, data, ran, soon):
    async def main() -> None:
        ActivationView(model, data).close()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert ran == {"passes": 1}


def test_what_fails_behind_the_user_s_back_leaves_the_view_as_it_is(model, data, soon, monkeypatch):
    async def main() -> None:
        view = ActivationView(model, data)
        monkeypatch.setattr(type(view.snapshot), "trace", lambda self: False)
        monkeypatch.setattr(type(view.snapshot), "table", property(lambda self: 1 / 0))
        for _ in range(5):
            await asyncio.sleep(0)
        assert view.error == "" and listed(view) == MODULES
        view.close()

    asyncio.run(main())


def test_a_network_that_another_thread_runs_is_not_disturbed_by_a_trace():
    other, found = Skips(), []

    class Slow(Skips):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            thread = threading.Thread(target=lambda: found.append(other(torch.ones(1, 1, 4, 4))))
            thread.start()
            thread.join()
            return super().forward(images)

    subject = Subject(Slow(), [(torch.ones(1, 4, 4), 0)])
    assert "add" in subject.at(0).table.names
    assert len(found) == 2 and all(torch.equal(each, found[0]) for each in found)
