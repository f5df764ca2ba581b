"""What it costs to scan a data set, against a bare loop over it with the same batch.

    python benchmarks/scan.py [resnet] [small] [patches] [lenet] [lenet-all] [ray] [--images 128] [--reps 3]

On the CPU, random weights. The bare loop reads the images one by one, stacks them and runs the network in
`torch.inference_mode`; the scan does that and all of its own. Its set-up, which costs as much as about 40 images, is
spread over 2,000 photos and 60,000 digits. Their runs are interleaved, so that drift of the machine hits both, and
the processor's time is told beside that of the clock: on a busy machine only the former is steady, and that with
`OMP_NUM_THREADS=1`, since idle threads of OpenMP wait at work.

The rows: all convolutions of a ResNet-18, also against a hook that keeps the largest values by `torch.topk` on whole
maps; the peak of the memory beyond the bare loop, and the merging of 8 parts; 16 patches of a channel that has not been
shown; the convolutions of LeNet-5, and all its modules, on MNIST, also against a loader of torch.

And where it is asked for and Ray is installed: two workers of it, with a processor each, against one process with two
threads, by the convolutions of the ResNet-18. Each scans that many photos and a fifth of them: the difference of the
two times is without what it takes to begin, which is told apart.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torchvision
from _table import median, verdict, where
from capture import peak_bytes
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.compute.cluster import running

K = 16
Times = dict[str, tuple[list[float], list[float]]]
"""Name -> seconds of the clock and of the processor."""


def bare(model: nn.Module, dataset: Any, batch_size: int) -> None:
    """A loop over the data set."""
    with torch.inference_mode():
        for start in range(0, len(dataset), batch_size):
            model(torch.stack([dataset[at][0] for at in range(start, min(start + batch_size, len(dataset)))]))


def by_loader(model: nn.Module, dataset: Any, batch_size: int) -> None:
    """The same by a loader of torch, without workers."""
    with torch.inference_mode():
        for images, _ in torch.utils.data.DataLoader(dataset, batch_size):
            model(images)


def by_topk(model: nn.Module, dataset: Any, batch_size: int, layers: Sequence[str]) -> dict[str, Tensor]:
    """The k largest values of each channel, of all places of all images, by a hook on each layer."""
    best: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> None:
        values = output.transpose(0, 1).flatten(1)
        known = best.get(name, values[:, :0])
        best[name] = torch.cat([known, values.topk(K, 1).values], 1).topk(K, 1).values

    handles = [
        model.get_submodule(name).register_forward_hook(lambda part, args, output, name=name: keep(name, output))
        for name in layers
    ]
    try:
        bare(model, dataset, batch_size)
    finally:
        for handle in handles:
            handle.remove()
    return best


def interleaved(reps: int, **calls: Callable[[], Any]) -> Times:
    """Seconds of the clock and of the processor of each call, one after the other in each repetition."""
    times: Times = {name: ([], []) for name in calls}
    for rep in range(reps + 1):
        for name, call in calls.items():
            clock, processor = time.perf_counter(), time.process_time()
            call()
            if rep:  # the first is for warming up
                times[name][0].append(time.perf_counter() - clock)
                times[name][1].append(time.process_time() - processor)
    return times


def compare(what: str, times: Times, count: int, of: int, bound: float, base: str = "bare") -> None:
    """Times an image, and the ratio for a data set of `of` images, over which the set-up of a scan is spread."""
    for name, (clock, processor) in times.items():
        of_clock, of_processor = (1e3 * median(each) / count for each in (clock, processor))
        print(f"  {name:<8}{of_clock:>9.3f} ms an image, processor {of_processor:.3f}")
    for kind, at in (("clock", 0), ("processor", 1)):
        ratios = [
            (ours - begin + begin * count / of) / loop
            for ours, begin, loop in zip(times["scan"][at], times["begin"][at], times[base][at], strict=True)
        ]
        verdict(f"{what}, scan of {of:,} images against {base} loop, {kind}", median(ratios), bound)


def resnet(count: int, reps: int) -> None:
    """All convolutions of a ResNet-18, against a bare loop and against a hook that keeps the largest values."""
    model, layers = network()
    photos = noise(count)
    times = interleaved(
        reps,
        bare=lambda: bare(model, photos, 32),
        begin=lambda: cw.Scanner(model, photos, layers, k=K),
        scan=lambda: cw.scan(model, photos, layers, k=K, progress=False),
        topk=lambda: by_topk(model, photos, 32, layers),
    )
    print(f"ResNet-18, {len(layers)} convolutions, {len(photos)} photos of 224 x 224, batch 32, 10 classes")
    compare("ResNet-18", times, len(photos), 2000, 1.2)
    compare("ResNet-18", {name: times[name] for name in ("topk", "begin", "scan")}, len(photos), 2000, 1.0, "topk")


def small(count: int, reps: int) -> None:
    """What is kept, the peak of the memory, and the merging of parts."""
    model, layers = network()
    few = noise(count)
    beyond = peak_bytes(lambda: cw.scan(model, few, k=K, progress=False)) - peak_bytes(lambda: bare(model, few, 32))
    verdict("peak memory beyond the bare loop, all layers, batch 32", beyond / 1e6, 200, unit=" MB")
    parts = [cw.scan(model, few, layers, k=K, part=(at, 8), progress=False) for at in range(8)]
    tensors, _ = parts[0].record()
    verdict("what is kept", sum(tensor.nbytes for tensor in tensors.values()) / 1e6, 5, unit=" MB")
    start = time.perf_counter()
    cw.Scan.merge(*parts)
    verdict("merge of 8 parts", time.perf_counter() - start, 1, unit=" s")


def patches(count: int, reps: int) -> None:
    """The 16 patches of a channel that has not been shown before; to read the images takes nothing here."""
    model, _ = network()
    photos = noise(count, alike=False)
    view = cw.ExamplesView(model, photos, cw.scan(model, photos, ["layer2"], k=K, progress=False), layer="layer2")
    view.picture()
    times = []
    for channel in range(1, 1 + 5 * reps):
        start = time.perf_counter()
        view.channel = channel
        view.picture()
        times.append(time.perf_counter() - start)
    verdict("16 patches of a channel that was not shown before", median(times), 0.1, unit=" s")
    view.close()


def lenet(count: int, reps: int, layers: list[str] | None) -> None:
    """LeNet-5 on MNIST, against a bare loop and a loader of torch."""
    model = cw.models.lenet5(pretrained=True).eval()
    try:
        digits: Any = cw.data.mnist()
    except (OSError, RuntimeError):
        digits = cw.data.digits()
    digits = torch.utils.data.Subset(digits, range(min(count, len(digits))))
    times = interleaved(
        reps,
        bare=lambda: bare(model, digits, 256),
        loader=lambda: by_loader(model, digits, 256),
        begin=lambda: cw.Scanner(model, digits, layers, k=K, batch_size=256),
        scan=lambda: cw.scan(model, digits, layers, k=K, batch_size=256, progress=False),
    )
    which = "LeNet-5, all modules" if layers is None else "LeNet-5, its convolutions"
    print(f"{which}, {len(digits):,} images of {type(digits.dataset).__name__}, batch 256, 10 classes")
    compare(which, times, len(digits), 60_000, 1.3)
    of_loader = {name: times[name] for name in ("loader", "begin", "scan")}
    compare(which, of_loader, len(digits), 60_000, 1.3, "loader")


def on_ray(count: int, reps: int) -> None:
    """Images a second by two workers of Ray and by one process with two threads, and what it takes to begin."""
    model, layers = network()
    photos = noise(count)
    few = len(photos) // 5

    def seconds(number: int, **more: Any) -> float:
        start = time.perf_counter()
        found = cw.scan(model, photos[:number], layers, k=K, progress=False, **more)
        assert found.complete
        return time.perf_counter() - start

    torch.set_num_threads(2)
    start = time.perf_counter()
    with running(num_cpus=2):
        print(f"Ray begins in {time.perf_counter() - start:.1f} s")
        rates = {}
        for name, more in (("one process", {}), ("Ray", {"engine": "ray", "workers": 2})):
            short, long = seconds(few, **more), seconds(len(photos), **more)
            rates[name] = (len(photos) - few) / (long - short)
            print(f"  {name:<12}{rates[name]:>6.1f} images a second, and {short - few / rates[name]:.1f} s to begin")
    verdict(
        "Ray, 2 workers, images a second against 2 threads", rates["Ray"] / rates["one process"], 0.8, at_least=True
    )


def network() -> tuple[nn.Module, list[str]]:
    """A ResNet-18 of random weights, and the names of its convolutions."""
    torch.manual_seed(0)
    model = torchvision.models.resnet18().eval()
    return model, [name for name, part in model.named_modules() if isinstance(part, nn.Conv2d)]


def noise(count: int, *, alike: bool = True) -> list[tuple[Tensor, int]]:
    """Photos of random numbers; 32 again and again, if they may be alike."""
    made = [(torch.rand(3, 224, 224), at % 10) for at in range(32 if alike else count)]
    return made * (count // len(made))


ROWS: dict[str, tuple[Callable[[int, int], None], int]] = {
    "resnet": (resnet, 128),
    "small": (small, 32),
    "patches": (patches, 64),
    "lenet": (lambda count, reps: lenet(count, reps, ["C1", "C3"]), 6000),
    "lenet-all": (lambda count, reps: lenet(count, reps, None), 6000),
    "ray": (on_ray, 1280),
}
"""Name -> what it runs, and on how many images if nobody says."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; by default all but ray")
    options.add_argument("--images", type=int, help="how many a row goes through")
    options.add_argument("--reps", type=int, default=3)
    given = options.parse_args()
    print(where("torch", "torchvision"), f"{torch.get_num_threads()} threads")
    for name in given.rows or [name for name in ROWS if name != "ray"]:
        run, count = ROWS[name]
        run(given.images or count, given.reps)
    print(f"peak of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
