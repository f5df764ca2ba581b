from __future__ import annotations

import numpy as np
import pytest
import torch
import traitlets as T

from cnnwidgets.widgets.state.traits import Given, Index, Number, Pixel, Place, Whole


class Holder(T.HasTraits):
    number = Whole(0)


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
        thing = Given(0)

        @T.validate("thing")
        def _judge(self, proposal):
            if proposal["value"] is None:
                raise ValueError("not None")
            return proposal["value"]

    holder = Fussy(thing="x")
    with pytest.raises(ValueError, match="not None"):
        holder.thing = None
    assert holder.thing == "x"


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
