"""The strongest patches of a channel: cut out behind what a view draws, the newest channel first, and each once."""

from __future__ import annotations

import asyncio

import pytest

import cnnwidgets as cw
from cnnwidgets.live import portions
from cnnwidgets.widgets.patches import StrongestPatches
from cnnwidgets.widgets.state import Subject
from tests.widgets.conftest import steps, tiny

K = 2


class Read(list):
    """Notes which image is read."""

    def __init__(self, items) -> None:
        super().__init__(items)
        self.read: list[int] = []

    def __getitem__(self, index):
        self.read.append(index)
        return super().__getitem__(index)


class Owner:
    """What a view does: asks for a panel again whenever there is more of it."""

    def __init__(self, images=None) -> None:
        self.images = Read(steps()) if images is None else images
        model = tiny()
        self.subject = Subject.of(model, self.images)
        scan = cw.scan(model, self.images, ["pool", "fc"], k=K, progress=False)
        self.chosen: list[int] = []
        self.strongest = StrongestPatches(self.subject, scan, self.grew, lambda: True, self.chosen.append)
        self.drawn: list[str] = []
        self.at = ("pool", 0)
        self.snapshot = self.subject.at(3)
        self.images.read.clear()

    def look(self, layer: str, channel: int) -> cw.Panel:
        self.at = (layer, channel)
        panel = self.strongest.panel(self.snapshot.find(layer), channel, self.snapshot.item, chosen=4)
        of = panel.heading.partition(" · ")[2], panel.lines[0].partition(":")[0]
        self.drawn.append(" ".join([*of, *["resting"] * panel.resting]))
        return panel

    def grew(self) -> bool:
        self.look(*self.at)
        return True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSE", "HOLD", "PORTION", "LONG"):
        monkeypatch.setattr(portions, name, 0.0)
    monkeypatch.setattr(StrongestPatches, "shown", 1e9)  # drawn when all of it is there


def test_the_strongest_stand_in_order_and_those_of_the_chosen_image_are_framed():
    owner = Owner()
    panel = owner.look("pool", 0)  # x: image k has k + 15 at most, in the last corner
    assert panel.heading == "Strongest patches · channel 0" and panel.lines == ["pool: largest values in 6 images"]
    said = [panel.describe(cell) for cell in range(panel.cells.count)]
    assert said == [
        "no. 1: 20, image 5 · label: 2, row 1, column 1",
        "no. 2: 19, image 4 · label: 1, row 1, column 1",
    ]
    assert panel.marks == [panel.cells.box(1)]
    panel.on_cell(0)
    assert owner.chosen == [5]


def test_a_unit_of_a_vector_sees_the_whole_image():
    panel = Owner().look("fc", 0)
    assert panel.heading.startswith("Strongest patches · unit 0") and panel.cells.count == K
    assert (panel.pixels[3:67, 3:67, 3] == 255).all()  # each of its 4 x 4 pixels 16 times as large


def test_an_image_is_read_once_and_what_was_shown_is_there_at_once():
    owner = Owner()
    first = owner.look("pool", 0)
    assert owner.images.read == [5, 4]
    owner.look("pool", 1)  # -2x: the largest of the first corners, of images 0 and 1
    assert owner.images.read == [5, 4, 0, 1]
    again = owner.look("pool", 0)
    assert again.pixels is first.pixels and owner.images.read == [5, 4, 0, 1]
    owner.strongest.forget()
    assert owner.look("pool", 0).pixels is not first.pixels and owner.images.read[4:] == [5, 4]


def test_in_a_notebook_the_panel_before_rests_until_the_newest_is_there():
    owner = Owner()

    async def main() -> None:
        owner.look("pool", 0)
        for _ in range(20):
            await asyncio.sleep(0)
        owner.look("pool", 1)
        owner.look("fc", 0)  # before anything was read for the other
        for _ in range(20):
            await asyncio.sleep(0)

    asyncio.run(main())
    here = "channel 0 pool"
    assert owner.drawn == [f"{here} resting", here, f"{here} resting", f"{here} resting", "unit 0 fc"]
    assert 0 not in owner.images.read and not owner.strongest.running


def test_what_goes_wrong_is_said_in_its_place():
    owner = Owner()

    def fails(*_: object) -> None:
        raise ValueError("no such field")

    owner.strongest._cutter.field = fails
    panel = owner.look("pool", 0)
    assert panel.pixels is None and panel.lines == ["pool: no such field"]


def test_an_image_that_is_gone_leaves_its_place_empty():
    owner = Owner()
    del owner.images[5]
    panel = owner.look("pool", 0)
    assert "no. 1: 20, image 5" in panel.describe(0) and not (panel.pixels[3:69, 3:69, 3] == 255).any()
