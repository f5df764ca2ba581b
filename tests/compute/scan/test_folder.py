"""A scan in a folder: what is left after a kill, what is refused, and what is said."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.scan import scanner, storage
from cnnwidgets.compute.scan.tally import FIELDS

PACKAGE = Path(__file__).parents[3]


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


IMAGES = [(torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(70)]


class Enough:
    """A progress function that stops after so many calls."""

    def __init__(self, calls: int) -> None:
        self.calls, self.seen = calls, []

    def __call__(self, done: int, total: int) -> bool:
        self.seen.append(done)
        return len(self.seen) < self.calls


@pytest.fixture(autouse=True)
def a_batch_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "TURN", 0)


def run(folder: Path, dataset=IMAGES, model: nn.Module | None = None, **options) -> cw.Scan:
    model = network() if model is None else model
    return cw.scan(model, dataset, folder=folder, **{"k": 4, "batch_size": 8, "progress": False, **options})


def identical(one: cw.Scan, other: cw.Scan) -> bool:
    return list(one) == list(other) and all(
        torch.equal(one[name][field], other[name][field]) for name in one for field in FIELDS
    )


def passes(model: nn.Module) -> list[int]:
    """The sizes of the batches that a model is given from now on."""
    seen: list[int] = []
    model.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    return seen


def test_a_scan_that_was_stopped_goes_on_and_ends_the_same_to_the_bit(tmp_path):
    stopped = run(tmp_path, progress=Enough(3))
    assert (stopped.done, stopped.complete) == (24, False)
    again = Enough(99)
    found = run(tmp_path, progress=again)
    assert again.seen[:2] == [24, 32]  # nothing was scanned twice
    assert found.complete and identical(found, run(tmp_path / "other"))


PROGRAM = """
import sys, time
sys.path[:0] = [{tests!r}]
import torch
from tests.compute.scan import test_folder as here
from cnnwidgets.compute.scan import scan as _, scanner
import cnnwidgets as cw
from importlib import import_module
scanner.TURN = 0
import_module("cnnwidgets.compute.scan.scan").EVERY = 0
class Slow(list):
    def __getitem__(self, index):
        time.sleep(0.01)
        return super().__getitem__(index)
print("begins", flush=True)
here.run(here.Path({folder!r}), Slow(here.IMAGES))
"""


def test_after_kill_9_the_same_call_goes_on_and_ends_the_same_to_the_bit(tmp_path):
    class Slow(list):  # of the same name as in the process, for the data set is known by its class
        pass

    Slow.__qualname__ = "Slow"
    program = PROGRAM.format(tests=str(PACKAGE), folder=str(tmp_path / "killed"))
    process = subprocess.Popen([sys.executable, "-c", program], cwd=PACKAGE, env={**os.environ, "PYTHONPATH": "."})
    try:
        ledger, until = tmp_path / "killed" / "scan.json", time.monotonic() + 120
        while not (ledger.exists() and json.loads(ledger.read_bytes())["parts"][0][2] >= 16):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    left = cw.Scan.open(tmp_path / "killed")
    assert 16 <= left.done < 70
    watched = Enough(99)
    found = run(tmp_path / "killed", Slow(IMAGES), progress=watched)
    assert watched.seen[0] == left.done
    assert found.complete and identical(found, run(tmp_path / "whole", Slow(IMAGES)))


def test_a_complete_scan_is_read_and_not_made_again(tmp_path):
    first = run(tmp_path)
    model = network()
    seen = passes(model)
    with pytest.raises(ValueError, match="of other weights"):
        changed = network()
        changed[0].weight.data *= 2
        run(tmp_path, model=changed)
    known = run(tmp_path, model=model)
    assert identical(first, known)
    assert sum(seen) < 70  # the first images only, to know the network again


def test_what_was_written_is_read_back(tmp_path):
    first = run(tmp_path, classes=["ant", "bee", "cat"])
    known = cw.Scan.open(tmp_path)
    assert identical(first, known)
    assert (known.classes, known.model, known.total, known.key) == (("ant", "bee", "cat"), "Sequential", 70, first.key)
    assert sorted(path.name for path in tmp_path.iterdir())[:2] == ["scan.1.safetensors", "scan.json"]


def test_parts_in_one_folder_are_opened_together(tmp_path):
    for at in range(3):
        run(tmp_path, part=(at, 3))
    found = cw.Scan.open(tmp_path)
    assert found.complete and found.parts == {(0, 3): 24, (1, 3): 23, (2, 3): 23}
    found.save(tmp_path / "merged")
    assert identical(cw.Scan.open(tmp_path / "merged"), found)


def trained() -> nn.Module:
    model = network()
    model[3].bias.data += 1e-3
    return model


def other_code() -> nn.Module:
    model = network()
    model[1].register_forward_hook(lambda module, args, output: output * 2)
    return model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": trained()}, "of other weights: the network was trained since"),
        ({"dataset": [(image + 1, label) for image, label in IMAGES]}, "of another data set"),
        ({"dataset": IMAGES[:69]}, "of another data set"),
        ({"layers": ["0"]}, "of other layers"),
        ({"statistic": "mean"}, "with other options"),
        ({"seed": 3}, "with other options"),
        ({"model": other_code()}, "of a network that computed something else"),
    ],
)
def test_a_folder_of_another_scan_is_refused_with_what_differs_and_left_as_it_was(tmp_path, change, words):
    run(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=words):
        run(tmp_path, **change)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_intervention_is_never_served_the_numbers_of_the_network_without_it(tmp_path):
    model = network()
    run(tmp_path, model=model)
    last = str(len(list(model.children())) - 1)  # behind all that is scanned: the predictions alone change
    for layer in ("0", last):
        with cw.intervene(model, {layer: cw.Scale(-3)}), pytest.raises(ValueError, match="interventions"):
            run(tmp_path, model=model)


def test_a_hook_behind_the_last_layer_is_found_by_what_the_network_says_of_the_first_images(tmp_path):
    model = network()
    run(tmp_path, model=model)
    handle = list(model.children())[-1].register_forward_hook(lambda module, given, output: -output)
    with pytest.raises(ValueError, match="computed something else"):
        run(tmp_path, model=model)
    handle.remove()
    assert run(tmp_path, model=model).complete


def test_a_scan_of_a_network_under_an_intervention_is_none_of_the_network_without_it():
    model = network()
    with cw.intervene(model, {"0": cw.Scale(3)}):
        scan = cw.scan(model, IMAGES, ["0"], progress=False)
        scan.check(model)
    with pytest.raises(ValueError, match="interventions"):
        scan.check(model)
    with pytest.raises(ValueError, match="interventions"):
        cw.ActivationView(model, IMAGES, layer="0").pick_by(scan)
    with cw.intervene(model, {"0": cw.Scale(2)}):
        model(IMAGES[0][0][None])
        with pytest.raises(ValueError, match="interventions"):
            scan.check(model)


@pytest.mark.parametrize("name", ["scan.json", "scan.1.safetensors"])
@pytest.mark.parametrize("harm", ["truncated", "changed", "empty"])
def test_a_damaged_file_is_named_and_never_read(tmp_path, name, harm):
    run(tmp_path)
    data = (tmp_path / name).read_bytes()
    middle = len(data) // 2
    harmed = {
        "truncated": data[:-9],
        "empty": b"",
        "changed": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
    }
    (tmp_path / name).write_bytes(harmed[harm])
    with pytest.raises(storage.Damaged, match=name):
        cw.Scan.open(tmp_path)
    with pytest.raises(storage.Damaged, match="to scan again"):
        run(tmp_path)


def test_a_missing_file_of_numbers_is_named(tmp_path):
    run(tmp_path)
    (tmp_path / "scan.1.safetensors").unlink()
    with pytest.raises(storage.Damaged, match=r"scan\.1\.safetensors is missing"):
        run(tmp_path)


def test_a_later_format_is_refused_in_words(tmp_path):
    run(tmp_path)
    ledger = tmp_path / "scan.json"
    ledger.write_text(ledger.read_text().replace('"needs": 1', '"needs": 3'))
    with pytest.raises(ValueError, match="needs a cnnwidgets that reads version 3"):
        cw.Scan.open(tmp_path)


def test_a_folder_without_a_scan_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no scan\.json"):
        cw.Scan.open(tmp_path)


def test_a_full_disk_is_said_in_words_and_leaves_what_was_written(tmp_path, monkeypatch):
    run(tmp_path, progress=Enough(3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path, data):
        path.with_name(path.name + ".part").write_bytes(data[:10])
        path.with_name(path.name + ".part").unlink()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", full)
        with pytest.raises(OSError, match="no space left on device; what was written before stays"):
            run(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert run(tmp_path).complete


def test_two_that_write_to_one_folder_are_told_apart(tmp_path):
    with storage.locked(tmp_path, "scan"):
        with pytest.raises(RuntimeError, match="another process is writing the scan 'scan'"):
            run(tmp_path)
        assert run(tmp_path, part=(0, 2)).done == 35  # parts do not hinder one another
    assert run(tmp_path).complete


def test_a_file_in_the_place_of_the_folder_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="the scan cannot be written to"):
        run(tmp_path / "file")


def test_what_was_done_before_an_error_is_written(tmp_path):
    class Bad(list):
        broken = True

        def __getitem__(self, index):
            if self.broken and index == int(order[30]):
                raise OSError("bad sector")
            return super().__getitem__(index)

    order = torch.randperm(70, generator=torch.Generator().manual_seed(0))
    data = Bad(IMAGES)
    data.broken = False
    scanner_before = run(tmp_path, data, progress=Enough(1))
    data.broken = True
    assert scanner_before.done == 8
    with pytest.raises(RuntimeError, match=f"cannot give item {int(order[30])}"):
        run(tmp_path, data)
    assert cw.Scan.open(tmp_path).done == 8
    data.broken = False
    assert identical(run(tmp_path, data), run(tmp_path / "other", data))


def test_some_parts_that_were_merged_are_no_beginning_of_the_whole(tmp_path):
    cw.Scan.merge(*(run(tmp_path / "parts", part=(at, 3)) for at in (0, 2))).save(tmp_path)
    assert cw.Scan.open(tmp_path).parts == {(0, 3): 24, (2, 3): 23}
    with pytest.raises(ValueError, match="holds a scan in parts, of which some are missing"):
        run(tmp_path)
