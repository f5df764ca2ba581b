"""What the caller of a cluster and a worker do, without one."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.cluster.on_ray import Worker
from cnnwidgets.compute.scan.scan import Parts

scans = import_module("cnnwidgets.compute.scan.scan")
GENERATOR = torch.Generator().manual_seed(0)
DATA = torch.utils.data.TensorDataset(torch.randn(70, 1, 4, 4, generator=GENERATOR), torch.arange(70) % 2)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def run(**options) -> cw.Scan:
    return cw.scan(network(), DATA, **{"k": 4, "batch_size": 8, "progress": False, **options})


def the_same(one: cw.Scan, other: cw.Scan) -> None:
    """To the bit."""
    assert one.complete and other.complete and one.key == other.key
    (ours, _), (theirs, _) = one.record(), other.record()
    for name, values in ours.items():
        torch.testing.assert_close(values, theirs[name], rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.fixture
def cluster(monkeypatch) -> list[tuple[int, int]]:
    """In the place of Ray: this process does the parts, in an order that a test changes; which ones is told."""
    done: list[tuple[int, int]] = []

    @contextmanager
    def here(work: Parts, parts: list[tuple[int, int]], *_: Any) -> Iterator[Iterator[cw.Scan]]:
        def results() -> Iterator[cw.Scan]:
            for which in sorted(parts, key=lambda part: part[0] * 7 % 16):
                done.append(which)
                yield work(*which)

        yield results()

    monkeypatch.setattr(scans, "on_ray", here)
    return done


def test_parts_in_any_order_are_the_scan_of_one_process(cluster):
    told: list[int] = []
    found = run(engine="ray", progress=lambda done, total: told.append(done) or True)
    assert len(cluster) == len(set(cluster)) == 16 and cluster[:3] == [(0, 16), (7, 16), (14, 16)]
    assert told == sorted(told) and told[-1] == 70 and len(told) == 16
    the_same(found, cw.Scan.merge(*(run(part=(at, 16)) for at in range(16))))
    whole = run()
    assert torch.equal(found["0"].indices, whole["0"].indices)
    torch.testing.assert_close(found["0"].mean, whole["0"].mean)


def test_what_was_killed_after_writing_ends_with_the_same_numbers_to_the_bit(cluster, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    monkeypatch.setattr(scans, "EVERY", 0)
    write = scans.storage.write

    def dies(folder: Path, name: str, tensors: Any, about: dict[str, Any]) -> None:
        if sum(done for _, _, done in about["parts"]) > 30:
            raise Killed  # in place of what an orderly end would write, too
        write(folder, name, tensors, about)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(scans.storage, "write", dies)
        run(engine="ray", folder=tmp_path)
    begun = cw.Scan.open(tmp_path)
    assert 0 < begun.done <= 30
    cluster.clear()
    found = run(engine="ray", folder=tmp_path)
    assert len(cluster) == 16 - len(begun.parts) and not set(cluster) & set(begun.parts)
    the_same(found, run(engine="ray"))


@pytest.mark.parametrize("ends", ["says no more", "Ctrl-C"])
def test_what_is_done_is_given_and_gone_on_from(cluster, tmp_path, ends):
    def told(done: int, total: int) -> bool:
        if done >= 20 and ends == "Ctrl-C":
            raise KeyboardInterrupt
        return done < 20

    stopped = run(engine="ray", folder=tmp_path, progress=told)
    assert 20 <= stopped.done < 30 and cw.Scan.open(tmp_path).parts == stopped.parts
    with pytest.raises(ValueError, match="holds a scan in parts, of which some are missing: go on with engine='ray'"):
        run(folder=tmp_path)
    cluster.clear()
    assert run(engine="ray", folder=tmp_path).complete
    assert len(cluster) == 16 - len(stopped.parts) and not set(cluster) & set(stopped.parts)
    cluster.clear()
    assert run(engine="ray", folder=tmp_path).complete and run(folder=tmp_path).complete and not cluster


def test_what_one_process_has_begun_is_not_gone_on_from_in_parts(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(import_module("cnnwidgets.compute.scan.scanner"), "TURN", 0)
    run(folder=tmp_path, progress=lambda done, total: False)
    with pytest.raises(ValueError, match="holds a scan by one process that is not complete: go on without"):
        run(engine="ray", folder=tmp_path)


def test_an_error_in_the_middle_keeps_what_is_done(tmp_path, monkeypatch):
    @contextmanager
    def fails(work: Parts, parts: list[tuple[int, int]], *_: Any) -> Iterator[Iterator[cw.Scan]]:
        def results() -> Iterator[cw.Scan]:
            yield work(*parts[0])
            yield work(*parts[2])
            raise RuntimeError("bad sector")

        yield results()

    monkeypatch.setattr(scans, "on_ray", fails)
    with pytest.raises(RuntimeError, match="bad sector"):
        run(engine="ray", folder=tmp_path)
    assert list(cw.Scan.open(tmp_path).parts) == [(0, 16), (2, 16)]


def test_a_worker_scans_the_parts_that_it_is_given():
    """As in a process of the cluster, of which Ray is only needed to start it."""
    packed = io.BytesIO()
    torch.save(Parts(cw.Scanner(network(), DATA, k=4, batch_size=8)), packed)
    worker = Worker(packed.getvalue(), "cpu")
    rows = worker({"at": [2, 0], "of": [3, 3]})["found"] + worker({"at": [1], "of": [3]})["found"]
    parts = [pickle.loads(row) for row in rows]
    assert [list(part.parts) for part in parts] == [[(2, 3)], [(0, 3)], [(1, 3)]]
    the_same(cw.Scan.merge(*parts), cw.Scan.merge(*(run(part=(at, 3)) for at in (2, 0, 1))))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "dask"}, "engine is None or 'ray', not 'dask'"),
        ({"resources": {"GPU": 1}}, "give engine='ray' too"),
        ({"engine": "ray", "part": (0, 2)}, "makes its parts itself"),
        ({"engine": "ray", "workers": 0}, "workers must be a whole number, 1 or more, not 0"),
        ({"engine": "ray", "resources": {"GPU": -1}}, "resources: GPU must be a number, 0 or more, not -1"),
    ],
)
def test_an_option_of_the_engine_is_checked(options, words):
    with pytest.raises(ValueError, match=words):
        run(**options)
    with pytest.raises(TypeError, match=r"such as \{'GPU': 1\}, not 'GPU'"):
        run(engine="ray", resources="GPU")
