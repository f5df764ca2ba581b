"""The plain module behind a wrapper, where its numbers live, and inputs that go there as copies."""

from __future__ import annotations

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core.fingerprint import weights_version
from cnnwidgets.compute.core.model import device_of, dtype_of, entrance, moved, plain, tensors_of

CPU = torch.device("cpu")
Pair = namedtuple("Pair", "image count")


class Silent(nn.Module):
    """Has a parameter and no forward()."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


def test_wrappers_are_taken_off():
    model = nn.Sequential(nn.Linear(1, 1))
    assert plain(model) is model
    assert plain(nn.DataParallel(model)) is model
    assert plain(torch.compile(model, backend="eager")) is model
    assert plain(nn.DataParallel(torch.compile(model, backend="eager"))) is model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (None, TypeError, "model must be a torch.nn.Module, not NoneType"),
        (lambda x: x, TypeError, "model must be a torch.nn.Module, not function"),
        (nn.Sequential, TypeError, "model is the class Sequential, not a model; call it: Sequential(...)"),
        (nn.Sequential(), ValueError, "model Sequential has no layers: it holds no modules and no parameters"),
        (nn.ModuleList([nn.ReLU()]), ValueError, "ModuleList has no forward(): it is a container, not a network"),
        (Silent(), ValueError, "Silent has no forward(): it is a container, not a network"),
        (
            nn.Sequential(nn.LazyLinear(2)),
            ValueError,
            "Sequential has lazy layers without weights yet: run it once on an image first",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_what_is_no_network_is_refused_in_plain_words(model, error, message):
    with pytest.raises(error) as caught:
        plain(model)
    assert str(caught.value) == message


def test_device_and_type_are_those_of_the_first_numbers():
    model = nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.Linear(2, 2).double())
    assert dtype_of(model) == torch.float64  # parameters go before the statistics of the layer in front
    assert dtype_of(nn.Sequential(nn.BatchNorm1d(2, affine=False)).half()) == torch.float16
    assert device_of(nn.Linear(1, 1, device="meta")) == torch.device("meta")
    assert [tensor.shape.numel() for tensor in tensors_of(model)] == [4, 2, 2, 2, 1]


def test_a_model_without_numbers_lives_on_the_cpu_as_float32():
    assert (device_of(nn.ReLU()), dtype_of(nn.ReLU())) == (CPU, torch.float32)


def test_whole_number_weights_do_not_decide_the_type():
    model = nn.Sequential(nn.Linear(1, 1).half())
    model.register_parameter("steps", nn.Parameter(torch.tensor([3]), requires_grad=False))
    assert next(model.parameters()).dtype == torch.int64
    assert dtype_of(model) == torch.float16


def test_the_type_is_that_of_the_first_convolution_whatever_is_registered_before_it():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(2, 1)
            self.body = nn.Conv2d(1, 2, 1).half()

    assert dtype_of(Net()) == torch.float16
    assert dtype_of(nn.Sequential(nn.Conv2d(1, 2, 1, dtype=torch.complex128))) == torch.float64


def test_types_in_which_nothing_is_computed_do_not_decide():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2).bfloat16())
    model[0].weight = nn.Parameter(model[0].weight.to(torch.float8_e4m3fn), requires_grad=False)
    model[0].bias = None
    assert dtype_of(model) == torch.bfloat16


def test_the_entrance_is_the_first_convolution_unless_an_embedding_comes_before_it():
    model = nn.Sequential(nn.Flatten(2), nn.Sequential(nn.Conv1d(4, 2, 3)), nn.Conv2d(2, 1, 1))
    entry = entrance(model)
    assert (entry.name, entry.module, entry.channels, entry.axes) == ("1.0", model[1][0], 4, 1)
    assert entry.form == "(N, 4, L)"
    assert entrance(nn.Sequential(nn.MaxPool2d(2), nn.Linear(2, 2))) is None
    assert entrance(nn.Sequential(nn.Embedding(3, 4), nn.Conv1d(4, 2, 1))) is None
    assert entrance(torch.jit.script(nn.Sequential(nn.Conv3d(3, 2, 1)))).form == "(N, 3, D, H, W)"


def test_the_weights_version_changes_with_each_step_and_each_loaded_state_and_stays_otherwise():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    versions = [weights_version(model)]
    model(torch.ones(1, 2)).sum().backward()
    assert weights_version(model) == versions[0]
    optimizer.step()
    versions.append(weights_version(model))
    model.load_state_dict(nn.Linear(2, 1).state_dict())
    versions.append(weights_version(model))
    states = [nn.Linear(2, 1).state_dict() for _ in range(2)]  # both at version 0
    for state in states:
        model.load_state_dict(state, assign=True)
        versions.append(weights_version(model))
    model.weight.data = torch.zeros(1, 2)
    versions.append(weights_version(model))
    assert len(set(versions)) == len(versions) == 6


def test_weights_made_in_inference_mode_have_a_version_that_stays():
    with torch.inference_mode():
        model = nn.Linear(1, 1)
    assert weights_version(model) == weights_version(model)


def test_bytes_are_scaled_and_floats_take_the_type():
    assert moved(torch.tensor([51], dtype=torch.uint8), CPU, torch.float32).item() == pytest.approx(0.2)
    assert moved(torch.tensor([0.5], dtype=torch.float64), CPU, torch.float32).dtype == torch.float32
    assert moved(torch.tensor([255], dtype=torch.uint8), CPU, torch.float16).item() == 1


@pytest.mark.parametrize("value", [torch.tensor([7]), torch.tensor([True]), torch.tensor([1j])])
def test_other_numbers_keep_their_type(value):
    copy = moved(value, CPU, torch.float16)
    assert (copy.dtype, copy.item()) == (value.dtype, value.item())


def test_containers_are_rebuilt_around_copies():
    image = torch.zeros(1)
    value = OrderedDict(a=[image, (image,)], b=Pair(image, 3), c="words")
    copy = moved(value, CPU, torch.float32)
    assert copy == {"a": [image, (image,)], "b": Pair(image, 3), "c": "words"}
    assert isinstance(copy["b"], Pair)
    for tensor in (copy["a"][0], copy["a"][1][0], copy["b"].image):
        tensor.add_(1)
    assert image.item() == 0


class Feature(UserDict):
    """As what processors of transformers return: a mapping, and no dict."""


class Output(OrderedDict):
    """As what models of transformers return: its keys are attributes too."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setattr__(key, value)


@dataclass(frozen=True)
class Sample:
    image: torch.Tensor
    name: str = "a"


def test_every_kind_of_mapping_and_data_class_is_rebuilt_around_copies():
    image = torch.zeros(1, dtype=torch.float64)
    feature = moved(Feature(x=[image]), CPU, torch.float32)
    assert type(feature) is Feature and feature["x"][0].dtype == torch.float32
    output = moved(Output(logits=image), CPU, torch.float32)
    assert type(output) is Output and output.logits.dtype == output["logits"].dtype == torch.float32
    sample = moved(Sample(image), CPU, torch.float32)
    assert type(sample) is Sample and (sample.image.dtype, sample.name) == (torch.float32, "a")
    assert moved(MappingProxyType({"x": image}), CPU, torch.float32)["x"].dtype == torch.float32
    assert image.dtype == torch.float64


def test_a_mapping_that_refuses_its_copy_becomes_a_dict():
    class Closed(Feature):
        def __copy__(self):
            raise TypeError("no copies")

    assert moved(Closed(x=torch.ones(1)), CPU, torch.float32) == {"x": torch.ones(1)}


@pytest.mark.parametrize(("kind", "made"), [(torch.float32, torch.complex64), (torch.float64, torch.complex128)])
def test_complex_numbers_get_the_precision_of_the_model(kind, made):
    assert moved(torch.tensor([1j]), CPU, kind).dtype == made


def test_a_copy_carries_no_gradient():
    image = torch.ones(1, requires_grad=True)
    copy = moved(image * 2, CPU, torch.float32)
    assert (copy.requires_grad, copy.item()) == (False, 2)


class _Loader:
    """What loads weights layer by layer leaves on a module: where the layer computes."""

    execution_device = "cpu"


def test_weights_on_no_device_between_two_passes_do_not_decide_where_the_model_computes():
    model = nn.Sequential(nn.Linear(1, 1, device="meta"), nn.Linear(1, 1))
    assert device_of(model) == CPU
    model = nn.Sequential(nn.Linear(1, 1, device="meta"))
    assert device_of(model) == torch.device("meta")
    model[0]._hf_hook = _Loader()
    assert device_of(model) == CPU


def test_the_module_of_an_exported_program_is_refused_with_what_to_give_instead():
    program = torch.export.export(nn.Sequential(nn.Conv2d(3, 4, 3)).eval(), (torch.zeros(1, 3, 8, 8),))
    with pytest.raises(TypeError, match=r"exported program \(torch.export\).*give the model that was exported"):
        plain(program.module())


def test_the_tensors_of_an_object_are_copied_with_it():
    image = torch.zeros(1, dtype=torch.float64)
    given = SimpleNamespace(image=image, name="a")
    copy = moved(given, CPU, torch.float32)
    assert (copy.image.dtype, copy.name) == (torch.float32, "a") and given.image is image


@pytest.mark.filterwarnings("ignore")  # torch calls TorchScript deprecated
def test_what_follows_the_layers_of_torchscript_says_that_it_is():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    data = [(torch.rand(1, 4, 4), at % 2) for at in range(8)]
    traced = torch.jit.trace(model, torch.rand(1, 1, 4, 4))
    for look, instead in (
        (lambda: cw.scan(traced, data, progress=False), "name those to scan, as in cw.layer_table"),
        (lambda: cw.scan(traced, data, "(output)", progress=False), "name those to scan"),
        (lambda: cw.cka(model, traced, data, progress=False), "compare the model that it was made of"),
        (lambda: cw.response_changes(traced, model, data, progress=False), "compare the model"),
        (lambda: cw.match_channels(model, traced, data, "0", progress=False), "compare the model"),
    ):
        with pytest.raises(ValueError, match=f"TopLevelTracedModule is TorchScript, .* outside Python: {instead}"):
            look()
    found = cw.scan(traced, data, "0", progress=False)["0"]
    torch.testing.assert_close(found.mean, cw.scan(model, data, "0", progress=False)["0"].mean)
    assert cw.disagreements(model, traced, data, progress=False).images == 8
