from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable

import pytest

from cnnwidgets.live import cell_thread, newest
from cnnwidgets.live.newest import AHEAD, PATIENCE, QUEUED, Newest
from tests.widgets.conftest import Clock


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


def test_in_the_middle_of_a_cell_every_request_is_drawn_at_once_for_timers_do_not_ring(slider, monkeypatch):
    monkeypatch.setattr(cell_thread, "answering", lambda: True)

    def steps():
        for position in range(3):
            slider.move(position)
        assert slider.drawn == [0, 1, 2]

    in_loop(steps)


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
            clock.now += 1.1 * QUEUED * 0.1
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


class Drawings(list):
    """Which thread drew which position."""

    def __init__(self) -> None:
        self.position = 0
        self.newest = Newest(self.draw)

    def draw(self) -> None:
        self.append((self.position, threading.current_thread()))


def elsewhere(steps: Callable[[], None]) -> None:
    thread = threading.Thread(target=steps)
    thread.start()
    thread.join()


def test_an_event_of_another_thread_is_drawn_there_while_the_thread_that_runs_the_cells_holds_still():
    async def kernel():
        drawings, turns = Drawings(), []
        loop, draw = asyncio.get_running_loop(), drawings.newest._draw

        def slowly():
            loop.call_soon_threadsafe(turns.append, "a turn of the loop")
            time.sleep(0.02)
            assert turns == []
            draw()

        def event():
            drawings.newest.request()
            assert [thread for _, thread in drawings] == [threading.current_thread()]

        drawings.newest._draw = slowly
        await loop.run_in_executor(None, in_loop, event)
        await asyncio.sleep(0)
        assert turns and len(drawings) == 1

    asyncio.run(kernel())


def test_events_that_come_while_a_cell_runs_are_drawn_once_after_it():
    async def kernel():
        drawings = Drawings()

        def events():
            for drawings.position in range(1, 6):
                drawings.newest.request()

        elsewhere(lambda: in_loop(events))  # the cells' thread waits for it, and so it is as busy as with a cell
        assert drawings == []
        await asyncio.sleep(0.01)
        assert drawings == [(5, threading.main_thread())]

    asyncio.run(kernel())


def test_an_event_in_the_middle_of_a_drawing_is_drawn_after_it():
    async def kernel():
        drawings = Drawings()
        draw = drawings.newest._draw

        def interrupted():
            draw()
            if drawings.position == 1:
                drawings.position = 2
                elsewhere(lambda: in_loop(drawings.newest.request, then=0))
                assert drawings.newest.waiting

        drawings.newest._draw = interrupted
        drawings.position = 1
        drawings.newest.request()
        assert [position for position, _ in drawings] == [1]
        await asyncio.sleep(0.01)
        assert [position for position, _ in drawings] == [1, 2]

    asyncio.run(kernel())


def test_what_another_thread_asked_for_is_not_drawn_after_cancel():
    async def kernel():
        drawings = Drawings()
        elsewhere(lambda: in_loop(drawings.newest.request))
        drawings.newest.cancel()
        await asyncio.sleep(0.01)
        assert drawings == []

    asyncio.run(kernel())


def test_without_a_loop_in_the_thread_of_the_cells_another_thread_draws_itself():
    drawings = Drawings()
    elsewhere(drawings.newest.request)
    assert len(drawings) == 1 and drawings[0][1] is not threading.main_thread()


def test_a_hand_that_never_rests_still_gets_pictures(slider):
    async def main():
        while len(slider.drawn) < 3 and slider.position < 2000:
            slider.move(slider.position + 1)
            await asyncio.sleep(PATIENCE / 4)  # sooner than anything that waits would be drawn
        seen.extend(slider.drawn)

    seen: list[int] = []
    asyncio.run(main())
    assert len(seen) == 3 and slider.position < 2000


class Painted(Slider):
    """The same before a page that says what it has painted."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.on_way = 0
        self.newest = Newest(self.draw, on_way=lambda: self.on_way)

    def draw(self) -> None:
        super().draw()
        self.on_way += 1

    def painted(self) -> None:
        """The page has painted all that is on its way."""
        self.on_way = 0
        self.newest.painted()


def test_where_all_is_painted_a_request_right_behind_a_drawing_is_drawn_at_once(clock):
    slider, seen = Painted(clock), []

    def steps():
        for position in range(4):
            slider.move(position)
            slider.painted()
        seen.extend(slider.drawn)

    in_loop(steps)
    assert seen == slider.drawn == [0, 1, 2, 3]


def test_while_a_page_paints_the_next_is_drawn_and_no_more_until_it_says_that_it_has_painted(clock):
    slider, seen = Painted(clock), []

    async def main():
        for position in range(30):
            slider.move(position)
            if position % 10 == 9:
                await asyncio.sleep(2 * PATIENCE)
        seen.extend(slider.drawn)
        slider.painted()

    asyncio.run(main())
    assert AHEAD == len(seen) == 2 and seen == [0, 9]
    assert slider.drawn == [0, 9, 29] and not slider.newest.waiting


def test_a_page_that_says_nothing_any_more_holds_nothing_up_for_long(clock, monkeypatch):
    monkeypatch.setattr(newest, "SILENT", 3 * PATIENCE)
    slider = Painted(clock)

    async def main():
        for position in range(3):
            slider.move(position)
            await asyncio.sleep(2 * PATIENCE)
        assert slider.drawn == [0, 1] and slider.newest.waiting
        await asyncio.sleep(4 * PATIENCE)
        assert slider.drawn == [0, 1, 2]
        slider.painted()  # it was only late: what it says counts again
        slider.move(3)
        assert slider.drawn == [0, 1, 2, 3]

    asyncio.run(main())


def test_what_a_cell_asks_for_waits_for_no_page_which_it_cannot_hear(clock, monkeypatch):
    slider, seen = Painted(clock), []
    monkeypatch.setattr(newest, "in_cell", lambda: True)

    def steps():
        for position in range(5):
            slider.move(position)
            clock.now += 1.1 * QUEUED * 0.1
        seen.extend(slider.drawn)

    in_loop(steps)
    assert seen == [0, 1, 2, 3, 4]


def test_what_arrives_while_one_drawing_runs_is_drawn_once_more_whether_or_not_that_puts_anything_on_its_way(clock):
    """The queue of a kernel: events that have come meanwhile are handled one after the other when the drawing ends."""

    class Nothing(Painted):
        """A drawing that no page has to answer, such as one of a picture."""

        def draw(self) -> None:
            Slider.draw(self)

    for kind, turns in itertools.product((Painted, Nothing), (False, True)):
        slider = kind(clock)

        async def main(slider=slider, turns=turns):
            slider.move(0)
            for position in range(1, 31):
                slider.move(position)
                if turns:
                    await asyncio.sleep(0)
            assert slider.drawn == [0]
            await asyncio.sleep(3 * PATIENCE)

        asyncio.run(main())
        assert slider.drawn == [0, 30], (kind, turns)


def test_answers_that_lie_between_stale_positions_have_none_of_those_drawn(clock):
    slider = Painted(clock)

    async def main():
        slider.move(0)
        for position in range(1, 31):
            slider.move(position)
            if position == 10:
                slider.painted()
            await asyncio.sleep(0)
        await asyncio.sleep(3 * PATIENCE)

    asyncio.run(main())
    assert slider.drawn == [0, 30]


def travel(clock: Clock, trip: float, paints: float, *, drawings: int = 60) -> tuple[list[int], list[float]]:
    """Room on the way to a page so far away, which paints one after the other, each of which takes the kernel 0.1 s.

    Also how long each waited before it was painted, without the way and the painting.
    """
    way, room, queued = newest.Way(), [], []
    due: list[float] = []  # when the kernel hears that those on their way are painted
    free = 0.0
    for _ in range(drawings):
        while True:
            while due and due[0] <= clock.now:
                due.pop(0)
                way.painted(len(due), 0.1)
            if len(due) < way.room:
                break
            clock.now = due[0]
        clock.now += 0.1
        arrives = clock.now + trip / 2
        free = max(free, arrives) + paints
        queued.append(free - arrives - paints)
        due.append(free + trip / 2)
        way.drawn(len(due))
        room.append(way.room)
    return room, queued


def test_near_a_page_that_paints_quickly_or_slowly_hardly_any_drawing_queues_up(clock):
    for paints in (0.02, 0.09, 0.2):
        room, queued = travel(clock, 0.0, paints)
        assert max(room) <= AHEAD + 1 and max(queued) <= 2 * max(0.0, paints - 0.1) + 1e-9, paints


def test_to_a_page_far_away_there_is_room_for_what_the_way_holds_so_that_none_waits_for_an_answer(clock):
    before = clock.now
    room, queued = travel(clock, 0.55, 0.02)
    assert max(queued) == pytest.approx(0) and room[0] == AHEAD and 6 <= room[-1] <= 8
    begin = clock.now
    travel(clock, 0.55, 0.02)
    assert begin - before == pytest.approx(clock.now - begin)
    assert begin - before < 60 * 0.1 + 4 * 0.55  # each begins when the last is drawn, once there is room


def test_what_queues_up_before_a_page_takes_the_room_away_again(clock):
    room, queued = travel(clock, 0.55, 0.25)
    assert max(room) <= 6 and max(queued[20:]) <= 3 * 0.25


def test_a_page_that_was_closed_leaves_no_more_behind_than_is_remembered(clock):
    way = newest.Way()
    for out in range(1, 1000):
        way.drawn(out)
    assert len(way._sent) == newest.REMEMBERED
    way.painted(0, 0.1)
    assert way.room == AHEAD and len(way._sent) == 0


def test_a_page_that_answers_late_but_answers_is_no_silent_one(clock, monkeypatch):
    monkeypatch.setattr(newest, "SILENT", 50 * PATIENCE)
    slider = Painted(clock)

    async def main():
        for position in range(3):
            slider.move(position)
            await asyncio.sleep(2 * PATIENCE)
        for _ in range(4):  # one is painted after the other, and others are still on their way
            slider.newest.painted()
            await asyncio.sleep(20 * PATIENCE)
        assert slider.drawn == [0, 1] and slider.newest.waiting
        slider.painted()
        assert slider.drawn == [0, 1, 2]

    asyncio.run(main())
