"""Scans by real processes of Ray, where it is installed: python -m pytest -m ray tests/compute/scan/test_on_ray.py"""

from __future__ import annotations

import importlib.util
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.compute.cluster import running

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]

SCRIPT = """
import os, signal, sys, time
from importlib import import_module
from pathlib import Path
import torch
from torch import nn
import cnnwidgets as cw

{functions}
import_module("cnnwidgets.compute.scan.scan").EVERY = 0
torch.set_num_threads(1)
cw.scan(network(), images(seconds=0.1), folder=sys.argv[1], k=4, batch_size=8, engine="ray", workers=2, progress=False)
"""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def images(
    folder: Path | None = None, broken: int | None = None, seconds: float = 0, times: int = 1
) -> torch.utils.data.Dataset:
    """70 images; with a folder, image 37 kills the first processes other than this one that read it."""
    here = os.getpid()

    class Images(torch.utils.data.Dataset):  # in a function, so that it is sent to other processes whole
        def __len__(self):
            return 70

        def __getitem__(self, index):
            if folder is not None and index == 37 and os.getpid() != here and len(list(folder.glob("killed*"))) < times:
                (folder / f"killed-{os.getpid()}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if index == broken and os.getpid() != here:
                raise OSError("bad sector")
            if os.getpid() != here:
                time.sleep(seconds)
            return torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(index)), index % 2

    return Images()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with running(num_cpus=3, object_store_memory=100 * 2**20) as ray:
        yield ray


def run(dataset=None, **options) -> cw.Scan:
    return cw.scan(network(), dataset or images(), **{"k": 4, "batch_size": 8, "progress": False, **options})


def the_same(one: cw.Scan, other: cw.Scan) -> None:
    """To the bit."""
    assert one.complete and other.complete and one.key == other.key and one.skipped == other.skipped
    (ours, _), (theirs, _) = one.record(), other.record()
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(values, theirs[name], rtol=0, atol=0, equal_nan=True, msg=name)


def alike(one: cw.Scan, other: cw.Scan) -> None:
    """To the bit where merging keeps it, and sums to their rounding."""
    assert list(one) == list(other) and one.complete and other.complete and one.key == other.key
    for name in one:
        for field in ("images", "count", "zeros", "firing", "image", "row", "column", "class_images", "histogram"):
            assert torch.equal(one[name][field], other[name][field]), (name, field)
        for numbers in ("values", "mean", "std", "maximum", "class_mean"):
            torch.testing.assert_close(getattr(one[name], numbers), getattr(other[name], numbers), equal_nan=True)
    assert torch.equal(one.predictions.targets, other.predictions.targets)


def test_three_workers_of_which_one_is_killed_find_what_two_and_one_process_find(cluster, tmp_path):
    told: list[int] = []
    found = run(images(tmp_path), engine="ray", workers=3, progress=lambda done, total: told.append(done) or True)
    assert len(list(tmp_path.glob("killed*"))) == 1
    assert told == sorted(told) and told[-1] == 70 and len(found.parts) == len(told) == 16
    the_same(found, run(engine="ray", workers=2))
    the_same(found, cw.Scan.merge(*(run(part=(at, 16)) for at in range(16))))
    alike(found, run())


def test_a_scan_that_was_stopped_goes_on_and_no_part_is_scanned_twice(cluster, tmp_path):
    stopped = run(engine="ray", workers=2, folder=tmp_path, progress=lambda done, total: done < 20)
    assert 20 <= stopped.done < 70 and cw.Scan.open(tmp_path).parts == stopped.parts
    with pytest.raises(ValueError, match="holds a scan in parts, of which some are missing: go on with engine='ray'"):
        run(folder=tmp_path)
    told: list[int] = []
    found = run(engine="ray", workers=2, folder=tmp_path, progress=lambda done, total: told.append(done) or True)
    assert told[0] == stopped.done and len(told) == 1 + 16 - len(stopped.parts)
    alike(found, run())
    assert run(folder=tmp_path).complete and run(engine="ray", folder=tmp_path).complete  # both read it only


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_a_process_that_ended_in_the_middle_has_written_is_gone_on_from(cluster, tmp_path, how):
    """After kill -9 the same call ends with the same numbers to the bit; Ctrl-C writes what there is."""
    functions = "\n\n".join(inspect.getsource(each) for each in (network, images))
    address = cluster.get_runtime_context().gcs_address
    script = [sys.executable, "-c", SCRIPT.format(functions=functions), str(tmp_path)]
    caller = subprocess.Popen(script, env={**os.environ, "RAY_ADDRESS": address}, cwd=Path(cw.__file__).parents[1])
    until = time.monotonic() + 120
    while not (tmp_path / "scan.json").exists():
        assert caller.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    caller.send_signal(how)
    assert caller.wait(60) == (-how if how == signal.SIGKILL else 0)
    begun = cw.Scan.open(tmp_path)
    assert 0 < begun.done < 70
    told: list[int] = []
    found = run(engine="ray", workers=2, folder=tmp_path, progress=lambda done, total: told.append(done) or True)
    assert told[0] == begun.done
    (the_same if how == signal.SIGKILL else alike)(found, run(engine="ray", workers=2))


def test_a_part_that_kills_every_worker_is_given_up_and_the_others_are_kept(cluster, tmp_path):
    data = images(tmp_path, times=99)
    with pytest.raises(RuntimeError, match="a part was given up by Ray"):
        run(data, engine="ray", workers=2, folder=tmp_path / "scan")
    assert len(list(tmp_path.glob("killed*"))) == 4
    assert 0 < cw.Scan.open(tmp_path / "scan").done < 70


def test_an_image_that_fails_in_a_worker_is_named_as_in_one_process(cluster):
    with pytest.raises(RuntimeError, match=r"cannot give item 37: .* raises OSError \(bad sector\)"):
        run(images(broken=37), engine="ray", workers=2)
    found = run(images(broken=37), engine="ray", workers=2, on_error="skip")
    assert list(found.skipped) == [37] and found.complete


def test_what_the_cluster_has_no_room_for_or_cannot_be_sent_is_said_in_words(cluster):
    with pytest.raises(ValueError, match="9 workers with 1 CPU each have no room in the cluster, which has 3 CPU"):
        run(engine="ray", workers=9)
    with pytest.raises(ValueError, match="with 1 CPU and 1 GPU each have no room"):
        run(engine="ray", resources={"GPU": 1})
    dataset = images()
    dataset.lock = threading.Lock()
    with pytest.raises(TypeError, match="are sent to the workers, and one of them, or prepare, cannot be"):
        run(dataset, engine="ray")


def test_a_cluster_of_the_caller_is_left_running_and_its_settings_as_they_were(cluster):
    context = import_module("ray.data").DataContext.get_current()
    before = context.enable_progress_bars
    with running() as ray:
        assert ray is cluster
    assert cluster.is_initialized() and context.enable_progress_bars == before
