"""Both commands of the README on a fresh machine, timed: `python benchmarks/fresh_machine.py [--first]`.

Clones the last commit into an empty folder and runs the two commands to the letter, each with an environment of its
own, no cache of pip and an empty home. The first is done when JupyterLab answers at the address it prints, the second
when the tests have ended. `--first` leaves the tests out. Needs git, the network for the packages, and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/lab\S*")
SECONDS = 3600


def commands() -> list[str]:
    """The first two commands of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```bash\n(.*?)\n```", readme, re.DOTALL)[:2]


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has just got the machine."""
    config = home / ".jupyter"
    config.mkdir(parents=True)
    if os.geteuid() == 0:  # in a container; JupyterLab asks others not to be root
        (config / "jupyter_server_config.py").write_text("c.ServerApp.allow_root = True\n")
    kept = {name: os.environ[name] for name in ("CNNWIDGETS_DATA", "CHROMIUM", "TMPDIR", "LANG") if name in os.environ}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "http", "HTTP"))}
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if "venv" not in part)
    return kept | pip | {"HOME": str(home), "PATH": path, "PIP_NO_CACHE_DIR": "1", "BROWSER": "true"}


def clone(folder: Path) -> Path:
    """The last commit, as a newcomer gets it."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
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


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", action="store_true", help="leave the tests out")
    options = parser.parse_args()
    start, test = commands()
    with tempfile.TemporaryDirectory() as work:
        begin = time.monotonic()
        answer = first(start, clone(Path(work) / "first"), newcomer(Path(work) / "home"))
        print(f"$ {start}\n{answer} after {time.monotonic() - begin:.0f} s", flush=True)
        if options.first:
            return
        begin = time.monotonic()
        folder, environment = clone(Path(work) / "second"), newcomer(Path(work) / "other home")
        done = subprocess.run(
            ["bash", "-c", test], cwd=folder, env=environment, text=True, capture_output=True, timeout=SECONDS
        )
        last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]
        print(f"$ {test}\n{last}; exit status {done.returncode} after {time.monotonic() - begin:.0f} s")
        if done.returncode:
            sys.exit("\n".join(done.stdout.splitlines()[-40:]))


if __name__ == "__main__":
    main()
