"""Layer names: what `name`, `name:2`, `name.key` and `name[key]` mean, and the answer to a misspelt one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.core.names import (
    find_layer,
    get_layer,
    listing,
    module_names,
    nearest,
    parse,
    unknown_layer,
    whole,
)
from cnnwidgets.models import lenet5

KNOWN = dict.fromkeys(["relu", "backbone", "backbone.out", "odd:2", "odd[key]"], "")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("relu", ("relu", None, "")),
        ("relu:2", ("relu", 2, "")),
        ("relu:12.0.boxes", ("relu", 12, "0.boxes")),
        ("backbone.out", ("backbone.out", None, "")),
        ("backbone.low", ("backbone", None, "low")),
        ("backbone[out]", ("backbone", None, "out")),
        ("backbone:3[out]", ("backbone", 3, "out")),
        ("backbone.out[0.boxes]", ("backbone.out", None, "0.boxes")),
        ("backbone.out.out", ("backbone.out", None, "out")),
        ("odd:2", ("odd:2", None, "")),
        ("odd:2:1", ("odd:2", 1, "")),
        ("odd[key]", ("odd[key]", None, "")),
    ],
)
def test_a_name_falls_into_module_call_and_part(layer, expected):
    assert parse(layer, KNOWN) == expected


@pytest.mark.parametrize("layer", ["conv", "relu:0", "relu:-1", "relu:x", "relu:", "relu[", "conv[out]", "conv:1.out"])
def test_a_name_that_fits_nothing_comes_back_whole(layer):
    assert parse(layer, KNOWN) == (layer, None, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("c3", "C3"), ("OUTPTU", "OUTPUT"), ("flaten", "flatten"), ("Func1", "func1"), ("zebra", None), ("", None)],
)
def test_the_nearest_name_is_found_whatever_its_case(name, expected):
    assert nearest(name, ["C1", "C3", "func1", "flatten", "OUTPUT"]) == expected


def test_a_long_listing_is_cut_and_says_how_many_are_left_out():
    assert listing(["a", "b", "c"]) == "a, b, c"
    assert listing(["a", "b", "c"], limit=3) == "a, b, c"
    assert listing(["a", "b", "c", "d", "e"], limit=3) == "a, b, c ... and 2 more"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("conv9", "no layer 'conv9'; did you mean 'conv1'? layers: conv1, fc"),
        ("zebra", "no layer 'zebra'; layers: conv1, fc"),
        ("", "no layer ''; layers: conv1, fc"),
        (3, "a layer is named by a string, not int; layers: conv1, fc"),
    ],
)
def test_an_unknown_layer_is_answered_with_what_there_is(layer, message):
    error = unknown_layer(layer, ["conv1", "fc"])
    assert isinstance(error, LookupError)
    assert str(error) == message


def test_a_module_with_two_names_is_known_by_its_first():
    model = nn.Sequential()
    model.first = nn.ReLU()
    model.second = model.first
    model.third = nn.ReLU()
    names = module_names(model)
    assert names == {"": "", "first": "first", "second": "first", "third": "third"}
    assert find_layer(names, "second:2") == ("first", 2, "")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [("(output)", ("", None, "")), ("(output).out", ("", None, "out")), ("(output):2.0", ("", 2, "0"))],
)
def test_the_output_of_the_network_is_the_unnamed_module(layer, expected):
    assert find_layer({"": "", "conv": "conv"}, layer) == expected


@pytest.mark.parametrize("layer", ["", ".", ".out", ":1", "[out]", "conv.1"])
def test_the_unnamed_module_has_no_other_name(layer):
    with pytest.raises(LookupError, match=r"layers: fc$"):
        find_layer({"": "", "fc": "fc"}, layer)


def test_get_layer_gives_the_very_module():
    model = lenet5()
    assert get_layer(model, "C3") is model.C3
    assert get_layer(model, "C3:2.out") is model.C3
    assert get_layer(nn.DataParallel(model), "C3") is model.C3
    assert get_layer(model, "(output)") is get_layer(model, "") is model


def test_get_layer_suggests_the_nearest_name():
    with pytest.raises(LookupError) as caught:
        get_layer(lenet5(), "flat")
    assert str(caught.value) == (
        "no layer 'flat'; did you mean 'flatten'? layers: C1, func1, S2, C3, func2, S4, C5, flatten, F6, func3, OUTPUT"
    )


def test_get_layer_of_something_else_than_a_module_is_refused():
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, not int"):
        get_layer(3, "C3")


@pytest.mark.parametrize("value", [3, np.int16(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)])
def test_one_whole_number_of_any_library_is_one(value):
    assert whole(value) == 3 and type(whole(value)) is int


@pytest.mark.parametrize(
    "value",
    [True, np.True_, torch.tensor(True), 3.0, "3", None, [3], np.array([3]), torch.tensor([3]), torch.tensor([0, 1])],
)
def test_a_row_of_numbers_and_a_truth_value_are_no_whole_number(value):
    assert whole(value) is None


@pytest.mark.parametrize(
    "layer", ["module.C3", "_orig_mod.C3", "module._orig_mod.C3"], ids=["parallel", "compiled", "both"]
)
@pytest.mark.parametrize("find", [get_layer, cw.filters], ids=["layer", "convolution"])
def test_a_name_with_that_of_a_wrapper_is_told_without_it(find, layer):
    told = r"no layer .*C3': it is 'C3', for the wrapper around the model is taken off; "
    with pytest.raises(LookupError, match=told):
        find(nn.DataParallel(lenet5()), layer)
    with pytest.raises(LookupError, match=r"no layer 'module\.C9'[;?]"):
        get_layer(nn.DataParallel(lenet5()), "module.C9")
