from __future__ import annotations

import numpy as np
import pytest
import torch
import traitlets as T

from cnnwidgets.widgets.state.traits import Index, Integer, NotNone, Number, Pixel, Place, Target


class Holder(T.HasTraits):
    number = Integer(0)


@pytest.mark.parametrize("value", [7, np.int64(7), np.uint8(7), torch.tensor(7)])
def test_whole_numbers_of_numpy_and_torch_become_plain_ones(value):
    holder = Holder(number=value)
    assert type(holder.number) is int and holder.number == 7


@pytest.mark.parametrize("value", ["7", 7.5, None, np.arange(2), torch.tensor([1.5, 2.5])])
def test_anything_else_is_refused_by_the_name_of_the_trait(value):
    with pytest.raises(T.TraitError, match="number"):
        Holder(number=value)


def test_what_must_be_given_lets_the_validator_judge_none_too():
    class Fussy(T.HasTraits):
        thing = NotNone(0)

        @T.validate("thing")
        def _judge(self, proposal):
            if proposal["value"] is None:
                raise ValueError("not None")
            return proposal["value"]

    holder = Fussy(thing="x")
    with pytest.raises(ValueError, match="not None"):
        holder.thing = None
    assert holder.thing == "x"


# ---------------------------------------------------------------------- a class


class Animals(T.HasTraits):
    names = T.Any({0: "cat", 1: "dog", 2: "7"})
    target = Target(of=lambda view: view.names, help="which class")
    ranked = Target(1, of=lambda view: view.names, help="which class, never none")


@pytest.mark.parametrize(
    ("given", "number"),
    [(None, None), (1, 1), (np.int64(1), 1), (torch.tensor(1), 1), ("dog", 1), ("1", 1), (" 0 ", 0), ("7", 2)],
)
def test_a_class_is_given_by_its_number_or_the_number_as_text_or_its_name_which_comes_first(given, number):
    animals = Animals()
    animals.target = given
    assert animals.target == number and type(animals.target) is type(number)
    assert Animals(target=given).target == number


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (3, ValueError, "no target 3; allowed: 0 to 2, or None"),
        (-1, ValueError, "no target -1; allowed: 0 to 2, or None"),
        ("3", ValueError, "no target 3; allowed: 0 to 2, or None"),
        ("dgo", ValueError, "no class 'dgo'; did you mean 'dog'? there are cat, dog, 7"),
        ("xyz", ValueError, "no class 'xyz'; there are cat, dog, 7"),
        ("", ValueError, "no class ''; there are cat, dog, 7"),
        (1.5, TypeError, "target is a class number, a class name or None, not 1.5"),
        ([1], TypeError, "target is a class number, a class name or None, not [1]"),
    ],
)
def test_what_is_no_class_is_refused_with_what_is_allowed_and_what_is_nearest(given, error, message):
    animals = Animals(target=1)
    with pytest.raises(error) as refused:
        animals.target = given
    assert str(refused.value) == message and animals.target == 1
    with pytest.raises(error):
        Animals(target=given)


def test_a_class_that_must_be_one_refuses_none_and_names_those_that_are_there():
    animals = Animals(names={1: "ant", 5: "bee"})
    with pytest.raises(TypeError, match="ranked is a class number, or a class name, not None"):
        animals.ranked = None
    with pytest.raises(ValueError) as refused:
        animals.ranked = 2
    assert str(refused.value) == "no ranked 2; allowed: 1, 5"
    animals.ranked = "bee"
    assert animals.ranked == 5


def test_a_class_set_together_with_the_names_is_looked_up_among_the_new_ones():
    animals = Animals()
    with animals.hold_trait_notifications():
        animals.target, animals.names = "emu", {0: "emu", 1: "dog"}
    assert animals.target == 0


class Seen(T.HasTraits):
    size = (2, 3)
    share = Number(0.5, min=0.0, max=1.0)
    bias = Number(0.0)
    pixel = Pixel(None)
    place = Place(of=lambda view: (view.size, "the map"))
    row = Index(of=place.rows)
    column = Index(of=place.columns)
    number = Index(of=place.places)


@pytest.mark.parametrize(
    ("trait", "value", "error", "text"),
    [
        *(
            ("share", value, T.TraitError, f"share must be a number from 0 to 1, not {value}")
            for value in (np.nan, np.inf)
        ),
        *(("bias", value, T.TraitError, f"bias must be a finite number, not {value}") for value in (np.nan, -np.inf)),
        ("share", 1.5, T.TraitError, "share"),
        ("bias", "1", T.TraitError, "bias"),
        *(
            ("pixel", value, ValueError, "pixel must be")
            for value in (3, "ab", ("a", 0), (0, None), (np.nan, 0), (0, np.inf))
        ),
        ("place", (2, 0), IndexError, r"place \(2, 0\) is out of range: the map has 2 rows and 3 columns"),
        ("place", (0, 3), IndexError, "the map has 2 rows and 3 columns"),
        ("row", 2, IndexError, "row 2 is out of range: the map has 2 rows and 3 columns, 0 to 1"),
        ("column", 3, IndexError, "0 to 2"),
        ("number", 6, IndexError, "0 to 5"),
    ],
)
def test_what_a_trait_cannot_be_is_refused_in_words_and_does_not_stay(trait, value, error, text):
    seen = Seen()
    before = getattr(seen, trait)
    with pytest.raises(error, match=text):
        setattr(seen, trait, value)
    assert getattr(seen, trait) == before


def test_what_a_trait_can_be_is_taken():
    seen = Seen(share=1, bias=-2.5, place=(1, 2), row=1, column=2, number=5)
    assert (seen.share, seen.bias, seen.place, seen.row, seen.column, seen.number) == (1.0, -2.5, (1, 2), 1, 2, 5)
    seen.place = None
    assert seen.place is None
