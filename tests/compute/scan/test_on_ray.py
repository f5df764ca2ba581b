"""Scans by the processes of a Ray cluster; those that need one are slow, and run only where Ray is installed."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import signal
import threading
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.cluster.on_ray import Worker

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def images(folder: Path | None = None, broken: int | None = None) -> torch.utils.data.Dataset:
    """70 images; with a folder, image 37 kills the first process other than this one that reads it."""
    here = os.getpid()

    class Images(torch.utils.data.Dataset):  # in a function, so that it is sent to other processes whole
        def __len__(self):
            return 70

        def __getitem__(self, index):
            if folder is not None and index == 37 and os.getpid() != here and not (folder / "killed").exists():
                (folder / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if index == broken and os.getpid() != here:
                raise OSError("bad sector")
            return torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(index)), index % 2

    return Images()


@pytest.fixture(scope="module")
def cluster():
    import ray

    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_AUTH_MODE", "disabled")
    patch.setenv("RAY_raylet_start_wait_time_s", "200")  # a busy machine takes longer than Ray waits by itself
    own = {"num_cpus": 3, "include_dashboard": False, "object_store_memory": 100 * 2**20}
    ray.init(log_to_driver=False, **({} if "RAY_ADDRESS" in os.environ else own))  # there one runs, with 3 CPUs
    yield ray
    ray.shutdown()
    patch.undo()


def run(dataset=None, **options) -> cw.Scan:
    return cw.scan(network(), dataset or images(), **{"k": 4, "batch_size": 8, "progress": False, **options})


def the_same(one: cw.Scan, other: cw.Scan) -> None:
    assert list(one) == list(other) and one.complete and other.complete and one.key == other.key
    for name in one:
        for field in ("images", "count", "zeros", "firing", "image", "row", "column", "class_images", "histogram"):
            assert torch.equal(one[name][field], other[name][field]), (name, field)
        for numbers in ("values", "mean", "std", "maximum", "class_mean"):
            torch.testing.assert_close(getattr(one[name], numbers), getattr(other[name], numbers), equal_nan=True)
    assert torch.equal(one.predictions.targets, other.predictions.targets)


@pytest.mark.slow
@needs_ray
def test_three_workers_of_which_one_is_killed_find_what_one_process_finds(cluster, tmp_path):
    told = []
    found = run(images(tmp_path), engine="ray", workers=3, progress=lambda done, total: told.append(done) or True)
    assert (tmp_path / "killed").exists()
    the_same(found, run())
    assert told == sorted(told) and told[-1] == 70 and len(found.parts) == len(told) == 16


@pytest.mark.slow
@needs_ray
def test_a_scan_that_was_stopped_goes_on_and_no_part_is_scanned_twice(cluster, tmp_path):
    stopped = run(engine="ray", workers=2, folder=tmp_path, progress=lambda done, total: done < 20)
    assert 20 <= stopped.done < 70 and cw.Scan.open(tmp_path).parts == stopped.parts
    with pytest.raises(ValueError, match="holds a scan in parts, of which some are missing: engine='ray' goes on"):
        run(folder=tmp_path)
    told = []
    found = run(engine="ray", workers=2, folder=tmp_path, progress=lambda done, total: told.append(done) or True)
    assert told[0] == stopped.done and len(told) == 1 + 16 - len(stopped.parts)
    the_same(found, run())
    assert run(folder=tmp_path).complete and run(engine="ray", folder=tmp_path).complete  # both read it only


@pytest.mark.slow
@needs_ray
def test_an_image_that_fails_in_a_worker_is_named_as_in_one_process(cluster, tmp_path):
    with pytest.raises(RuntimeError, match=r"cannot give item 37: .* raises OSError \(bad sector\)"):
        run(images(broken=37), engine="ray", workers=2)
    found = run(images(broken=37), engine="ray", workers=2, on_error="skip")
    assert list(found.skipped) == [37] and found.complete


@pytest.mark.slow
@needs_ray
def test_what_the_cluster_has_no_room_for_or_cannot_be_sent_is_said_in_words(cluster):
    with pytest.raises(ValueError, match="9 workers with 1 CPU each have no room in the cluster, which has 3 CPU"):
        run(engine="ray", workers=9)
    with pytest.raises(ValueError, match="with 1 CPU and 1 GPU each have no room"):
        run(engine="ray", resources={"GPU": 1})
    dataset = images()
    dataset.lock = threading.Lock()
    with pytest.raises(TypeError, match="are sent to the workers, and one of them, or prepare, cannot be"):
        run(dataset, engine="ray")


def test_without_ray_it_is_said_how_to_install_it(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(import_module("cnnwidgets.compute.cluster.on_ray"), "imported", missing)
    with pytest.raises(ImportError, match=r"pip install 'cnnwidgets\[ray\]'"):
        run(engine="ray")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "dask"}, "engine is None or 'ray', not 'dask'"),
        ({"workers": 2}, "give engine='ray' too"),
        ({"engine": "ray", "part": (0, 2)}, "makes its parts itself"),
    ],
)
def test_an_option_of_the_engine_is_checked(options, words):
    with pytest.raises(ValueError, match=words):
        run(**options)


def test_a_worker_scans_the_parts_that_it_is_given():
    """As in a process of the cluster, of which Ray is only needed to start it."""
    packed = io.BytesIO()
    data = torch.utils.data.TensorDataset(torch.stack([images()[at][0] for at in range(70)]), torch.arange(70) % 2)
    work = import_module("cnnwidgets.compute.scan.scan").Parts(cw.Scanner(network(), data, k=4, batch_size=8))
    torch.save(work, packed)
    worker = Worker(packed.getvalue(), "cpu")
    rows = worker({"at": [2, 0], "of": [3, 3]})["found"] + worker({"at": [1], "of": [3]})["found"]
    parts = [pickle.loads(row) for row in rows]
    assert [list(part.parts) for part in parts] == [[(2, 3)], [(0, 3)], [(1, 3)]]
    the_same(cw.Scan.merge(*parts), run(data))
