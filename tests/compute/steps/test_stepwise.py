"""A computation that writes `step` and `result` can be drawn, stopped and continued."""

from __future__ import annotations

import pytest

from cnnwidgets.compute.steps import Stepwise, Stopped, finish


class Sums(Stepwise[int]):
    """1, 1 + 2, 1 + 2 + 3 ...; a step adds two numbers, or one at the end."""

    def __init__(self, total: int) -> None:
        self.total, self.asked = total, []

    def step(self, seconds: float | None = None) -> int:
        self.asked.append(seconds)
        self.done = min(self.total, self.done + 2)
        return self.result

    @property
    def result(self) -> int:
        return sum(range(self.done + 1))


def test_it_gives_partial_results_and_goes_on_where_a_loop_was_left():
    sums = Sums(5)
    assert (sums.done, sums.result) == (0, 0)
    for partial in sums:
        assert partial == 3
        break
    assert sums.done == 2 and [*sums] == [10, 15] and [*sums] == []


def test_two_of_them_do_not_count_together():
    one, other = Sums(5), Sums(5)
    one.step()
    assert (one.done, other.done) == (2, 0)


def test_what_does_not_say_what_a_step_is_cannot_be_made():
    class Half(Stepwise[int]):
        @property
        def result(self) -> int:
            return 0

    with pytest.raises(TypeError, match="abstract"):
        Half()


def test_it_is_finished_and_each_step_is_told():
    sums, told = Sums(5), []
    finish(sums, "numbers", lambda done, total: told.append((done, total)) or True)
    assert told == [(2, 5), (4, 5), (5, 5)] and sums.result == 15 and sums.asked == [None] * 3


def test_what_was_begun_counts_as_done_and_what_is_done_when_it_is_stopped_stays():
    sums, told = Sums(9), []
    sums.step()
    with pytest.raises(Stopped):
        finish(sums, "numbers", lambda done, total: told.append(done) or done < 6)
    assert told == [4, 6] and sums.result == 21
    finish(sums, "numbers", False)
    assert sums.result == 45
