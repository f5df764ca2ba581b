"""Memory that a notebook takes on Binder: `python benchmarks/notebook_memory.py [alexnet]`.

Runs the notebook from top to bottom in a kernel, with ResNet-18 in place of AlexNet as `notebooks/refresh.py` says, and
adds up the resident memory of the kernel, at its highest, and of an idle JupyterLab.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from _table import verdict, where

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from notebooks import refresh  # noqa: E402

MOST = 1500
"""MB, of the 2 GB that Binder gives."""


def resident(process: psutil.Process) -> float:
    """MB of a process and its children."""
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def of_kernel(path: Path) -> float:
    """The highest MB that the kernel of the notebook takes."""
    own, highest, done = psutil.Process(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.2):
            highest = max([highest, *(resident(child) for child in own.children())])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        refresh.run(path)
    finally:
        done.set()
        thread.join()
    return highest


def of_jupyterlab() -> float:
    """MB of a JupyterLab that nobody uses yet."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--port=0",
            f"--notebook-dir={folder}",
        ]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(15)
        found = resident(psutil.Process(server.pid))
        server.terminate()
        server.wait(20)
    return found


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebook", nargs="?", default="alexnet")
    options = parser.parse_args()
    print(where("torch", "jupyterlab"))
    kernel, lab = of_kernel(refresh.FOLDER / f"{options.notebook}.ipynb"), of_jupyterlab()
    print(f"kernel {kernel:,.0f} MB, JupyterLab {lab:,.0f} MB")
    verdict(f"{options.notebook}.ipynb in JupyterLab", kernel + lab, MOST, unit=" MB")


if __name__ == "__main__":
    main()
