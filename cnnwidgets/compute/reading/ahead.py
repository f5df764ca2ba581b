"""Images that are read ahead, by worker processes of a loader of torch, as they would be read here."""

from __future__ import annotations

import copy
import multiprocessing
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ..core import in_one_line, rebuilt
from ..dataset import Item, Items
from .reader import Reader, like

CHUNK = 32
"""Images that a worker reads at a time at most; two such portions wait for each worker."""


class Packed(NamedTuple):
    """What a worker sends: images of one kind together, so that few of them pass from process to process.

    Attributes
    ----------
    items : list of (int, Item)
        Indices and items; where the images are in `stacks`, without these.
    stacks : list of (list of int, torch.Tensor)
        Which of the items, and their images (N, ...).
    errors : list of (int, Exception)
        Indices that could not be read, and why.
    """

    items: list[tuple[int, Item]]
    stacks: list[tuple[list[int], torch.Tensor]]
    errors: list[tuple[int, Exception]]


class Ahead:
    """Reads the images of an order, the next ones by processes of their own, from the first call on.

    Parameters
    ----------
    reader : Reader
        Reads them.
    order : torch.Tensor
        (N,) int64: their indices.
    workers : int
        So many processes.
    """

    def __init__(self, reader: Reader, order: torch.Tensor, workers: int) -> None:
        self._reader, self._order, self._workers = reader, order, workers
        self._packs: Iterator[Packed] | None = None
        self._known: dict[int, Item | Exception] = {}
        self._next = 0

    def read(self, start: int, count: int, skipped: dict[int, str]) -> list[tuple[int, Item]]:
        """As `Reader.read` for the indices that stand in the order from `start` on.

        Raises
        ------
        TypeError
            The data set cannot be given to another process.
        RuntimeError
            An image cannot be read; a process has ended before it should.
        """
        wanted = self._order[start : start + count].tolist()
        if self._packs is None or self._next != start:
            self._begin(start)
        self._next = -1  # what an interrupt leaves undone is begun anew
        while any(index not in self._known for index in wanted):
            self._take()
        found = [(index, self._known.pop(index)) for index in wanted]
        self._next = start + count
        items = [(index, one) for index, one in found if isinstance(one, Item)]
        return self._reader.without(items, [(at, one) for at, one in found if isinstance(one, Exception)], skipped)

    def close(self) -> None:
        """End the processes; the next call starts them again."""
        self._packs = None
        self._known.clear()

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Put off what a signal says of a process that has ended: the handler of torch raises an error wherever it is.

        Here `read` notices it, and never in the middle of adding up.
        """
        known = getattr(signal, "SIGCHLD", None)
        before = signal.getsignal(known) if known and threading.current_thread() is threading.main_thread() else None
        if known is None or not callable(before):
            yield
            return
        seen: list[int] = []
        signal.signal(known, lambda number, frame: seen.append(number))
        try:
            yield
        finally:
            signal.signal(known, before)
            if seen:
                signal.raise_signal(known)

    def _begin(self, start: int) -> None:
        self.close()
        chunks = [part.tolist() for part in self._order[start:].split(CHUNK)]
        loader: DataLoader[Any] = DataLoader(
            _Source(self._reader),
            batch_size=None,
            sampler=chunks,
            num_workers=min(self._workers, len(chunks)),
            collate_fn=_as_it_is,
            worker_init_fn=_deaf,
            generator=torch.Generator(),  # that of all others is left as it is
        )
        made: list[Any] = []

        def make() -> None:
            try:
                made.append(iter(loader))
            except Exception as error:  # whatever pickling a data set raises
                made.append(error)

        thread = threading.Thread(target=make)  # torch installs its signal handler from the main thread only
        thread.start()
        thread.join()
        if isinstance(error := made.pop(), Exception):
            raise TypeError(
                f"{type(self._reader.items.dataset).__name__} cannot be given to worker processes "
                f"({in_one_line(error)}): {self._means()}, or workers=0 to read in this one"
            ) from error
        self._packs = error

    def _take(self) -> None:
        assert self._packs is not None
        try:
            pack = next(self._packs)
        except Exception as error:
            self.close()
            raise RuntimeError(
                f"a worker process that reads images has failed ({in_one_line(error)}), as for too "
                f"little memory or by a kill; what was scanned is kept. Take fewer workers{self._means(', ')}, "
                "or workers=0 to read in this process"
            ) from error
        self._known |= _unpacked(pack)

    @staticmethod
    def _means(before: str = "") -> str:
        """What else can be done where a process gets all by pickling."""
        method = multiprocessing.get_start_method()
        if method == "fork":
            return "" if before else "it has to be picklable"
        return f"{before}by {method!r} a process reads its class from a module, not from a notebook or a function"


class _Source(Dataset[Any]):
    """A data set of torch whose index is a list of indices."""

    def __init__(self, reader: Reader) -> None:
        self._reader = like(reader, _light(reader.items))

    def __getitem__(self, indices: Sequence[int]) -> Packed:
        return _packed(*self._reader.tried(indices), whole=self._reader.items.prepare is not None)


def _light(items: Items) -> Items:
    """The same without network and functions, which it takes none of to read an item."""
    found = copy.copy(items)
    found.model = None
    if items.entry is not None:
        found.entry = items.entry._replace(module=nn.Identity())
    if items.prepare is not None:
        found.prepare = tuple  # that there is one decides how an item is read
    return found


def _packed(items: list[tuple[int, Item]], errors: list[tuple[int, Exception]], *, whole: bool) -> Packed:
    """What is sent; all that the data set gave, if `whole` or where there is no image."""
    groups: dict[object, list[int]] = {}
    light = []
    for at, (index, item) in enumerate(items):
        if whole or item.image is None:
            item = replace(item, image=None, raw=rebuilt(item.raw, _own))
        else:
            groups.setdefault((item.image.shape, item.image.dtype, item.image.layout), []).append(at)
            item = replace(item, image=None, raw=None)
        light.append((index, item))
    stacks = []
    for group in groups.values():
        images = [image for at in group if (image := items[at][1].image) is not None]
        stacks.append((group, torch.stack(images).detach()))
    return Packed(light, stacks, [(index, _portable(error)) for index, error in errors])


def _unpacked(pack: Packed) -> dict[int, Item | Exception]:
    found: dict[int, Item | Exception] = dict(pack.items)
    for group, images in pack.stacks:
        for at, image in zip(group, images, strict=True):
            index, item = pack.items[at]
            found[index] = replace(item, image=image, raw=image)
    return found | dict(pack.errors)


def _own(value: Any) -> Any:
    """A tensor by itself: of one that is a part of all images, all would be sent."""
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _portable(error: Exception) -> Exception:
    """An error that another process can read."""
    return error if type(error).__module__ == "builtins" else RuntimeError(in_one_line(error))


def _as_it_is(pack: Any) -> Any:
    return pack


def _deaf(worker: int) -> None:
    """Ctrl-C goes to all processes: the scan ends after the batch, for which they read on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
