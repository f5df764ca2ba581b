"""Images that are read by worker processes: the same numbers, errors and endings as without."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.reading import ahead
from cnnwidgets.compute.scan import scanner, storage
from cnnwidgets.compute.scan.tally import FIELDS


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))


class Photos(torch.utils.data.Dataset):
    """Of two sizes; each with numbers drawn at random, and two that cannot be read."""

    def __init__(self, broken=(), random=True, ends_at=None):
        made = torch.Generator().manual_seed(3)
        self.images = torch.randn(70, 1, 6, 6, generator=made)
        self.broken, self.random, self.ends_at, self.home = broken, random, ends_at, os.getpid()

    def __len__(self):
        return 70

    def __getitem__(self, index):
        if index in self.broken:
            raise OSError(f"no such file: {index}.jpg")
        if index == self.ends_at and os.getpid() != self.home:
            os._exit(1)
        image = self.images[index]
        if self.random:
            image = image + torch.rand(())
        return image[:, : 6 - index % 2], index % 3


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "CHUNK", 8)


@pytest.fixture
def spawning():
    """Processes are started as on Windows and macOS: with nothing of this one but what is pickled."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def run(dataset, model=None, **options) -> cw.Scan:
    return cw.scan(model or network(), dataset, ["0", "4"], k=4, **{"batch_size": 16, "progress": False, **options})


def identical(one: cw.Scan, other: cw.Scan) -> bool:
    return one.skipped == other.skipped and all(
        torch.equal(one[name][field].nan_to_num(), other[name][field].nan_to_num()) for name in one for field in FIELDS
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_to_the_bit_and_leave_the_random_state(workers):
    data, model = Photos(broken=(5, 40)), network()
    state = torch.get_rng_state()
    found = run(data, model, workers=workers, on_error="skip")
    assert torch.equal(torch.get_rng_state(), state)
    assert sorted(found.skipped) == [5, 40] and "no such file: 40.jpg" in found.skipped[40]
    alone = run(data, on_error="skip")
    assert found.complete and identical(found, alone)
    assert torch.equal(found.predictions.targets, alone.predictions.targets)
    assert found.key == alone.key  # a folder of one is gone on with by the other


def test_an_image_that_cannot_be_read_is_the_same_error():
    said = []
    for workers in (0, 2):
        with pytest.raises(RuntimeError) as raised:
            run(Photos(broken=(66,)), workers=workers, seed=None)
        said.append(str(raised.value))
    assert said[0] == said[1] and "item 66" in said[0]


def test_items_for_prepare_come_as_the_data_set_gives_them():
    data = [{"image": torch.full((1, 4, 4), float(at)), "scale": at, "label": at % 2} for at in range(20)]
    found, alone = (
        run(data, prepare=lambda item: item["image"][None] * item["scale"], workers=workers) for workers in (2, 0)
    )
    assert identical(found, alone) and float(found["0"].std[0]) > 0
    assert found["0"].class_images[:, 0].tolist() == [10, 10]


def test_a_scan_that_was_stopped_goes_on_with_workers_from_where_it_was(tmp_path):
    data = Photos()
    stopped = run(data, folder=tmp_path, workers=2, progress=lambda done, total: False, batch_size=4)
    assert stopped.done > 0
    assert identical(run(data, folder=tmp_path, workers=1, batch_size=4), run(data, batch_size=4))
    assert not multiprocessing.active_children()


def test_steps_of_any_size_take_the_images_in_order():
    found = []
    for workers in (1, 0):
        made = cw.Scanner(network(), Photos(), ["0", "4"], k=4, workers=workers)
        for most in (3, 20, 1):
            made.step(0, most)
        assert made.done == 24
        made.rest()
        assert not multiprocessing.active_children()
        found.append(list(made)[-1])  # the processes start again
    assert identical(*found)


def test_ctrl_c_for_all_processes_ends_after_the_batch_with_what_there_is(monkeypatch):
    def progress(done: int, total: int) -> bool:
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return True

    monkeypatch.setattr(scanner, "TURN", 0)
    found = run(Photos(), workers=2, progress=progress)
    assert found.done == int(found["0"].images[0]) == 16


def test_a_worker_that_dies_is_told_and_what_is_done_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(scanner, "TURN", 0)
    heard = []
    before = signal.signal(signal.SIGCHLD, lambda *given: heard.append(given))
    try:
        with pytest.raises(RuntimeError, match=r"a worker process that reads images has failed .* workers=0"):
            run(Photos(ends_at=60), workers=1, seed=None, folder=tmp_path)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert heard  # what others listen for reaches them
    left = cw.Scan.open(tmp_path)
    assert left.done == int(left["0"].images[0]) > 0
    assert identical(run(Photos(), seed=None, folder=tmp_path), run(Photos(), seed=None))


@pytest.mark.filterwarnings("ignore:Got pickle error")  # of torch, beside the error
def test_a_data_set_that_cannot_be_pickled_is_refused_in_words_where_processes_are_spawned(spawning):
    data = Photos()
    data.transform = lambda image: image
    with pytest.raises(TypeError, match=r"Photos cannot be given to worker processes \(.*lambda.*'spawn'.* workers=0"):
        run(data, workers=1)
    assert not multiprocessing.active_children()


@pytest.mark.slow  # it loads torch
def test_a_spawned_process_reads_a_data_set_of_a_module(spawning):
    assert identical(run(Photos(), workers=1), run(Photos()))


def test_another_thread_may_have_workers():
    found = []
    thread = threading.Thread(target=lambda: found.append(run(Photos(), workers=1)))
    thread.start()
    thread.join(60)
    assert identical(found[0], run(Photos()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_was_forked_holds_no_lock_of_a_scan(tmp_path):
    wait, go = os.pipe()
    begun, begins = os.pipe()
    with storage.locked(tmp_path, "scan"):
        child = os.fork()
        if not child:
            os.write(begins, b".")
            os.read(wait, 1)
            os._exit(0)
        os.read(begun, 1)
    try:
        with storage.locked(tmp_path, "scan"):  # the child lives on
            pass
    finally:
        os.write(go, b".")
        os.waitpid(child, 0)


@pytest.mark.parametrize("workers", [-1, 1.5, "two"])
def test_a_number_of_workers_that_is_none_is_named(workers):
    with pytest.raises(ValueError, match="workers must be a whole number, 0"):
        run(Photos(), workers=workers)
