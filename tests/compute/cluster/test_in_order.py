"""Results that come in any order."""

from __future__ import annotations

from cnnwidgets.compute.cluster import InOrder


def test_a_result_waits_for_those_before_it():
    words: InOrder[str] = InOrder("", str.__add__, [(0, 4), (1, 4), (2, 4), (3, 4)])
    seen = []
    for at, word in ((2, "c"), (0, "a"), (1, "b"), (3, "d")):
        words.add((at, 4), word)
        seen.append(words.done)
    assert seen == ["", "a", "abc", "abcd"]
    assert words.close() == "abcd"


def test_at_the_end_nothing_that_came_is_left_out():
    words = InOrder("begun ", str.__add__, [(1, 5), (3, 5), (4, 5)])
    words.add((4, 5), "e")
    words.add((3, 5), "d")
    assert words.done == "begun "
    assert words.close() == "begun de"
