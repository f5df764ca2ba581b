"""Both commands of the README on a fresh machine, timed: `python benchmarks/fresh_machine.py [--first | --second]`.

Copies the repository without what git ignores into an empty folder and runs the two commands to the letter, each with
an environment of its own, no cache of pip (unless `PIP_CACHE_DIR` names one), an empty home, and a `PATH` on which
there is nothing but what the README names: Python, git, a shell with its core utilities, and a Chromium. The first is
done when JupyterLab answers at the address it prints, the second when the tests have ended. `--first` and `--second`
run only that one. Needs a Debian with these, and the network for the packages.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/lab\S*")
CHROMIUMS = ("chromium", "google-chrome")


def commands() -> list[str]:
    """The first two commands of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```bash\n(.*?)\n```", readme, re.DOTALL)[:2]


def bare(folder: Path) -> Path:
    """A folder with what the README names and nothing else, to stand alone on the `PATH`."""
    folder.mkdir()
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if "venv" not in part)
    listed = subprocess.run(["dpkg", "-L", "coreutils"], check=True, capture_output=True, text=True).stdout.split()
    for name in {"sh", "bash", "git"} | {
        Path(file).name for file in listed if Path(file).parent.name in ("bin", "sbin")
    }:
        if found := shutil.which(name, path=path):
            (folder / name).symlink_to(found)
    python = shutil.which("python3", path=path)
    chromium = os.environ.get("CHROMIUM") or next(
        filter(None, (shutil.which(name, path=path) for name in CHROMIUMS)), None
    )
    if not python or not chromium:
        raise SystemExit(f"there must be a python3 ({python}) and a Chromium ({chromium})")
    # No links: Python finds its library from where it really lies, and Chromium's own script has needs of its own.
    for name, line in {"python3": [python], "chromium": ["/usr/bin/env", f"PATH={path}", chromium]}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.join(line)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def newcomer(home: Path, path: Path) -> dict[str, str]:
    """The environment of somebody who has just got the machine."""
    config = home / ".jupyter"
    config.mkdir(parents=True)
    if os.geteuid() == 0:  # in a container; JupyterLab asks others not to be root
        (config / "jupyter_server_config.py").write_text("c.ServerApp.allow_root = True\n")
    kept = {name: os.environ[name] for name in ("CNNWIDGETS_DATA", "TMPDIR", "LANG") if name in os.environ}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "http", "HTTP"))}
    if "PIP_CACHE_DIR" not in pip:
        pip["PIP_NO_CACHE_DIR"] = "1"
    return kept | pip | {"HOME": str(home), "PATH": str(path), "BROWSER": "true"}


def copy(folder: Path) -> Path:
    """The repository as it lies here, without what git ignores."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def status(address: str, seconds: float = 60) -> int:
    """HTTP status of the page, once somebody answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return int(answer.status)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def first(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run until JupyterLab answers; its address, without the token."""
    server = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = []
    try:
        assert server.stdout is not None
        for line in server.stdout:
            said.append(line)
            if address := ADDRESS.search(line):
                return f"{status(address[0])} from {address[0].partition('?')[0]}"
        raise SystemExit(f"JupyterLab did not start:\n{''.join(said[-30:])}")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def second(command: str, folder: Path, environment: dict[str, str]) -> tuple[str, int]:
    """Run the tests, and show what they say; their last line, and the exit status."""
    last = ""
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as tests:
        assert tests.stdout is not None
        for line in tests.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return last, tests.returncode


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--first", action="store_true", help="leave the tests out")
    only.add_argument("--second", action="store_true", help="only the tests")
    options = parser.parse_args()
    start, test = commands()
    with tempfile.TemporaryDirectory() as work:
        path = bare(Path(work) / "path")
        if not options.second:
            begin = time.monotonic()
            answer = first(start, copy(Path(work) / "first"), newcomer(Path(work) / "home", path))
            print(f"$ {start}\n{answer} after {time.monotonic() - begin:.0f} s", flush=True)
        if not options.first:
            begin = time.monotonic()
            last, exit_status = second(test, copy(Path(work) / "second"), newcomer(Path(work) / "other home", path))
            print(f"$ {test}\n{last}; exit status {exit_status} after {time.monotonic() - begin:.0f} s")
            sys.exit(exit_status)


if __name__ == "__main__":
    main()
