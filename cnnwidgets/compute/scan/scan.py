"""One pass over a data set, for all channels of all layers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ..cluster import InOrder, check_workers, on_ray
from ..core import Bar, Prepare, Report, Stopped, on_interrupt
from . import storage
from .result import Scan
from .scanner import Scanner

EVERY = 5.0
"""Seconds between two writings to the folder."""
ENGINES = (None, "ray")
PART, FEWEST, MOST = 256, 16, 256
"""Images of a part for Ray; and how many parts there are at least and at most, where there are so many images."""


def scan(
    model: nn.Module,
    dataset: Any,
    layers: Sequence[str] | str | None = None,
    folder: str | Path | None = None,
    k: int = 16,
    *,
    statistic: str = "maximum",
    per_image: int = 1,
    bins: int = 32,
    batch_size: int = 32,
    seed: int | None = 0,
    part: tuple[int, int] = (0, 1),
    on_error: str = "raise",
    classes: Sequence[str] | None = None,
    prepare: Prepare | None = None,
    predictions: bool = True,
    engine: str | None = None,
    workers: int | None = None,
    resources: Mapping[str, float] | None = None,
    progress: bool | Report = True,
) -> Scan:
    """Numbers of every channel over a whole data set: the places that fire it most, how it is spread, what it knows.

    The network runs once over the data, in evaluation mode, and is left unchanged; what is kept does not grow with the
    number of images. The numbers are those of a plain loop, to the rounding of float32, for any batch size and order.
    Of a layer that gives complex numbers they are those of the magnitudes.

    Parameters
    ----------
    model : torch.nn.Module
        Any network; `DataParallel` and compiled wrappers are unwrapped.
    dataset : indexable
        Items are (image, label), or images, of one size or several. Labels that are one class count by class; others,
        and none, do not. What is random in a transform is drawn from `seed` and the number of the image: the same
        whenever it is read.
    layers : sequence of str, or str, optional
        Names as in `layer_table`. By default all modules that run and do not hand on what the one before gave;
        operations are scanned if they are named, in a pass of their own.
    folder : str or Path, optional
        Where to write what is found, every five seconds and at the end. The same call goes on from there, also after
        the process was killed, and ends with the same numbers to the bit; a complete scan is given as it is.
    k : int
        Places kept for each channel.
    statistic : {"maximum", "mean", "norm"}
        What images are ranked by in a channel: the largest of its values, their mean, or the root of the sum of their
        squares. The place is that of the largest value in any case.
    per_image : int
        How many of the places may lie in one image; more than 1 with `"maximum"` only.
    bins : int
        Of the histogram. Its edges are fixed by the first 32 images in order.
    batch_size : int
        Images at a time, fewer where they differ in size; one where the network mixes those of a batch.
    seed : int or None
        Of the random order of the images; None for that of the data set.
    part : (int, int)
        `(i, n)`: only the images of part i of n, to be merged by `Scan.merge`.
    on_error : {"raise", "skip"}
        What to do with an image that cannot be read or run; those skipped stand in `Scan.skipped`.
    classes : sequence of str, optional
        Names of labels, where the data set has none.
    prepare : callable, optional
        `prepare(item)` gives the arguments of the model, one item at a time.
    predictions : bool
        Whether to keep what the network says of each image, where it gives class scores: 24 bytes an image. Without,
        no more of the network is run than to the last of the layers.
    engine : {None, "ray"}
        Where to scan: in this process, or on Ray Data, in the cluster to which `ray.init` has connected, else in
        processes of this machine. Each holds the network and the data set and is given parts of the images, of which
        the folder, written by this process alone, keeps those that are done. The numbers are the same to the bit for
        any number of workers, and those of one process to the rounding of sums.
    workers : int, optional
        Processes beside this one. Without an engine they read images ahead, as those of a PyTorch `DataLoader`: for
        images whose reading takes as long as the network; by default this process reads. With `"ray"` each of them
        scans; by default there are as many as the cluster has room for. The numbers are the same to the bit.
    resources : mapping of str to float, optional
        What Ray reserves for each of them; by default `{"CPU": 1}`. With `{"GPU": 1}` the network is run on a GPU.
    progress : bool or callable
        A bar on stderr, with the time left, if it takes longer than a second; `False` for none; or a function of
        (done, total) that returns whether to go on. Stopped so, or by Ctrl-C, it gives what is done.

    Returns
    -------
    Scan
        A mapping from layer names to `LayerScan`; `.to_frame()` for pandas.

    Raises
    ------
    ImportError
        Ray is not installed.
    LookupError
        A layer does not exist, or does not run for the first images.
    TypeError, ValueError
        `dataset` gives no items by index; an unknown option; the folder holds another scan, or a damaged one; network
        or data set cannot be given to other processes; the cluster has no room for the workers.
    RuntimeError
        An image cannot be read; another process writes to the folder; the weights changed during the scan; a worker
        process died, or with Ray a part was given up, since the workers that scan it die. What is done by then is in
        the folder.
    ForwardError
        The model raised an error; the message names the image.
    OSError
        The folder cannot be written to, such as for a full disk. What was written before stays.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> found = cw.scan(cw.models.lenet5(pretrained=True), cw.data.digits(), ["C3"], k=4, progress=False)
    >>> found
    Scan of LeNet5: 1 layers, 16 channels, 1,797 of 1,797 images
    >>> len(found["C3"].strongest(2)), found["C3"].class_mean.shape
    (4, torch.Size([10, 16]))
    """
    if engine not in ENGINES:
        raise ValueError(f"engine is None or 'ray', not {engine!r}")
    if engine is None and resources is not None:
        raise ValueError("resources are of Ray's: give engine='ray' too")
    if engine is not None and part != (0, 1):
        raise ValueError(f"part={part!r} is for processes of your own; engine='ray' makes its parts itself")
    if engine is not None:
        check_workers(workers, resources)
    scanner = Scanner(
        model,
        dataset,
        layers,
        k=k,
        statistic=statistic,
        per_image=per_image,
        bins=bins,
        batch_size=batch_size,
        seed=seed,
        part=part,
        on_error=on_error,
        classes=classes,
        prepare=prepare,
        predictions=predictions,
        workers=workers if engine is None else None,
    )
    where = None if folder is None else Path(folder)
    with nullcontext() if where is None else storage.locked(where, storage.stem(scanner.part)):
        if engine is not None:
            return _run_on_ray(scanner, where, workers, resources or {}, progress)
        if where is not None:
            scanner.go_on_from(where)
        _run(scanner, where, progress)
    return scanner.result


def _run(scanner: Scanner, folder: Path | None, progress: bool | Report) -> None:
    """Scan to the end, or until somebody wants no more; write every few seconds and at the end."""
    written, interrupted = time.monotonic(), threading.Event()
    with on_interrupt(interrupted.set), Bar(scanner.total, "images", progress) as bar:
        try:
            if scanner.done:
                bar.add(scanner.done)
            while scanner.done < scanner.total and not interrupted.is_set():
                bar.add(scanner.step())
                if folder is not None and time.monotonic() - written >= EVERY:
                    scanner.write(folder)
                    written = time.monotonic()
        except (Stopped, KeyboardInterrupt):
            pass
        finally:
            scanner.rest()
            if folder is not None:
                scanner.write(folder)


@dataclass(frozen=True)
class Parts:
    """What a worker holds."""

    scanner: Scanner

    def to(self, device: str) -> None:
        """Move the network to a device."""
        self.scanner.to(device)

    def __call__(self, at: int, of: int) -> Scan:
        """Scan part `at` of `of`."""
        part = self.scanner.of_part((at, of))
        while part.done < part.total:
            part.step()
        return part.result


def _run_on_ray(
    scanner: Scanner,
    folder: Path | None,
    workers: int | None,
    resources: Mapping[str, float],
    progress: bool | Report,
) -> Scan:
    """As `_run`, by parts, of which the folder keeps those that are done."""
    known, parts = _parts_left(scanner, folder)
    if not parts:
        return known
    found = InOrder(known, lambda one, other: Scan.merge(one, other) if one.done else other, parts)
    last, written = time.monotonic(), known.done
    with Bar(scanner.total, "images", progress) as bar, on_ray(Parts(scanner), parts, workers, resources) as results:
        try:
            if known.done:
                bar.add(known.done)
            for part in results:
                found.add(next(iter(part.parts)), part)
                if folder is not None and found.done.done > written and time.monotonic() - last >= EVERY:
                    storage.write(folder, storage.stem(scanner.part), *found.done.record())
                    last, written = time.monotonic(), found.done.done
                bar.add(part.done)
        except (Stopped, KeyboardInterrupt):
            pass
        finally:
            if found.close().done > written and folder is not None:
                storage.write(folder, storage.stem(scanner.part), *found.done.record())
    return found.done


def _parts_left(scanner: Scanner, folder: Path | None) -> tuple[Scan, list[tuple[int, int]]]:
    """What is in a folder, and the parts that are missing there; of as many as were begun with."""
    known = None if folder is None else scanner.known(folder)
    if known is not None and known.complete:
        return known, []
    count = min(scanner.total, max(FEWEST, min(MOST, scanner.total // PART)))
    if known is not None:
        counts = {of for _, of in known.parts}
        if len(counts) != 1 or 1 in counts:
            raise ValueError(f"{folder} holds a scan by one process that is not complete: go on without engine='ray'")
        count = counts.pop()
    done = {} if known is None else known.parts
    return known or scanner.result, [(at, count) for at in range(count) if (at, count) not in done]
