"""Operations in the code of a `forward` are edited as by hand, and by hooks alone."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.overrides import _get_current_function_mode_stack as modes
from torch.utils.checkpoint import checkpoint

import cnnwidgets as cw
from cnnwidgets.compute.interventions import editable_operations, operation_outputs, proved_operations
from cnnwidgets.testing import deep_state, different
from tests.compute.zoo_tools import from_torchvision, given_to

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
HALF = cw.Scale(0.5, channels=[0, 1])


class Inner(nn.Module):
    """A residual block with `+=` and a ReLU that writes in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        y += x
        return F.relu(y, inplace=True)


class Net(nn.Module):
    """A bit of everything: operators, methods and functions, in place or not, in modules that run twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.inner, self.fc = nn.Conv2d(3, 4, 3, padding=1), Inner(), nn.Linear(48, 5)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = self.inner(self.inner(x))
        y = F.max_pool2d(x, 2)
        z = sum([y, y.sigmoid(), y * 2])
        z = torch.cat([z, 1 - y, y.tanh_()], 1)
        z = z[:, :, ::2, ::2]
        return self.fc(torch.flatten(z, 1))


class ByHand(Net):
    """The same, with a function `edit(name, value)` written behind every operation."""

    def forward(self, x, edit=lambda name, value: value):
        def block(x, add, relu):
            y = self.inner.conv(x)
            y = edit(add, y + x)
            return edit(relu, F.relu(y))

        x = edit("relu", F.relu(self.conv(x)))
        x = block(block(x, "add", "relu_1"), "add_1", "relu_2")
        y = edit("max_pool2d", F.max_pool2d(x, 2))
        s, m = edit("sigmoid", y.sigmoid()), edit("mul", y * 2)
        z = edit("add_2", 0 + y)
        z = edit("add_3", z + s)
        z = edit("add_4", z + m)
        one = edit("sub", 1 - y)
        z = edit("cat", torch.cat([z, one, edit("tanh_", y.tanh())], 1))
        z = edit("getitem", z[:, :, ::2, ::2])
        return self.fc(edit("flatten", torch.flatten(z, 1)))


NAMES = [
    *("relu", "add", "relu_1", "add_1", "relu_2", "max_pool2d", "sigmoid", "mul", "add_2", "add_3", "add_4", "sub"),
    *("tanh_", "cat", "getitem", "flatten"),
]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def by_hand(model):
    other = ByHand().eval()
    other.load_state_dict(model.state_dict())
    return other


def halved(value):
    value = value.clone()
    value[:, :2] *= 0.5
    return value


def at(wanted, change=halved):
    return lambda name, value: change(value) if name == wanted else value


def test_every_operation_is_listed(model):
    assert {row.name for row in cw.layer_table(model, IMAGES) if row.operation} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_of_an_operation_is_that_of_a_forward_written_by_hand(model, by_hand, name):
    plain, state = model(IMAGES), deep_state(model)
    with cw.intervene(model, {name: HALF}) as intervention:
        found = model(IMAGES)
    assert torch.equal(found, by_hand(IMAGES, at(name))) and not torch.equal(found, plain)
    assert intervention.count == 1 and torch.equal(model(IMAGES), plain)
    assert not different(state, deep_state(model)) and not modes()


@pytest.mark.parametrize("name", NAMES)
def test_the_value_that_is_edited_is_the_one_that_is_shown_to_the_bit(model, name):
    shown, seen = cw.activations(model, IMAGES, name), []
    with cw.intervene(model, {name: lambda value: seen.append(value.clone()) or value}):
        model(IMAGES)
    assert len(seen) == 1 and torch.equal(seen[0], shown)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_go_through_an_edit_as_by_hand(model, by_hand, name):
    found, wanted = IMAGES.clone().requires_grad_(), IMAGES.clone().requires_grad_()
    with cw.intervene(model, {name: HALF}):
        model.train()(found).square().sum().backward()
    by_hand.train()(wanted, at(name)).square().sum().backward()
    pairs = zip([found, *model.parameters()], [wanted, *by_hand.parameters()], strict=True)
    assert all(torch.allclose(one.grad, other.grad, rtol=1e-5, atol=1e-7) for one, other in pairs)


def test_all_operations_at_once_and_a_module_beside_them(model, by_hand):
    def edit(name, value):
        return halved(value)

    with cw.intervene(model, dict.fromkeys(NAMES, HALF)) as intervention:
        found = model(IMAGES)
    assert torch.equal(found, by_hand(IMAGES, edit)) and intervention.count == len(NAMES)
    with cw.intervene(model, {"add_1": HALF, "inner:2": cw.Ablate(channels=0), "relu_2": HALF}):
        maps = model(IMAGES)

    def hidden(name, value):
        value = halved(value) if name in ("add_1", "relu_2") else value
        return value * torch.tensor([0, 1, 1, 1]).reshape(4, 1, 1) if name == "relu_2" else value

    assert torch.equal(maps, by_hand(IMAGES, hidden))


@pytest.mark.parametrize("grad", [True, False])
def test_what_else_holds_the_tensor_that_is_written_to_sees_the_edit(grad):
    class Aliased(nn.Module):
        def forward(self, x):
            kept = x * 1
            rows = kept.view(-1)
            kept.add_(1)
            return torch.cat([kept.flatten(), rows])

    with torch.set_grad_enabled(grad), cw.intervene(model := nn.Sequential(Aliased()), {"add_": cw.Scale(10.0)}):
        assert model(torch.ones(1, 2)).tolist() == [20, 20, 20, 20]


def test_looks_inside_see_the_edit(model, by_hand):
    with cw.intervene(model, {"add_1": cw.Ablate(channels=1)}):
        assert cw.activations(model, IMAGES, "add_1")[:, 1].abs().max() == 0
        table = cw.layer_table(model, IMAGES)
        assert not table.note and {row.name for row in table if row.operation} == set(NAMES)
        with cw.capture(model, "inner:2", stop=True) as captured:
            model(IMAGES)
        assert captured["inner:2"][:, 1].abs().max() == 0 and not modes()
    assert cw.activations(model, IMAGES, "add_1")[:, 1].abs().max() > 0


def test_the_first_look_may_be_at_the_operation_itself(model):
    with cw.intervene(model, {"cat": cw.Ablate(channels=1)}):
        assert cw.activations(model, IMAGES, "cat")[:, 1].abs().max() == 0


def test_a_subject_with_edits_shows_them(model):
    subject = cw.Subject(model, [(image, 0) for image in IMAGES])
    edited = subject.under({"add": cw.Ablate(channels=[2])})
    assert edited.at(0).output("add")[2].abs().max() == 0 < subject.at(0).output("add")[2].abs().max()
    assert edited.at(0).output("fc").tolist() != subject.at(0).output("fc").tolist()
    assert edited.edited == "channel 2 of add set to 0" and not edited.warnings


def test_blocks_inside_blocks_edit_from_the_outer_to_the_inner(model, by_hand):
    with cw.intervene(model, {"add": cw.Add(1.0)}), cw.intervene(model, {"add": cw.Scale(3.0), "cat": HALF}):
        found = model(IMAGES)

    def edit(name, value):
        return (value + 1) * 3 if name == "add" else halved(value) if name == "cat" else value

    assert torch.equal(found, by_hand(IMAGES, edit)) and not modes()


def test_two_calls_of_a_module_are_edited_each_by_its_own_edit():
    layers = nn.Sequential(nn.Linear(2, 2), relu := nn.ReLU(), nn.Linear(2, 2), relu)
    with torch.no_grad(), cw.intervene(layers, {"1:1": cw.Add(1.0), "1:2": cw.Scale(2.0)}):
        found = layers(IMAGES[0, 0, :, :2])
    assert torch.equal(found, layers[2](layers[0](IMAGES[0, 0, :, :2]).relu() + 1).relu() * 2)


# ------------------------------------------------------------------ nothing is left, and nobody else is touched


class Failing(nn.Module):
    """Raises what it is told to, in its own code or in that of the module that it calls."""

    def __init__(self):
        super().__init__()
        self.child, self.error, self.inside = nn.Identity(), None, False
        self.child.register_forward_hook(lambda *_: self.fail(self.inside))

    def fail(self, now):
        if self.error is not None and now:
            raise self.error

    def forward(self, x):
        x = x + 1
        x = self.child(x)
        self.fail(not self.inside)
        return x * 2


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_after_an_error_no_mode_is_left_and_the_next_pass_is_edited(kind, inside):
    model, x = Failing(), torch.ones(1, 2)
    outer = nn.Sequential(model)
    with cw.intervene(outer, {"mul": cw.Add(10.0)}):
        assert outer(x).tolist() == [[14, 14]]
        for _ in range(2):
            model.error, model.inside = kind("stop"), inside
            with pytest.raises(kind):
                outer(x)
            assert not modes() or kind is KeyboardInterrupt
            model.error = None
            assert outer(x).tolist() == [[14, 14]] and not modes()
        model.error = kind("stop")
        with pytest.raises(kind):
            outer(x)
    assert not modes()
    model.error = None
    assert outer(x).tolist() == [[4, 4]]


def test_an_error_that_the_network_catches_does_not_end_the_edit():
    class Catching(nn.Module):
        def __init__(self):
            super().__init__()
            self.child = Failing()
            self.child.error = ValueError("stop")

        def forward(self, x):
            try:
                x = self.child(x)
            except ValueError:
                x = x - 1
            return x / 2

    model = Catching()
    model.child.error = None
    with cw.intervene(model, {"truediv": cw.Add(1.0), "add": cw.Add(1.0)}) as intervention:
        assert model(torch.ones(1, 2)).tolist() == [[4, 4]]  # ((1 + 1 + 1) * 2) / 2 + 1
        model.child.error = ValueError("stop")
        assert model(torch.ones(1, 2)).tolist() == [[1, 1]]  # (1 - 1) / 2 + 1
        assert intervention.count == 4 and not modes()


def test_modules_that_are_called_compute_without_the_mode():
    seen = []

    class Child(nn.Module):
        def forward(self, x):
            seen.append(len(modes()))
            return x

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.child = Child()

        def forward(self, x):
            x = self.child(x + 1)
            seen.append(len(modes()))
            return x

    with cw.intervene(model := Outer(), {"add": cw.Ablate()}):
        model(torch.ones(1, 2))  # and once for the layer table
        seen.clear()
        model(torch.ones(1, 2))
    assert seen == [0, 1]


def test_a_module_may_call_itself():
    class Again(nn.Module):
        def forward(self, x, left=2):
            x = x + left
            return self(x, left - 1) if left else x

    with cw.intervene(model := nn.Sequential(Again()), {"add_1": cw.Scale(10.0)}):
        assert float(model(torch.zeros(1, 1))) == 30  # ((0 + 2) + 1) * 10 + 0


def test_a_loop_has_an_operation_for_each_time():
    class Loop(nn.Module):
        def forward(self, x):
            for number in range(3):
                x = x * (number + 1)
                x = F.relu(x)
            return x

    with cw.intervene(model := nn.Sequential(Loop()), {"relu_1": cw.Add(1.0)}):
        assert float(model(torch.ones(1, 1))) == 9  # (1 * 2 + 1) * 3


def test_threads_edit_each_their_own_passes(model, by_hand):
    wanted, found = by_hand(IMAGES, at("cat")), []
    with cw.intervene(model, {"cat": HALF}):
        threads = [threading.Thread(target=lambda: found.append(model(IMAGES))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4 and all(torch.equal(each, wanted) for each in found)


def test_copies_and_pickles_made_inside_are_without_the_edits(model):
    plain = model(IMAGES)
    with cw.intervene(model, {"add": HALF, "cat": HALF}):
        model(IMAGES)
        copies = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    for each in copies:
        assert torch.equal(each(IMAGES), plain)
        parts = [vars(part) for part in each.modules()]
        assert not any(table for held in parts for name, table in held.items() if "_hooks" in name)


def test_what_is_traced_or_compiled_inside_is_without_the_edits(model, by_hand):
    plain, compiled = model(IMAGES), torch.compile(model, backend="eager")
    assert torch.allclose(compiled(IMAGES), plain)
    with cw.intervene(compiled, {"add": HALF, "cat": HALF}), torch.no_grad():
        edited = compiled(IMAGES)
        scripted = torch.jit.trace(model, IMAGES, check_trace=False)
        graph = fx.symbolic_trace(model)

    def edit(name, value):
        return halved(value) if name in ("add", "cat") else value

    assert torch.equal(edited, by_hand(IMAGES, edit)) and not modes()
    assert torch.allclose(scripted(IMAGES), plain) and torch.allclose(graph(IMAGES), plain)


def test_data_parallel_is_edited(model, by_hand):
    with cw.intervene(nn.DataParallel(model), {"cat": HALF}):
        assert torch.equal(nn.DataParallel(model)(IMAGES), by_hand(IMAGES, at("cat")))


# ------------------------------------------------------------------ what cannot be edited is said


def refused(model, name, match):
    with pytest.raises(LookupError, match=match), cw.intervene(model, {name: cw.Ablate()}):
        pass
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


@fx.wrap
def whole_step(x):
    return x + 1


def test_what_no_call_of_a_function_of_torch_gives_is_refused():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x):
            return whole_step(self.conv(x).mT)

    refused(Odd(), "getattr_1", r"'getattr_1', an operation in the forward\(\) of the model.*edit 'conv'")
    refused(Odd(), "whole_step", "takes as one step")


def test_what_is_checkpointed_is_refused():
    class Saving(nn.Module):
        def forward(self, x):
            return checkpoint(lambda x: F.relu(x), x, use_reentrant=False)

    refused(nn.Sequential(Saving()), "relu", "checkpointed")


def test_an_operation_of_torchscript_and_of_a_network_that_cannot_be_traced_is_refused(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.trace(model, IMAGES)
    refused(scripted, "relu", "TorchScript")

    class Branching(nn.Module):
        def forward(self, x):
            return x + 1 if x.sum() > 0 else x

    refused(nn.Sequential(Branching()), "add", "no layer 'add'.*cannot trace")


def test_one_of_several_values_is_refused_and_so_are_all_of_them_together():
    class Halves(nn.Module):
        def forward(self, x):
            one, other = x.chunk(2, 1)
            return one + other

    model, x = nn.Sequential(Halves()), torch.ones(2, 4)
    refused(model, "getitem_1", "one of several values")
    with pytest.raises(ValueError, match="'chunk' gives a tuple"), cw.intervene(model, {"chunk": cw.Ablate()}):
        model(x)
    assert not modes()


def test_that_a_network_goes_another_way_than_its_graph_is_said():
    class Other(nn.Module):
        def forward(self, x):
            return (x + 1) * 2 if isinstance(x, fx.Proxy) else x * 2 + 2

    model = nn.Sequential(Other(), nn.Conv2d(3, 2, 1))
    told = pytest.warns(UserWarning, match=r"'add' was not edited: no pass came to it in the forward\(\) of '0'")
    with told, cw.intervene(model, {"add": cw.Ablate()}) as intervention:
        model(IMAGES)
        assert "no pass came to it" in intervention.warnings[0]
        with pytest.raises(RuntimeError, match="'add' cannot be edited: the model never comes to it"):
            cw.activations(model, IMAGES, "add")
    with pytest.raises(ValueError, match="no pass of the model comes to operation 'add'"):
        cw.channel_effects(model, IMAGES, "add", score=lambda maps: maps.flatten(1), target=0, progress=False)


def test_an_operation_that_is_another_one_in_the_graph_is_refused_when_the_model_runs():
    class Other(nn.Module):
        def forward(self, x):
            return x + (1 if isinstance(x, fx.Proxy) else 2) - (0 if isinstance(x, fx.Proxy) else 1)

    model = nn.Sequential(Other(), nn.Conv2d(3, 2, 1))
    told = pytest.raises(ValueError, match=r"'add' cannot be edited: .*or other numbers")
    with told, cw.intervene(model, {"add": cw.Ablate()}):
        model(IMAGES)


def test_a_channel_that_does_not_exist_is_an_error_and_leaves_nothing(model):
    told = pytest.raises(ValueError, match="no channel 12 in layer 'cat'")
    with told, cw.intervene(model, {"cat": cw.Ablate(channels=12)}):
        model(IMAGES)
    assert not modes()


def test_the_norm_behind_an_operation_is_told():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, x):
            return self.norm(x + 1)

    with cw.intervene(model := Normed().eval(), {"add": cw.Ablate(channels=0)}) as intervention:
        model(IMAGES)
    assert "another number behind 'norm'" in intervention.warnings[0]


# ------------------------------------------------------------------ effects, units, patching


@pytest.mark.parametrize("name", ["add", "relu_1", "cat"])
def test_the_effects_of_channels_are_those_of_edits_one_by_one(model, name):
    effects = cw.channel_effects(model, IMAGES, name, target=1, progress=False)
    assert "what is behind" in effects.words
    for channel in range(effects.scores.shape[1]):
        with torch.no_grad(), cw.intervene(model, {name: cw.Ablate(channels=channel)}):
            assert torch.allclose(effects.scores[:, channel], model(IMAGES)[:, 1], atol=1e-6)


def test_where_the_network_cannot_be_cut_the_whole_of_it_runs(model, monkeypatch):
    wanted = cw.channel_effects(model, IMAGES, "add", target=1, progress=False)
    monkeypatch.setattr("cnnwidgets.compute.interventions.graph.KEPT", 0)
    found = cw.channel_effects(model, IMAGES, "relu_1", target=1, progress=False)
    assert torch.isfinite(found.scores).all() and wanted.scores.shape == found.scores.shape
    found = cw.channel_effects(model, IMAGES, "add", target=1, progress=False)
    assert torch.allclose(found.scores, wanted.scores, atol=1e-6)


def test_an_operation_is_patched_and_its_units_are_found(model):
    table = cw.patching(model, IMAGES[0], IMAGES[1], ["flatten", "cat"], target=1, progress=False)
    assert table.mean["flatten"] == pytest.approx(1, abs=1e-4) == table.mean["cat"]
    target = int(model(IMAGES[:1]).argmax())
    found = cw.units_for_class(model, IMAGES[:1], "flatten", target, most=2, progress=False)
    assert len(found.channels) <= 2 and len(found.kept) == len(found.channels) + 1


# ------------------------------------------------------------------ real networks

ZOO = [
    *("resnet18", "resnext50_32x4d", "densenet121", "mobilenet_v3_small", "googlenet", "inception_v3", "squeezenet1_1"),
    *("shufflenet_v2_x0_5", "mnasnet0_5", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "vit_b_16", "swin_t"),
]


def with_a_step(model, name, change):
    """The traced network with a step written behind an operation."""
    module = fx.symbolic_trace(copy.deepcopy(model))
    node = next(each for each in module.graph.nodes if each.name == name)
    with module.graph.inserting_after(node):
        step = module.graph.call_function(change, (node,))
    node.replace_all_uses_with(step)
    step.args = (node,)
    return fx.Interpreter(module)


def check(name, most):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, image, _ = from_torchvision(name)
    model.eval()
    image = image[None]
    rows = [row for row in cw.layer_table(model, image) if row.operation and row.dtype.is_floating_point]
    chosen = {(row.type, type(model.get_submodule(row.module))): row for row in rows if row.type != "getitem"}
    shown, plain = cw.activations(model, image, [row.name for row in chosen.values()]), given_to(model, image)
    edited = 0
    for row in list(chosen.values())[:most]:
        seen = []

        def change(value, seen=seen):
            seen.append(value.clone())
            return value * 0.5

        try:
            with torch.no_grad(), cw.intervene(model, {row.name: change}):
                found = given_to(model, image)
        except LookupError:
            continue  # a step of the graph that is no call of a function of torch
        assert torch.equal(seen[0], shown[row.name]) and len(seen) == 1
        with torch.no_grad():
            wanted = with_a_step(model, row.name, lambda value: value * 0.5).run(image)
        assert torch.equal(found, wanted if isinstance(wanted, torch.Tensor) else wanted[0]), row.name
        edited += 1
    assert torch.equal(given_to(model, image), plain) and not modes()
    return edited


def test_the_sums_of_a_resnet_are_edited_as_in_a_graph_with_a_step_behind_them():
    assert check("resnet18", 2) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_operations_of_a_network_of_torchvision_are_edited_as_in_a_graph_with_a_step_behind_them(name):
    assert check(name, 12) >= 1


# ------------------------------------------------------------------ what they give in a pass


def test_what_operations_give_in_a_pass_is_what_the_graph_gives_and_under_an_edit_what_is_there_then(model, by_hand):
    places = proved_operations(model, IMAGES)
    assert list(places) == list(editable_operations(model)) == NAMES
    state, found = deep_state(model), operation_outputs(model, IMAGES, places.values())
    assert all(torch.equal(found[name], cw.activations(model, IMAGES, name)) for name in NAMES)
    with cw.intervene(model, {"inner:1": HALF}):  # a module that the graph has taken apart
        edited = operation_outputs(model, IMAGES, places.values())
    seen = {}

    def note(name, value):
        seen[name] = value.detach().clone()
        return halved(value) if name == "relu_1" else value

    by_hand(IMAGES, note)
    assert [name for name in NAMES if not torch.equal(edited[name], seen[name])] == []
    same = [name for name in NAMES if torch.equal(edited[name], found[name])]
    assert same == ["relu", "add", "relu_1"] and not different(state, deep_state(model)) and not modes()


def test_an_operation_that_is_another_one_in_a_pass_is_not_proved():
    class Odd(nn.Module):
        def forward(self, x):
            x = x + 1
            return x * (2 if isinstance(x, fx.Proxy) else 3)

    assert list(proved_operations(nn.Sequential(Odd()), IMAGES)) == ["add"]
    assert operation_outputs(nn.Sequential(nn.ReLU()), IMAGES, []) == {}
