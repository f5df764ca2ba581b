"""Work in parts on Ray Data: each process holds what does the work, and does one part after the other."""

from __future__ import annotations

import io
import logging
import math
import pickle
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from numbers import Real
from typing import Any, Protocol

import torch

from ...late import imported
from ..core import whole
from .here import installed, running

TRIES = 3
"""How often a part is done again whose process has died."""


class Work(Protocol):
    """What is sent to each process, and does a part there."""

    def to(self, device: str) -> None:
        """Go to a device."""

    def __call__(self, at: int, of: int) -> Any:
        """What comes out of part `at` of `of`; can be pickled."""


class Worker:
    """What a process of the cluster runs.

    Parameters
    ----------
    packed : bytes or ray.ObjectRef
        The work, as `packed` gives it; or where Ray keeps it.
    device : str
        Where it is done.
    """

    def __init__(self, packed: Any, device: str) -> None:
        written = packed if isinstance(packed, bytes) else imported("ray").get(packed)
        self._work: Work = torch.load(io.BytesIO(written), map_location="cpu", weights_only=False)
        self._work.to(device)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[bytes]]:
        """What comes out of some parts, or the error that one of them ended with."""
        return {"found": [self._done(int(at), int(of)) for at, of in zip(batch["at"], batch["of"], strict=True)]}

    def _done(self, at: int, of: int) -> bytes:
        try:
            return pickle.dumps(self._work(at, of))
        except Exception as error:  # the caller raises it
            return _pickled(error)


def check_workers(workers: Any, resources: Any) -> None:
    """Raise ValueError or TypeError for workers and what each of them needs, as for `on_ray`, that cannot be meant."""
    if workers is not None and ((number := whole(workers)) is None or number < 1):
        raise ValueError(f"workers must be a whole number, 1 or more, not {workers!r}")
    if resources is not None and not isinstance(resources, Mapping):
        raise TypeError(f"resources are those of a worker by name, such as {{'GPU': 1}}, not {resources!r}")
    for name, need in (resources or {}).items():
        if isinstance(need, bool) or not isinstance(need, Real) or not 0 <= float(need) < math.inf:
            raise ValueError(f"resources: {name} must be a number, 0 or more, not {need!r}")


@contextmanager
def on_ray(
    work: Work, parts: Sequence[tuple[int, int]], workers: int | None, resources: Mapping[str, float]
) -> Iterator[Iterator[Any]]:
    """What comes out of each part, in the order in which they end; a part whose process dies is done again.

    Where it runs, `running` says.

    Parameters
    ----------
    work : Work
        Does a part.
    parts : sequence of (int, int)
        Which of how many.
    workers : int, optional
        Processes; by default as many as the cluster has room for.
    resources : mapping of str to float
        What each of them needs, as Ray calls it: `{"CPU": 1, "GPU": 1}`; by default a CPU.

    Raises
    ------
    ImportError
        Ray is not installed.
    TypeError
        The work cannot be sent to another process.
    ValueError
        The cluster has no room for the workers.
    RuntimeError
        A part was given up, since the processes that do it die.
    Exception
        What the work raised for a part.
    """
    data = installed().data
    written = packed(work)
    with running() as ray, _quiet(data):
        results = _results(ray, written, parts, workers, {"CPU": 1, **resources})
        try:
            yield results
        finally:
            results.close()


@contextmanager
def _quiet(data: Any) -> Iterator[None]:
    """No progress bars and messages of Ray Data beside those of the caller."""
    context, console = data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, console.level
    context.enable_progress_bars = False
    console.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars = bars
        console.setLevel(level)


def _results(
    ray: Any,
    written: bytes,
    parts: Sequence[tuple[int, int]],
    workers: int | None,
    resources: dict[str, float],
) -> Generator[Any, None, None]:
    most = _room(ray.cluster_resources(), workers, resources)
    others = {name: need for name, need in resources.items() if name not in ("CPU", "GPU")}
    # without tasks that read: with a worker on each processor none would be left for them
    table = ray.data.from_items([{"at": at, "of": of} for at, of in parts], override_num_blocks=len(parts))
    # Ray has no limit of its own, and from 2.64 on no option for one
    limit = {"max_task_retries": TRIES} if "ray_remote_args" in signature(table.map_batches).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is no more from 2.64 on
        results = table.map_batches(
            Worker,
            fn_constructor_args=(ray.put(written), "cuda" if resources.get("GPU") else "cpu"),
            batch_size=1,
            concurrency=min(workers or most, len(parts)),
            num_cpus=resources["CPU"],
            num_gpus=resources.get("GPU", 0),
            **({"resources": others} if others else {}),
            **limit,
        )
    try:
        for row in results.iter_rows():
            found = pickle.loads(row["found"])
            if isinstance(found, Exception):
                raise found
            yield found
    except ray.exceptions.RayError as error:
        raise RuntimeError(f"a part was given up by Ray: {type(error).__name__}: {error}") from error


def _room(there: Mapping[str, float], workers: int | None, resources: Mapping[str, float]) -> int:
    """How many workers a cluster has room for."""
    wanted = {name: need for name, need in resources.items() if need > 0}
    most = min((int(there.get(name, 0) // need) for name, need in wanted.items()), default=workers or 1)
    if most < (workers or 1):
        asked = " and ".join(f"{need:g} {name}" for name, need in wanted.items())
        found = " and ".join(f"{there.get(name, 0):g} {name}" for name in wanted)
        raise ValueError(f"{workers or 1} workers with {asked} each have no room in the cluster, which has {found}")
    return most


def packed(work: Work) -> bytes:
    """Work as bytes from which a process on another machine has it, whatever device its tensors are on."""
    file = io.BytesIO()
    try:
        torch.save(work, file, pickle_module=imported("ray.cloudpickle"))
    except Exception as error:  # whatever an object raises that does not want to be written
        raise TypeError(
            "the network and the data set are sent to the workers, and one of them, or prepare, cannot be: "
            f"{type(error).__name__}: {error}"
        ) from error
    return file.getvalue()


def _pickled(error: Exception) -> bytes:
    try:
        written = pickle.dumps(error)
        pickle.loads(written)
    except Exception:  # some take other arguments than they keep
        written = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return written
