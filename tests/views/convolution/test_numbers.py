from __future__ import annotations

import pytest
import traitlets as T

from cnnwidgets.views.convolution.numbers import MOST, Numbers, checked_rows, parse_rows, written


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1 2\n3 4", ((1, 2), (3, 4))),
        ("1,2;3,4", ((1, 2), (3, 4))),
        ("[[1, -2.5], [3e-1, 4]]".replace("], ", "];"), ((1, -2.5), (0.3, 4))),
        ("1/9 −1/2\n\n 0 0 \n", ((1 / 9, -0.5), (0, 0))),
    ],
)
def test_rows_are_read_as_people_write_them(text, rows):
    assert parse_rows(text) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no numbers"),
        ("1 2\n3", "row 2 has 1 numbers, row 1 has 2"),
        ("1 two", "row 1: 'two' is no number"),
        ("1/0", "row 1: '1/0' is no number"),
        ("1 inf", "row 1 has a number that is not finite"),
        ("1e999", "row 1 has a number that is not finite"),
        ("0\n-1e99", r"row 2: -1e\+99 is beyond the largest float32, 3.4e\+38"),
        ("__import__('os')", "is no number"),
        ("1 " * (MOST + 1), "at most 32 rows and columns, not 1 x 33"),
    ],
)
def test_what_cannot_be_read_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parse_rows(text)


def test_what_is_no_table_is_refused():
    for values in (3, None, [1, 2], [["a"]]):
        with pytest.raises(ValueError, match="expected rows of numbers"):
            checked_rows(values)


def test_written_rows_are_aligned_and_can_be_read_again():
    rows = ((1.0, -0.5), (10.0, -0.0))
    assert written(rows) == "   1 -0.5\n  10    0"
    assert parse_rows(written(rows)) == rows


def test_a_trait_takes_rows_and_names():
    class Holder(T.HasTraits):
        kernel = Numbers({"one": [[1]], "two": [[2, 2]]}, "one")

    holder = Holder()
    assert holder.kernel == ((1.0,),)
    holder.kernel = "two"
    assert holder.kernel == ((2.0, 2.0),)
    with pytest.raises(ValueError, match="no kernel 'tow'; did you mean 'two'"):
        holder.kernel = "tow"
    assert holder.kernel == ((2.0, 2.0),)
