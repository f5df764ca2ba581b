"""How long portions may be, and what is said of the time that is left; with a clock of our own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from cnnwidgets.live import portions
from cnnwidgets.live.portions import LATE, LONG, PAUSE, PORTION, QUIET, Pace, Portions


def test_the_pace_is_that_of_the_last_seconds_and_forgets_a_slow_beginning():
    pace = Pace()
    assert pace.left(100) is None
    now = 0.0
    for _ in range(5):  # each portion waits for a cell of ten seconds, and is slow beside it
        pace.took(1, now, now + 2.0)
        now += 12.0
    assert pace.left(100) == pytest.approx(200, rel=0.01)
    for _ in range(200):  # the cells have ended: ten a portion
        pace.took(10, now, now + 0.04)
        now += 0.045
    assert pace.left(100) == pytest.approx(100 * 0.0045, rel=0.05)


def test_pauses_and_drawings_between_portions_count_and_cells_do_not():
    drawn, waited = Pace(), Pace()
    for at in range(10):
        drawn.took(1, 0.2 * at, 0.2 * at + 0.1)
        waited.took(1, 20.0 * at, 20.0 * at + 0.1)
    assert drawn.left(10) == pytest.approx(2.0, rel=0.06)
    assert waited.left(10) == pytest.approx(10 * (0.1 + PAUSE))


def test_a_portion_without_a_result_counts_for_the_next_ones():
    pace = Pace()
    pace.took(0, 0.0, 1.0)
    assert pace.left(5) is None
    pace.took(1, 1.0, 2.0)
    assert pace.left(5) == pytest.approx(10, rel=0.01)


def test_portions_grow_while_all_is_quiet_and_shrink_for_a_hand_or_a_cell(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(portions, "time", SimpleNamespace(monotonic=lambda: now[0]))
    seen: list[float] = []

    async def main() -> None:
        work = Portions(lambda: False)
        work.start()
        run = work._run
        seen.append(work.seconds)
        now[0] += QUIET + 0.01
        seen.append(work.seconds)
        work.hold()
        seen.append(work.seconds)
        now[0] += QUIET + 0.01
        work._due = now[0] - 2 * LATE  # a cell ran in between
        work._turn(run)
        seen.append(work.seconds)
        work.stop()

    asyncio.run(main())
    assert seen == [PORTION, LONG, PORTION, PORTION]
