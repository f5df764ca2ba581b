"""One careful pass: the input fits the model, and an error says which layer got what and wants what."""

from __future__ import annotations

from collections import UserDict, namedtuple
from types import MappingProxyType

import pytest
import torch
from torch import nn

from cnnwidgets.compute.core.forward import ForwardError, call, describe
from cnnwidgets.compute.layers.activations import activations

Pair = namedtuple("Pair", "image shift")


class Shifted(nn.Module):
    """Adds `shift`, and writes to its first argument."""

    def __init__(self):
        super().__init__()
        self.last = nn.Identity()

    def forward(self, image, shift=0.0):
        return self.last(image.add_(1) + shift)


def refusal(model, images, **options):
    with pytest.raises(ForwardError) as caught:
        activations(model, images, **options)
    assert isinstance(caught.value.__cause__, Exception)
    return str(caught.value)


def test_bytes_become_floats_from_0_to_1():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    output = activations(nn.Sequential(nn.Identity()), images, "0")
    assert output.dtype == torch.float32
    assert output.flatten().tolist() == [0.0, pytest.approx(0.2), 1.0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_image_takes_the_type_of_the_weights(dtype, doubling, one_to_four):
    output = activations(nn.Sequential(doubling.to(dtype)), one_to_four, "0")
    assert output.dtype == dtype
    assert output.flatten().tolist() == [-2, -4, -6, -8]
    assert one_to_four.dtype == torch.float32


def test_whole_numbers_stay_whole_for_an_embedding():
    table = nn.Embedding(3, 1)
    table.weight.data = torch.tensor([[10.0], [11.0], [12.0]])
    assert activations(nn.Sequential(table), torch.tensor([[2, 0]]), "0").flatten().tolist() == [12, 10]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_image_goes_to_the_device_of_the_model_and_the_output_stays_there(doubling, one_to_four):
    model = nn.Sequential(doubling.cuda().half(), nn.ReLU(inplace=True))
    torch.cuda.manual_seed(0)
    before = torch.cuda.get_rng_state()
    output = activations(model, one_to_four, "0")
    assert (output.device.type, output.dtype) == ("cuda", torch.float16)
    assert output.flatten().tolist() == [-2, -4, -6, -8]
    assert one_to_four.device.type == "cpu"
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        (lambda item: item["image"], 1),
        (lambda item: (item["image"], 10.0), 11),
        (lambda item: {"shift": 20.0, "image": item["image"]}, 21),
        (lambda item: UserDict(shift=40.0, image=item["image"]), 41),
        (lambda item: MappingProxyType({"shift": 50.0, "image": item["image"]}), 51),
        (lambda item: Pair(item["image"], torch.tensor(30, dtype=torch.uint8)), pytest.approx(1 + 30 / 255)),
    ],
    ids=["one value", "tuple", "keywords", "another mapping", "a mapping that cannot be written to", "named tuple"],
)
def test_prepare_gives_the_arguments_and_its_tensors_are_not_written_to(prepare, expected):
    item = {"image": torch.zeros(1, 1), "label": 3}
    assert activations(Shifted(), item, "last", prepare=prepare).item() == expected
    assert item["image"].item() == 0


def test_a_list_of_images_reaches_the_model_as_a_list_of_copies():
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Identity()

        def forward(self, images):
            assert isinstance(images, list)
            return self.last(images[0].add_(1) + images[1].sum())

    images = [torch.zeros(1), torch.ones(2, dtype=torch.float64)]
    assert call(First(), images).item() == 3
    assert [image.sum().item() for image in images] == [0, 2]


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (
            lambda: nn.Sequential(nn.Conv2d(3, 4, 3)),
            (1, 1, 8, 8),
            "layer '0' (Conv2d) refused its input: got 1 x 1 x 8 x 8, wants 3 channels in the second axis (Runtime",
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 4, 3)),
            (2, 3, 8, 8),
            "layer '0' (Conv2d) refused its input: got 2 x 3 x 8 x 8, wants 1 channel in the second axis (RuntimeError",
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Sequential(nn.Flatten(), nn.Linear(400, 84))),
            (1, 1, 8, 8),
            "layer '1.1' (Linear) refused its input: got 1 x 144, wants 400 features in the last axis (RuntimeError",
        ),
        (
            lambda: nn.Sequential(nn.Identity(), nn.BatchNorm2d(5)),
            (1, 3, 8, 8),
            "layer '1' (BatchNorm2d) refused its input: got 1 x 3 x 8 x 8, wants 5 channels in the second axis (",
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 1, 9)),
            (1, 1, 4, 4),
            "layer '0' (Conv2d) refused its input: got 1 x 1 x 4 x 4 (RuntimeError: Calculated padded input size",
        ),
        (
            lambda: nn.Conv2d(3, 4, 3),
            (1, 1, 8, 8),
            "Conv2d refused its input: got 1 x 1 x 8 x 8, wants 3 channels in the second axis (RuntimeError",
        ),
    ],
)
def test_the_layer_that_refused_is_named_with_what_it_got_and_wants(model, shape, message):
    assert refusal(model(), torch.zeros(shape)).startswith(message)


def test_an_error_of_the_models_own_is_told_in_one_line():
    class Picky(nn.Module):
        def forward(self, x):
            raise ValueError("only square\n   images, please " + "!" * 400)

    model = nn.Sequential(nn.Linear(2, 2))
    model.picky = Picky()
    message = refusal(model, torch.ones(1, 2))
    assert message.startswith(
        "layer 'picky' (Picky) refused its input: got 1 x 2 (ValueError: only square images, please !!!"
    )
    assert len(message) < 400


def test_the_error_that_the_model_raised_is_the_cause():
    class Picky(nn.Module):
        def __init__(self):
            super().__init__()
            self.spare = nn.Linear(1, 1)

        def forward(self, x):
            raise KeyError("dorsal")

    with pytest.raises(ForwardError) as caught:
        activations(Picky(), torch.zeros(1, 1, 2, 2))
    assert isinstance(caught.value.__cause__, KeyError)
    message = str(caught.value)
    assert message.startswith("Picky has an error in its own code, test_forward.py, line ")
    assert message.endswith(": got 1 x 1 x 2 x 2 (KeyError: 'dorsal')")


class Step(nn.Module):
    """Does one thing in its own forward()."""

    def __init__(self, step):
        super().__init__()
        self.spare, self.step = nn.Linear(1, 1), step

    def forward(self, x):
        return self.step(self, x)


class TakesTwo(nn.Module):
    def forward(self, x, mask):
        return x


def out_of_memory(step, x):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def recomputed(step, x):
    from torch.utils.checkpoint import checkpoint

    return checkpoint(lambda y: y, x, use_reentrant=False, no_such_option=1)


def compiled(step, x):
    error = type("InternalTorchDynamoError", (RuntimeError,), {"__module__": "torch._dynamo.exc"})
    raise error("graph break")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda step, x: {}["no such key"], "has an error in its own code, test_forward.py, line "),
        (lambda step, x: x.no_such_name, "has an error in its own code, test_forward.py, line "),
        (lambda step, x: x.reshape(7), "failed on its input in test_forward.py, line "),
        (lambda step, x: TakesTwo()(x), "has an error in its own code, test_forward.py, line "),
        (out_of_memory, "ran out of memory: got 1 x 1 x 2 x 2 ("),
        (compiled, "failed in torch.compile: got 1 x 1 x 2 x 2; look at the model before it is compiled ("),
        (
            lambda step, x: step.spare(x.double()),
            "has weights of type torch.float32, and its input is of type torch.float64",
        ),
        (lambda step, x: step.spare(x.to("meta")), "has weights on cpu, and its input is on meta: got 1 x 1 x 2 x 2 ("),
        (recomputed, "failed in torch.utils.checkpoint, called in test_forward.py, line "),
    ],
)
def test_what_went_wrong_is_told_from_an_input_that_a_layer_refuses(step, words):
    message = refusal(nn.Sequential(Step(step)), torch.zeros(1, 1, 2, 2))
    assert words in message and "refused its input" not in message


def test_a_model_that_takes_more_than_an_image_is_said_to_refuse_it():
    model = nn.Sequential(nn.Linear(1, 1))
    model.forward = TakesTwo().forward
    message = refusal(model, torch.zeros(1, 1))
    assert "missing 1 required positional argument: 'mask'" in message
    assert message.endswith("prepare= gives a network several inputs: prepare=lambda image: (image[None], other)")


def test_an_item_without_a_tensor_is_refused_by_the_first_layer():
    message = refusal(nn.Sequential(nn.Linear(1, 1)), "image.png", prepare=lambda item: item)
    assert message.startswith("layer '0' (Linear) refused its input: got no tensor (TypeError: ")


def test_too_many_arguments_are_the_models_refusal_too():
    message = refusal(Shifted(), torch.zeros(1), prepare=lambda image: (image, 1, 2))
    assert message.startswith("Shifted refused its input: got tuple (TypeError: ")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_not_turned_into_an_error(error):
    class Interrupted(nn.Module):
        def forward(self, x):
            raise error

    with pytest.raises(error):
        activations(nn.Sequential(nn.Linear(1, 1), Interrupted()), torch.ones(1, 1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(1, 3, 28, 28), "1 x 3 x 28 x 28"),
        (torch.zeros(7), "7"),
        (torch.tensor(1.0), "a single number"),
        ([torch.zeros(1)], "list"),
        (None, "NoneType"),
    ],
)
def test_a_value_is_described_as_a_person_reads_it(value, words):
    assert describe(value) == words


class Photos:
    """A data set, if not one of torch."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return torch.zeros(3, 8, 8), 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.zeros(2, 5, 3, 8, 8), r"; its first convolution, '0', takes \(N, 3, H, W\)$"),
        ({"x": torch.zeros(1, 3, 8, 8)}, "; a mapping is one argument: prepare=lambda batch: batch hands over"),
        ([torch.zeros(3, 8, 8), torch.zeros(3, 9, 9)], "; the list is one argument: torch.stack makes a batch"),
        (Photos(), r"; if the Photos is a data set: dataset\[0\]\[0\] gives its first image, a tensor \(C, H, W\)$"),
    ],
)
def test_where_the_form_is_the_likely_cause_what_to_do_is_said(given, words):
    with pytest.raises(ForwardError, match=words):
        activations(nn.Sequential(nn.Conv2d(3, 4, 3)), given)
