from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cnnwidgets.widgets.newest import PATIENCE, QUEUED, Newest

from .conftest import Clock


class Slider:
    """A position, where it was when it was drawn, and a drawing that takes 100 ms."""

    def __init__(self, clock: Clock) -> None:
        self.position = 0
        self.drawn: list[int] = []
        self.clock = clock
        self.newest = Newest(self.draw)

    def draw(self) -> None:
        self.drawn.append(self.position)
        self.clock.now += 0.1

    def move(self, position: int) -> None:
        self.position = position
        self.newest.request()


@pytest.fixture
def slider(clock: Clock) -> Slider:
    return Slider(clock)


def in_loop(steps: Callable[[], None], *, then: float = 2 * PATIENCE) -> None:
    """Run `steps` inside an event loop, as a kernel handles events, and let its timers ring."""

    async def main() -> None:
        steps()
        await asyncio.sleep(then)

    asyncio.run(main())


def test_without_an_event_loop_every_request_is_drawn_at_once(slider):
    for position in range(1, 6):
        slider.move(position)
    assert slider.drawn == [1, 2, 3, 4, 5]


def test_in_an_event_loop_a_first_request_is_drawn_before_request_returns(slider):
    seen = []

    def steps():
        slider.move(7)
        seen.extend(slider.drawn)

    in_loop(steps)
    assert seen == slider.drawn == [7]


def test_a_burst_behind_a_slow_drawing_is_drawn_twice_and_ends_with_the_last(slider):
    in_loop(lambda: [slider.move(position) for position in range(100)])
    assert slider.drawn == [0, 99]


def test_a_burst_handled_one_event_a_turn_of_the_loop_is_merged_too(slider):
    async def main():
        for position in range(100):
            slider.move(position)
            await asyncio.sleep(0)
        await asyncio.sleep(2 * PATIENCE)

    asyncio.run(main())
    assert slider.drawn[0] == 0 and slider.drawn[-1] == 99 and len(slider.drawn) < 100


def test_events_that_come_a_while_after_the_last_drawing_are_all_drawn_at_once(slider, clock):
    seen = []

    def steps():
        for position in range(5):
            slider.move(position)
            clock.now += 1.1 * QUEUED
        seen.extend(slider.drawn)

    in_loop(steps)
    assert seen == slider.drawn == [0, 1, 2, 3, 4]


def test_what_waits_is_drawn_by_flush_once(slider):
    seen = []

    def steps():
        slider.move(1)
        slider.move(2)
        seen.append(list(slider.drawn))
        slider.newest.flush()
        seen.append(list(slider.drawn))
        slider.newest.flush()

    in_loop(steps)
    assert seen == [[1], [1, 2]]
    assert slider.drawn == [1, 2]


def test_flush_without_anything_waiting_draws_nothing(slider):
    slider.newest.flush()
    assert slider.drawn == []


def test_what_was_cancelled_is_never_drawn(slider):
    def steps():
        slider.move(1)
        slider.move(2)
        slider.newest.cancel()

    in_loop(steps)
    assert slider.drawn == [1]


def test_after_an_exception_in_a_drawing_the_next_request_draws_again(clock):
    drawn = []

    def draw():
        drawn.append(len(drawn))
        if len(drawn) == 1:
            raise RuntimeError("no picture")

    newest = Newest(draw)
    with pytest.raises(RuntimeError, match="no picture"):
        newest.request()
    newest.request()
    assert drawn == [0, 1]


def test_the_end_of_a_failed_drawing_counts_as_its_end_too(clock):
    drawn = []

    def draw():
        drawn.append(len(drawn))
        raise RuntimeError("no picture")

    newest = Newest(draw)

    def steps():
        with pytest.raises(RuntimeError):
            newest.request()
        for _ in range(9):
            newest.request()  # behind the failed one: waits, and so cannot raise here
        newest.cancel()

    in_loop(steps)
    assert drawn == [0]
