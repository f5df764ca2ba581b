"""Whatever a module returns is walked to its tensors, each with a place in it."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest
import torch
from torch import nn

from cnnwidgets.compute.core.outputs import are_probabilities, leaves, rebuilt, replaced, why_not

A, B = torch.tensor([1.0]), torch.tensor([2.0])
Pair = namedtuple("Pair", "left right")


@dataclass
class Result:
    scores: torch.Tensor
    hidden: tuple = field(default_factory=tuple)


class Bag:
    def __init__(self):
        self.tensors, self.sizes, self.mask = A, [(2, 2)], B


class Rows(list):
    """A list under another name."""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (A, [("", A)]),
        (nn.Parameter(A), [("", A)]),
        ((A, B), [("0", A), ("1", B)]),
        ([A], [("0", A)]),
        (Rows([A, B]), [("0", A), ("1", B)]),
        ({"out": A, "aux": B}, [("out", A), ("aux", B)]),
        (OrderedDict({2: A}), [("2", A)]),
        (Pair(A, B), [("left", A), ("right", B)]),
        (Result(A), [("scores", A), ("hidden", ())]),
        (Bag(), [("tensors", A), ("mask", B)]),
        (None, [("", None)]),
        (3.5, [("", 3.5)]),
        ("words", [("", "words")]),
        ({}, [("", {})]),
        (Result, [("", Result)]),
        ([{"boxes": A}, Pair(B, None)], [("0.boxes", A), ("1.left", B), ("1.right", None)]),
        ({"deep": {"er": [[A]]}}, [("deep.er.0.0", A)]),
    ],
)
def test_every_value_has_a_place(output, expected):
    assert list(leaves(output)) == expected


def test_the_values_are_the_very_tensors():
    ((_, first), (_, second)) = leaves({"out": A, "aux": [B]})
    assert first is A
    assert second is B


def test_the_place_of_the_whole_goes_before_that_of_the_part():
    assert [place for place, _ in leaves((A, {"x": B}), "decoder")] == ["decoder.0", "decoder.1.x"]


def test_packed_sequences_are_named_tuples_like_any_other():
    packed = nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])
    assert [(place, None if value is None else value.tolist()) for place, value in leaves(packed)] == [
        ("data", [1, 1, 1]),
        ("batch_sizes", [2, 1]),
        ("sorted_indices", None),
        ("unsorted_indices", None),
    ]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda: torch.ones(2), None),
        (lambda: torch.tensor(1), None),
        (lambda: torch.ones(2, dtype=torch.bool), None),
        (lambda: torch.tensor([float("nan")]), None),
        (lambda: None, "gives None"),
        (lambda: 7, "gives int, not a tensor"),
        (lambda: [], "gives list, not a tensor"),
        (lambda: torch.ones(0, 3), "gives an empty tensor of shape (0, 3)"),
        (lambda: torch.eye(2).to_sparse(), "gives a sparse tensor (torch.sparse_coo)"),
        (lambda: torch.ones(2, device="meta"), "gives a tensor on the meta device, which holds no values"),
        (lambda: torch.nested.nested_tensor([A, B]), "gives a nested tensor, whose rows differ in length"),
    ],
)
def test_what_cannot_be_drawn_has_a_reason(value, reason):
    assert why_not(value()) == reason


PRECISE = [torch.bfloat16, torch.float16, torch.float32, torch.float64]


@pytest.mark.parametrize("classes", [2, 3, 10, 1000, 30_001, 200_003])
@pytest.mark.parametrize("kind", PRECISE)
def test_probabilities_are_told_as_far_as_their_precision_goes(kind, classes):
    torch.manual_seed(classes)
    for scale in (0.0, 1.0, 8.0):
        shares = (scale * torch.randn(3, classes, dtype=torch.float64)).softmax(1)
        for scores in (shares.to(kind), shares.to(kind).float(), (shares.log().to(torch.float32).exp()).to(kind)):
            assert are_probabilities(scores)


def test_the_rounding_that_is_allowed_is_that_of_the_type():
    # 1 - 3/256: three roundings of bfloat16 below 1; 1 - 3/2048 of float16; neither is of float32
    assert are_probabilities(torch.tensor([0.5, 0.48828125], dtype=torch.bfloat16))
    assert are_probabilities(torch.tensor([0.5, 0.48828125]))  # handed on as float32
    assert not are_probabilities(torch.tensor([0.5, 0.5 - 6 / 256], dtype=torch.bfloat16))
    assert are_probabilities(torch.tensor([1434 / 2048, 611 / 2048], dtype=torch.float16))
    assert not are_probabilities(torch.tensor([1434 / 2048, 610 / 2048], dtype=torch.float16))
    assert are_probabilities(torch.tensor([0.7, 0.2992]))
    assert not are_probabilities(torch.tensor([0.7, 0.2988]))


@pytest.mark.parametrize("kind", PRECISE)
def test_scores_that_are_no_probabilities_are_told_in_any_precision(kind):
    for scores in ([[0.5, 0.6]], [[-0.5, 1.5]], [[1.0, 2.0]], [[0.5, 0.5], [3.0, 1.0]], [[float("nan"), 1.0]]):
        assert not are_probabilities(torch.tensor(scores, dtype=kind))


@dataclass(frozen=True)
class Frozen:
    scores: torch.Tensor


@pytest.mark.parametrize(
    "output",
    [
        A,
        (A, B),
        [None, A],
        Rows([A, B]),
        {"a": {1: A}},
        OrderedDict(x=B, y=(A,)),
        Pair(B, A),
        Frozen(A),
        Result(B, (A,)),
        Bag(),
    ],
)
def test_a_tensor_is_replaced_where_it_stands_and_nothing_else(output):
    before = list(leaves(output))
    for path, value in before:
        if not isinstance(value, torch.Tensor):
            continue
        other = torch.tensor([7.0])
        found = replaced(output, path, other)
        assert type(found) is type(output)
        wanted = [(place, other if place == path else part) for place, part in before]
        assert all(
            place == there and part is here for (place, part), (there, here) in zip(wanted, leaves(found), strict=True)
        )
        after = list(leaves(output))
        assert all(one is other for (_, one), (_, other) in zip(before, after, strict=True))


def test_a_tensor_that_is_not_there_is_not_replaced():
    with pytest.raises(LookupError, match="no tensor '2'"):
        replaced((A, B), "2", A)


def test_a_tensor_in_a_mapping_that_cannot_be_written_to_is_replaced_in_a_dict():
    assert replaced(MappingProxyType({"x": A, "y": B}), "x", B) == {"x": B, "y": B}


def test_what_is_changed_is_what_is_found_in_an_output():
    output = {"a": [A, None, ()], "b": Bag(), "c": Pair(A, {"d": "words"}), "e": torch.Size([2])}
    seen = []
    made = rebuilt(output, lambda leaf: seen.append(leaf) or leaf)
    found = [value for _, value in leaves(output) if value != ()]
    assert len(seen) == len(found) and all(one is other for one, other in zip(seen, found, strict=True))
    assert [path for path, _ in leaves(made)] == [path for path, _ in leaves(output)]
    assert made["b"] is not output["b"] and type(made["b"]) is Bag and made["b"].sizes is output["b"].sizes
