"""Operations in the code of a `forward` are switched off as modules are: a sum, a concatenation, a functional ReLU."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import fx, nn
from torch.nn import functional as F

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different
from cnnwidgets.views.intervention import later
from cnnwidgets.views.intervention.later import later_layers


class Block(nn.Module):
    """A residual block, which a trace takes apart."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.norm(self.conv(x) * 2)
        y += x
        return F.relu(y, inplace=True)


@fx.wrap
def taken_whole(x):
    return x + 1


class Net(nn.Module):
    """A ReLU that runs twice, a block that runs twice, a concatenation; parts of a chunk, which cannot be edited."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.block, self.fc = nn.Conv2d(1, 4, 3), nn.ReLU(), Block(), nn.Linear(8, 3)

    def forward(self, x):
        x = self.relu(self.conv(x))
        x = self.relu(self.block(self.block(x)) - 0.1)
        a, b = torch.cat([x, 1 - x], 1).chunk(2, 1)
        x = torch.cat([a, taken_whole(b)], 1)
        return self.fc(x.mean((2, 3)))


EDITED = (
    *("relu:1", "block.conv:2", "mul", "add", "relu_1", "block:1", "mul_1", "add_1", "relu_2", "block:2", "sub"),
    *("relu:2", "sub_1", "cat", "cat_1", "mean"),
)
"""Layers that can be edited, among them all operations."""
REFUSED = {"getitem": "one of several values", "getitem_1": "one of several values", "taken_whole": "as one step"}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    net = Net().eval()
    net.block.norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3, -0.4]))
    return net


@pytest.fixture(scope="module")
def data() -> list[tuple[torch.Tensor, int]]:
    return [
        (image, k % 3) for k, image in enumerate(torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    ]


def scores(model: nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(image[None])[0]


def test_all_that_can_be_edited_is_offered_and_what_cannot_is_refused_with_the_reason(model, data):
    view = cw.InterventionView(model, data, ranking=False)
    assert set(EDITED) <= set(view.layers.names) and not REFUSED.keys() & set(view.layers.names)
    assert {"add", "relu_2", "cat", "relu:2"} <= set(view.offered.names)
    for name, words in REFUSED.items():
        with pytest.raises(LookupError, match=f"{name!r}, an operation .* cannot be edited: it .*{words}"):
            view.layer = name
    assert view.layer == "conv" and view.error == ""
    with pytest.raises(LookupError, match="one of several values"):
        cw.InterventionView(model, data, layer="getitem")


@pytest.mark.parametrize("layer", EDITED)
def test_the_numbers_are_those_of_intervene_to_the_bit(model, data, layer):
    before = deep_state(model)
    view = cw.InterventionView(model, data, layer=layer, index=1, off=(0,), gains=((1, 2.0),), ranking=False)
    gain, image = cw.Scale(2.0, channels=1), data[1][0]
    outputs = [cw.activations(model, each[None], layer)[0] for each, _ in data]
    means = torch.cat([output.reshape(len(output), -1) for output in outputs], 1).double().mean(1).float()
    for replace, first in {
        "zero": cw.Ablate(channels=[0]),
        "mean": cw.Ablate(means, channels=[0]),
        "image": cw.Replace(image=data[3][0], channels=[0]),
    }.items():
        with view.hold_trait_notifications():
            view.replace, view.other = replace, 3
        with cw.intervene(model, {layer: [first, gain]}):
            wanted = scores(model, image)
        assert view.error == "" and torch.equal(view.edited.output(1, "fc"), wanted)
        assert not torch.equal(wanted, scores(model, image))
    assert "channel 0 as for image 3, channel 1 × 2" in str(view.static().title)
    assert not different(before, deep_state(model))
    view.close()


@pytest.mark.parametrize(
    ("layer", "behind"),
    [("add", ["relu_1", "mul_1", "add_1", "cat"]), ("block:1", ["mul_1", "add_1", "cat"]), ("relu:2", ["cat"])],
)
def test_the_later_layers_have_operations_as_the_edited_network_gives_them(model, data, layer, behind, monkeypatch):
    monkeypatch.setattr(later, "SHOWN", 99)
    subject = cw.Subject(model, data)
    edits = {layer: cw.Ablate(channels=[0, 2])}
    found = {each.row.name: each for each in later_layers(subject.at(1), subject.under(edits).at(1), layer)}
    assert set(behind) <= set(found) and not {"conv", "relu:1", layer} & set(found)
    image = data[1][0][None]
    seen: dict[str, torch.Tensor] = {}
    watch = {name: lambda value, name=name: seen.setdefault(name, value.clone()) for name in behind}
    with cw.intervene(model, edits), cw.intervene(model, watch):
        scores(model, image[0])
    for name in behind:
        one, other = cw.activations(model, image, name)[0], seen[name][0]
        each = found[name]
        wanted = torch.stack([one, other, other - one])[:, each.channel]
        assert torch.equal(torch.from_numpy(each.maps), wanted)
        assert each.share == float((other - one).norm()) / float(one.norm())


def test_the_panels_of_later_layers_name_operations(model, data):
    view = cw.InterventionView(model, data, layer="add_1", off=(0, 1), ranking=False)
    headings = [view.panel(f"later{at}").heading for at in range(5)]
    assert {"cat · before, after, difference", "relu_2 · before, after, difference"} <= set(headings)


def test_a_tick_takes_two_passes_and_neither_runs_what_is_before_a_module(model, data, monkeypatch):
    forward, runs = nn.Conv2d.forward, []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: (runs.append(self), forward(self, x))[1])
    view = cw.InterventionView(model, data, layer="add_1", off=(0,), ranking=False)
    runs.clear()
    view.off = (0, 1)  # the scores with all modules, and the operations behind
    assert len(runs) == 2 * 3 and view.error == ""
    view.layer, view.off = "conv", (0,)
    runs.clear()
    view.off = (0, 1)
    assert len(runs) == 2 * 2 and view.error == ""  # `block.conv` twice in each
    with cw.intervene(model, {"conv": cw.Ablate(channels=[0, 1])}):
        wanted = scores(model, data[0][0])
    assert torch.equal(view.edited.output(0, "fc"), wanted)


def test_the_ranking_and_its_top_are_of_the_operation(model, data):
    view = cw.InterventionView(model, data, layer="cat", top=3, score="probability")
    wanted = cw.channel_effects(model, data[0][0], "cat", score="probability", progress=False)
    assert torch.equal(view.effects.change, wanted.change)
    assert view.panel("ranking").bars[0][0] == f"channel {int(wanted.ranking[0])}"
    view.top_off()
    assert view.off == tuple(sorted(wanted.ranking[:3].tolist()))


def test_the_table_of_carried_layers_has_operations_and_carries_them_over(model, data):
    view = cw.InterventionView(model, data, layer="conv", index=1, replace="image", other=3, ranking=False)
    layers = list(view.offered.names)
    table = view.patching
    assert list(table.scores) == layers and {"add", "relu_2", "cat"} <= set(layers)
    wanted = cw.patching(model, data[3][0], data[1][0], layers, progress=False)
    assert all(torch.equal(table.scores[name], wanted.scores[name]) for name in layers)
    view.panel("carried").on_cell(layers.index("cat"))
    assert (view.layer, view.off) == ("cat", tuple(range(8)))
    assert torch.equal(view.edited.output(1, "fc"), scores(model, data[3][0]))


def test_the_accuracy_is_that_under_the_edit(model, data):
    view = cw.InterventionView(model, data, layer="add_1", off=(0, 1, 2), ranking=False)
    wanted = cw.accuracy_effects(model, data, {"add_1": cw.Ablate(channels=[0, 1, 2])}, progress=False)
    assert view.accuracy.overall == wanted.overall


def test_a_norm_behind_an_operation_is_told(model, data):
    view = cw.InterventionView(model, data, layer="mul_1", off=(1,), ranking=False)
    assert view.panel("maps").lines == ["0 is not off: block.norm:2 behind mul_1 makes another number of it"]
    view.follow_norm()
    assert (view.layer, view.off) == ("block.norm:2", (1,))


def test_code_state_and_the_title_of_another_view_say_the_operation(model, data, tmp_path):
    view = cw.InterventionView(model, data, layer="add", index=2, off=(1,), gains=((0, 0.5),), ranking=False)
    names = {"model": model, "data": data}
    exec(view.code({**names}), names)
    assert torch.equal(names["output"], view.edited.output(2, "fc")) and names["view"].state == view.state
    assert cw.open(view.state, model, data).layer == "add"
    other = cw.ActivationView(view.edited, layer="cat", index=2)
    assert "edited: channel 1 of add set to 0; channel 0 of add" in str(other.static().title)
    page = view.to_html(tmp_path / "page.html", index=[2, 3], progress=False).path.read_text()
    assert "channel 1 set to 0" in page and cw.open(tmp_path / "page.html", model, data).state == view.state


def test_the_tab_of_the_overview_goes_to_an_operation(model, data):
    explore = cw.explore(model, data)
    explore.tab = "intervention"
    explore.layer = "add"
    below = explore.tabs.made["intervention"]
    assert isinstance(below, cw.InterventionView) and below.layer == "add" and not explore.tabs.says.value
    explore.layer = "getitem"
    assert "cannot be edited" in explore.tabs.says.value
    explore.close()


def test_a_network_that_cannot_be_traced_has_its_modules_and_says_why(data):
    class Branches(Net):
        def forward(self, x):
            return super().forward(x if float(x.sum()) > 0 else -x)

    view = cw.InterventionView(Branches().eval(), data, ranking=False)
    assert view.layers.names[0] == "conv" and "add" not in view.layers.names
    view.off = (0,)
    assert view.error == "" and view.panel("later0").heading
    with pytest.raises(LookupError, match="cannot trace"):
        view.layer = "add"


def test_operations_on_weights_are_not_offered(data):
    class Standardised(nn.Conv2d):
        def forward(self, x):
            return F.conv2d(x, self.weight - self.weight.mean())

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = Standardised(1, 4, 3)

        def forward(self, x):
            return (self.conv(x) + 1).mean((2, 3))

    view = cw.InterventionView(Outer().eval(), data, layer="add", main_layers=False, ranking=False)
    assert set(view.layers.names) == {"conv2d", "conv", "add", "mean_1"} and view.error == ""
    with pytest.raises(LookupError, match="cannot show layer 'sub', the operation sub"):
        view.layer = "sub"


@pytest.mark.slow
def test_an_addition_of_a_resnet_is_switched_off():
    torch.manual_seed(0)
    model = torchvision.models.resnet18().eval()
    image = torch.rand(3, 64, 64)
    view = cw.InterventionView(model, [(image, 0)], layer="add_2", off=(3, 7), gains=((1, -1.0),), ranking=False)
    with cw.intervene(model, {"add_2": [cw.Ablate(channels=[3, 7]), cw.Scale(-1.0, channels=1)]}):
        wanted = scores(model, image)
    assert torch.equal(view.edited.output(0, "fc"), wanted)
    names = [name for name in view.snapshot.table.names if name.startswith("add")]
    assert len(names) == 8 and set(names) <= set(view.offered.names)
    found = {each.row.name for each in later_layers(view.snapshot, view.edited.at(0), "add_2")}
    assert len(found) == later.SHOWN
