"""The Ray that is used: the one that runs, or one of our own on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from ...late import imported

PATIENCE = {
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_gcs_server_port_wait_time_s": "120",
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_worker_register_timeout_seconds": "600",
}
"""How long Ray waits for its own processes, of which each imports some seconds of Python; on a busy machine many times
as long. What the environment says comes first."""
AGENTS = ("metrics_agent_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
"""The ports of Ray's agents, as its parameters are called. Where an agent is to choose one, Ray gives up after 15
seconds without it, which no setting changes; where they are given, it begins, and the agents come when they are ready.
For that of the metrics `ray.init` has an option, for these none."""


def installed() -> Any:
    """`ray`, with Ray Data; raises ImportError, with the command that installs them, where one is missing."""
    try:
        imported("ray.data")
        return imported("ray")
    except ImportError as error:
        raise ImportError("engine='ray' needs Ray Data: pip install 'cnnwidgets[ray]'") from error


@contextmanager
def running(**options: Any) -> Iterator[Any]:
    """`ray`, connected to a cluster.

    That is the one to which this process has connected, or that `RAY_ADDRESS` names. Without these one is begun on this
    machine, which ends with the `with`, and also when this process is killed.

    Parameters
    ----------
    **options
        For `ray.init`, where one is begun.

    Raises
    ------
    ImportError
        Ray is not installed.
    RuntimeError
        Ray does not begin.
    """
    ray = installed()
    if ray.is_initialized():
        yield ray
        return
    try:
        if os.environ.get("RAY_ADDRESS"):
            ray.init(log_to_driver=False)
        else:
            _begin(ray, options)
        yield ray
    finally:
        ray.shutdown()


def _begin(ray: Any, options: dict[str, Any]) -> None:
    """Begin one on this machine, however long its processes take to come up."""
    metrics, *ports = free_ports(1 + len(AGENTS))
    own: dict[str, Any] = {"_metrics_export_port": metrics, "include_dashboard": False}
    own |= {"log_to_driver": False, "logging_level": logging.ERROR}
    with _environment(PATIENCE), _given(dict(zip(AGENTS, ports, strict=True))):
        try:
            ray.init("local", **own, **options)
        except Exception as error:  # Ray raises bare ones
            raise RuntimeError(
                f"Ray does not begin on this machine: {error} To use one that runs, call ray.init before"
            ) from error


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables, as far as they are not set."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _given(ports: dict[str, int]) -> Iterator[None]:
    """Give the agents of a Ray that begins these ports, and begin without what only serves its dashboard."""

    def parameters(before: Callable[..., Any]) -> Callable[..., Any]:
        return partial(before, **ports, include_log_monitor=False, no_monitor=True)

    def process(before: Callable[..., Any]) -> Callable[..., Any]:
        def start(command: list[str], kind: str, *args: Any, **options: Any) -> Any:
            # to the agent it is told by its parameter, to the process that waits for the agent it is not
            told = [f"--dashboard_agent_listen_port={ports['dashboard_agent_listen_port']}"] if kind == "raylet" else []
            return before([*command, *told], kind, *args, **options)

        return start

    with (
        _replaced("ray._private.parameter", "RayParams", parameters),
        _replaced("ray._private.services", "start_ray_process", process),
    ):
        yield


@contextmanager
def _replaced(module: str, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    """Something in the place of a function of Ray; of a later Ray that has it no more, nothing is replaced."""
    try:
        place = imported(module)
    except ImportError:
        place = None
    before = getattr(place, name, None)
    if before is not None:
        setattr(place, name, make(before))
    try:
        yield
    finally:
        if before is not None:
            setattr(place, name, before)


def free_ports(count: int) -> list[int]:
    """So many ports of this machine on which nobody listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]
