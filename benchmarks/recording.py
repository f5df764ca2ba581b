"""What a film of a training costs: time beside a bare loop, bytes, and how long it takes to open one.

    python benchmarks/recording.py [--models lenet5 resnet18] [--rounds 3] [--device cpu]

A bare loop against the same loop with a `Recorder` of the first convolution and two more layers, 8 probes, a frame each
epoch. Epochs of the two are interleaved, so that drift of the machine hits both sides; the lowest time of each counts.
The time that passes inside of the recorder is told too: it is not blurred by what else the machine does. Images are
random numbers, which cost the same as real ones. LeNet-5: MNIST's 469 batches of 128; ResNet-18: 244 images of
3 x 224 x 224 in 4 batches, as the ants and bees have. Then a film of 200 steps is opened in a new process.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import torch
import torchvision
from _table import verdict, where
from torch import nn

from cnnwidgets import Recorder, models

SLOWER, FIRST = 1.05, 0.5
NETWORKS: dict[str, dict[str, Any]] = {
    "lenet5": {"shape": (1, 28, 28), "batch": 128, "batches": 469, "layers": ["C1", "C3", "F6"]},
    "resnet18": {"shape": (3, 224, 224), "batch": 61, "batches": 4, "layers": ["conv1", "layer1", "layer4"]},
}
OPEN = """
import sys, time
import cnnwidgets
start = time.perf_counter()
recording = cnnwidgets.Recording.open(sys.argv[1])
opened = time.perf_counter()
recording.maps(0, "C1")
first = time.perf_counter()
view = cnnwidgets.FilmView(recording)
shown = time.perf_counter()
print(len(recording), opened - start, first - start, shown - start)
"""


def network(name: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    model = models.lenet5() if name == "lenet5" else torchvision.models.resnet18(num_classes=2)
    return model.to(device)


class Training:
    """A network with its optimizer, and perhaps a recorder."""

    def __init__(self, name: str, device: str, path: Path | None = None, **options: Any) -> None:
        self.setting, self.device = NETWORKS[name], device
        self.model = network(name, device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        self.recorder = None
        self.inside = 0.0
        if path is not None:
            probes = torch.rand(8, *self.setting["shape"], generator=torch.Generator().manual_seed(1))
            self.recorder = Recorder(self.model, self.setting["layers"], probes, path, **options)
            self.recorder.__enter__()

    def epoch(self, number: int) -> float:
        """Train for one epoch; the seconds that it took."""
        batches, count = self.setting["batches"], self.setting["batch"]
        images = torch.rand(count, *self.setting["shape"], device=self.device)
        targets = torch.randint(0, 2, (count,), device=self.device)
        self.wait()
        start = time.perf_counter()
        for batch in range(batches):
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(images), targets)
            loss.backward()
            self.optimizer.step()
            if self.recorder is not None:
                if batch == batches - 1:
                    self.wait()
                before = time.perf_counter()
                self.recorder.step(number, batch, of=batches, loss=loss)
                self.inside += time.perf_counter() - before
        self.wait()
        return time.perf_counter() - start

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def compare(name: str, device: str, rounds: int, folder: Path) -> None:
    sides = {
        "a bare loop": Training(name, device),
        "recorded": Training(name, device, folder / f"{name}-1"),
        "with gradients and inputs": Training(name, device, folder / f"{name}-2", gradients=True, inputs=True),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for side in sides.values():  # warm up
        side.epoch(0)
        side.inside = 0.0
    for number in range(1, rounds + 1):
        for side, training in sides.items():
            times[side].append(training.epoch(number))
    bare = min(times["a bare loop"])
    print(f"{name}, {device}: {', '.join(NETWORKS[name]['layers'])}; 8 probes; best of {rounds} epochs each")
    for side, training in sides.items():
        inside = training.inside / rounds
        text = f"  {side:<26} {min(times[side]):8.3f} s an epoch"
        if training.recorder is not None:
            recording = training.recorder.recording
            text += (
                f", {1e3 * inside:6.1f} ms in the recorder, {recording.nbytes / len(recording) / 1e6:.2f} MB a frame"
            )
        print(text)
        if training.recorder is not None:
            verdict(f"  {side}, against the bare loop", min(times[side]) / bare, SLOWER, unit=" times")
            verdict(f"  {side}, by the time in the recorder", 1 + inside / bare, SLOWER, unit=" times")


def film(folder: Path) -> None:
    """A film of 200 steps: its size with and without a budget, what it adds to the process, and how it opens."""
    for budget in ("512MB", "40MB", "10MB"):
        training = Training("lenet5", "cpu", folder / budget, every=1, budget=budget)
        assert training.recorder is not None
        training.recorder.step(0, 0)
        before = psutil.Process().memory_info().rss
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in range(1, 200):
                training.recorder.step(0, step)
        added = (psutil.Process().memory_info().rss - before) / 1e6
        recording = training.recorder.recording
        print(f"200 steps, budget {budget}: {len(recording)} frames, {added:.1f} MB added to the process")
        for note in recording.notes:
            print(f"  {note}")
        verdict("  bytes of the film", recording.nbytes / 1e6, float(budget[:-2]), unit=" MB")
    command = [sys.executable, "-c", OPEN, str(folder / "512MB")]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(5)]
    opened, first, shown = (min(float(run[at]) for run in runs) for at in (1, 2, 3))
    print(f"opening a film of {runs[0][0]} frames: {1e3 * opened:.0f} ms for the list, best of {len(runs)}")
    verdict("  to the first frame's maps", first, FIRST, unit=" s")
    verdict("  to the first frame in a FilmView", shown, FIRST, unit=" s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print(where("torch", "safetensors"))
    with tempfile.TemporaryDirectory() as folder:
        film(Path(folder))
        for name in options.models:
            compare(name, options.device, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
