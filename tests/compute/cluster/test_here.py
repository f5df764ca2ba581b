"""Which Ray is used, with another module in its place."""

from __future__ import annotations

import os
import socket
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import cnnwidgets as cw
from cnnwidgets.compute.cluster import on_ray, running
from cnnwidgets.compute.cluster.here import AGENTS, PATIENCE, free_ports

here = import_module("cnnwidgets.compute.cluster.here")


class Ray:
    """What of Ray is used to begin it."""

    def __init__(self, *, initialized: bool = False, fails: bool = False) -> None:
        self.initialized, self.fails, self.calls = initialized, fails, []
        self.parameter = SimpleNamespace(RayParams=dict)
        self.services = SimpleNamespace(start_ray_process=lambda command, kind, **options: (command, kind, options))

    def is_initialized(self) -> bool:
        return self.initialized

    def init(self, address: str | None = None, **options: Any) -> None:
        waits = {name: os.environ.get(name) for name in PATIENCE}
        commands = [self.services.start_ray_process([kind], kind, fate_share=True) for kind in ("gcs", "raylet")]
        self.calls.append((address, options, self.parameter.RayParams(num_cpus=2), commands, waits))
        if self.fails:
            raise Exception("The current node timed out.")
        self.initialized = True

    def shutdown(self) -> None:
        self.initialized = False


@pytest.fixture
def use(monkeypatch):
    """Put a Ray in the place of the real one."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def put(ray: Ray) -> Ray:
        modules = {"ray": ray, "ray.data": ModuleType("ray.data"), "ray._private.parameter": ray.parameter}
        modules["ray._private.services"] = ray.services
        monkeypatch.setattr(here, "imported", modules.__getitem__)
        return ray

    return put


def test_one_that_is_begun_waits_long_has_ports_for_its_agents_and_ends(use, monkeypatch):
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "5")
    ray = use(Ray())
    with running(num_cpus=3) as given:
        assert given is ray and ray.initialized
    assert not ray.initialized
    ((address, options, parameters, commands, waits),) = ray.calls
    assert address == "local" and options["num_cpus"] == 3
    assert parameters["num_cpus"] == 2
    assert len({options["_metrics_export_port"], *(parameters[name] for name in AGENTS)} - {0, None}) == 4
    listens = f"--dashboard_agent_listen_port={parameters['dashboard_agent_listen_port']}"
    assert [command for command, *_ in commands] == [["gcs"], ["raylet", listens]]
    assert [rest for _, *rest in commands] == [["gcs", {"fate_share": True}], ["raylet", {"fate_share": True}]]
    assert waits == {**PATIENCE, "RAY_agent_register_timeout_ms": "5"}  # what the user has set comes first
    assert ray.parameter.RayParams is dict and "RAY_raylet_start_wait_time_s" not in os.environ


def test_one_that_does_not_begin_says_so_and_leaves_nothing_behind(use):
    ray = use(Ray(fails=True))
    with pytest.raises(RuntimeError, match="Ray does not begin on this machine: The current node timed out"), running():
        pass
    assert ray.parameter.RayParams is dict and not set(PATIENCE) & set(os.environ) and not ray.initialized


def test_a_later_ray_without_these_places_begins_as_it_does(use):
    ray = use(Ray())
    del ray.parameter.RayParams
    init = ray.init
    ray.init = lambda *args, **options: setattr(ray.parameter, "RayParams", dict) or init(*args, **options)
    with running():
        assert ray.initialized
    assert ray.parameter.RayParams is dict


def test_one_to_which_the_process_has_connected_is_used_as_it_is(use):
    ray = use(Ray(initialized=True))
    with running(num_cpus=3) as given:
        assert given is ray
    assert ray.initialized and not ray.calls


def test_one_that_the_environment_names_is_connected_to(use, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    ray = use(Ray())
    with running(num_cpus=3):
        assert ray.initialized
    ((address, options, _, _, waits),) = ray.calls
    assert address is None and options == {"log_to_driver": False} and set(waits.values()) == {None}
    assert not ray.initialized


def test_free_ports_are_several_and_nobody_listens_there():
    ports = free_ports(4)
    assert len(set(ports)) == 4
    for port in ports:
        with socket.socket() as one:
            one.bind(("", port))


def test_without_ray_it_is_said_how_to_install_it(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(here, "imported", missing)
    with pytest.raises(ImportError, match=r"pip install 'cnnwidgets\[ray\]'"):
        cw.scan(cw.models.lenet5(), cw.data.digits(), ["C1"], engine="ray", progress=False)
    with pytest.raises(ImportError, match=r"needs Ray Data"), on_ray(lambda at, of: at, [(0, 1)], None, {}):
        pass
