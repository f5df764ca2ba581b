"""What a `Trainer` costs, alone and with a `TrainingView` open, against the bare loop that people write.

    python benchmarks/training.py [--models lenet5 resnet18] [--reps 5] [--view]

LeNet-5 learns MNIST (or random images of its size) in 469 batches of 128, ResNet-18 random images of 224 x 224 in
batches of 16, with SGD on the CPU. Each run goes through the same batches from the same weights, and the losses must be
equal to the bit. The bare loop keeps the loss of each step, as the trainer does. The runs are interleaved, each round
in another order, so that drift of the machine hits all sides; the lowest time of each counts, and the median of the
ratios within a round is told beside it. With `--view` a view is open that draws, without a browser; how much of its run
it drew is told too, as machines with other work on them time nothing well.

The allocator keeps what it has got, for all sides. Left to itself, glibc's gives the memory of a LeNet-5's step back to
the system at its end, or not: as the heap happens to lie, in a bare loop as in the others. That is 0 or 3,300 page
faults a step, and more than half as much time again (8 or 13 ms). `--allocator system` leaves it to itself.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import statistics
import time
from collections.abc import Callable

import torch
import torchvision
from _table import print_times, verdict, where
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from cnnwidgets import Trainer, TrainingView
from cnnwidgets.data import mnist
from cnnwidgets.models import lenet5

Run = Callable[[nn.Module, DataLoader[tuple[Tensor, ...]]], list[float]]
LR = 0.003
BOUNDS = {"Trainer": 1.03, "Trainer, view open": 1.05}


def bare(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> list[float]:
    """The loop that stands in every tutorial."""
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=LR)
    losses = []
    model.train()
    for images, targets in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def trainer_of(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> Trainer:
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, progress=False)
    trainer.set_loaders(loader)
    return trainer


def trained(model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> list[float]:
    return [step.loss for step in trainer_of(model, loader).train(1).steps]


class Viewed:
    """The same with a view open; making that is not timed."""

    seconds, drawing = 0.0, 0.0

    def __call__(self, model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> list[float]:
        trainer = trainer_of(model, loader)
        view = TrainingView(trainer)
        draw, self.drawing = view.draw_now, 0.0

        def drawn(**options: bool) -> None:
            start = time.perf_counter()
            draw(**options)
            self.drawing += time.perf_counter() - start

        view.draw_now = drawn  # type: ignore[method-assign]
        start = time.perf_counter()
        steps = trainer.train(1).steps
        self.seconds = time.perf_counter() - start
        view.close()
        return [step.loss for step in steps]


def timed(run: Run, model: nn.Module, loader: DataLoader[tuple[Tensor, ...]]) -> tuple[float, list[float]]:
    """Seconds and losses of one run on a copy of the model."""
    torch.manual_seed(1)
    own = copy.deepcopy(model)
    start = time.perf_counter()
    losses = run(own, loader)
    return run.seconds if isinstance(run, Viewed) else time.perf_counter() - start, losses


def task(name: str) -> tuple[nn.Module, DataLoader[tuple[Tensor, ...]]]:
    """A network with the batches that it learns."""
    torch.manual_seed(0)
    if name == "resnet18":
        images: Dataset[tuple[Tensor, ...]] = TensorDataset(torch.randn(64, 3, 224, 224), torch.randint(1000, (64,)))
        return torchvision.models.resnet18(weights=None), DataLoader(images, 16)
    try:
        digits = mnist()
        pixels, targets = digits.images.float() / 255, digits.targets
    except FileNotFoundError:
        pixels, targets = torch.rand(60000, 1, 28, 28), torch.randint(10, (60000,))
    return lenet5(), DataLoader(TensorDataset(pixels, targets), 128)


def keep_memory() -> str:
    """Have glibc's allocator give nothing back to the system between two steps; in a word, whether it does."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    trim_threshold, mmap_threshold = -1, -3  # as malloc.h has them
    kept = mallopt is not None and mallopt(mmap_threshold, 2**25) and mallopt(trim_threshold, 2**31 - 1)
    return "the allocator keeps its memory" if kept else "the allocator is left to itself"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["lenet5", "resnet18"])
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--view", action="store_true", help="also with a view open")
    parser.add_argument("--allocator", choices=["keeps", "system"], default="keeps", help="what it does with memory")
    options = parser.parse_args()
    allocator = keep_memory() if options.allocator == "keeps" else "the allocator is left to itself"
    torch.set_num_threads(2)
    print(f"{where('torch', 'torchvision')}; {allocator}")
    runs: dict[str, Run] = {"bare loop": bare, "Trainer": trained}
    if options.view:
        runs["Trainer, view open"] = viewed = Viewed()
    for name in options.models:
        model, loader = task(name)
        seconds: dict[str, list[float]] = {label: [] for label in runs}
        known = timed(bare, model, loader)[1]  # warms up
        for number in range(options.reps):
            labels = list(runs)
            for label in labels[number % len(labels) :] + labels[: number % len(labels)]:
                run = runs[label]
                took, losses = timed(run, model, loader)
                assert losses == known, f"{label} gave other losses than the bare loop"
                seconds[label].append(took)
        print(f"\n{name}, {len(loader)} steps of {loader.batch_size}; all losses equal to the bit")
        print_times(list(seconds.items()), "s")
        for label, bound in BOUNDS.items():
            if label in runs:
                verdict(f"{label} / bare loop", min(seconds[label]) / min(seconds["bare loop"]), bound)
                pairs = zip(seconds[label], seconds["bare loop"], strict=True)
                ratios = sorted(own / other for own, other in pairs)
                print(f"  by round: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")
        if options.view:
            print(f"the view drew for {viewed.drawing / viewed.seconds:.1%} of the last run")


if __name__ == "__main__":
    main()
