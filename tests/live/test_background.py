from __future__ import annotations

import asyncio
import threading

from cnnwidgets.live.background import Background


def test_without_an_event_loop_the_work_is_done_at_once():
    landed = []
    background = Background(lambda *pair: landed.append(pair))
    background.start("a", lambda report: (report(1, 2), 5)[1])
    assert landed == [("a", 5)] and background.running is None


def test_an_error_lands_like_a_result():
    landed = []
    Background(lambda key, outcome: landed.append(str(outcome))).start("a", lambda report: 1 // 0)
    assert "division" in landed[0]


def in_a_loop(script) -> list:
    """What landed, and in which thread, while `script(background)` ran in an event loop of this thread."""
    landed: list = []

    async def run() -> None:
        background = Background(
            lambda key, outcome: landed.append((key, outcome, threading.current_thread() is threading.main_thread())),
            lambda *numbers: landed.append(("report", numbers)),
        )
        await script(background)
        for _ in range(500):
            if background.running is None and not background._busy:
                break
            await asyncio.sleep(0.01)

    asyncio.run(run())
    return landed


def test_the_work_runs_in_another_thread_and_lands_in_this_one():
    async def script(background: Background) -> None:
        background.start("a", lambda report: (report(1, 1), threading.current_thread().name)[1])
        assert background.running == "a"

    assert in_a_loop(script) == [("report", (1, 1)), ("a", "cnnwidgets", True)]


def test_newer_work_waits_for_the_older_to_stop_and_only_its_result_lands():
    begun, asked = [], []

    async def script(background: Background) -> None:
        def work(key: str, go: threading.Event):
            def run(report):
                begun.append(key)
                go.wait(5)
                asked.append((key, report(1, 2)))
                return key

            return run

        gates = {key: threading.Event() for key in "abc"}
        for key, gate in gates.items():
            background.start(key, work(key, gate))
        background.start("c", work("never", gates["a"]))  # the same again
        for gate in gates.values():
            gate.set()

    landed = in_a_loop(script)
    assert begun == ["a", "c"] and asked == [("a", False), ("c", True)]
    assert [each[:2] for each in landed] == [("report", (1, 2)), ("c", "c")]


def test_what_was_cancelled_does_not_land():
    async def script(background: Background) -> None:
        background.start("a", lambda report: 5)
        background.cancel()

    assert in_a_loop(script) == []
