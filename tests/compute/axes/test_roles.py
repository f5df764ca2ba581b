"""Where the channels are, by the roles of the axes."""

from __future__ import annotations

import pytest

from cnnwidgets.compute.axes import layout_by_roles

C, P, NO = frozenset({"channel"}), frozenset({"position"}), frozenset()


@pytest.mark.parametrize(
    ("roles", "layout"),
    [
        ([C, P, P], "first"),
        ([P, P, C], "last"),
        ([C, P], "first"),
        ([P, C, C], "last"),
        ([C | P, P], "first"),
        ([NO, P, P], "first"),
        ([P, P, NO], "last"),
        ([C, P, C], None),
        ([P, C, P], None),
        ([P, P], None),
        ([NO, NO], None),
        ([], None),
    ],
)
def test_the_channels_are_the_end_that_has_their_role_or_no_other(roles, layout):
    assert layout_by_roles(roles) == layout
