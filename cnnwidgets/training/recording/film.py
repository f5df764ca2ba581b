"""Film: the files of a recording while they are written, within a budget of bytes."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ...files import UNFINISHED, put, readable
from . import header, storage
from .fields import Damaged
from .frame import Frame
from .recording import Recording


class Film:
    """Adds frames to a recording and keeps them within a budget: first by float16, then by dropping every second one.

    Parameters
    ----------
    path : Path or None
        Folder; None for a temporary one, which is deleted with the recording.
    about : dict
        The header.
    probes : torch.Tensor
        Stored next to the frames.
    budget : int
        Maximum number of bytes of all frames.
    resume : bool
        Continue an existing recording.

    Raises
    ------
    FileExistsError
        The folder is not empty.
    ValueError
        The existing recording cannot be resumed.
    """

    def __init__(
        self, path: Path | None, about: dict[str, Any], probes: torch.Tensor, budget: int, *, resume: bool
    ) -> None:
        self.budget = budget
        self.half, self.stride, self._moment = False, 1, 0
        self._temporary = path is None
        self.path = Path(tempfile.mkdtemp(prefix="cnnwidgets-")) if path is None else path
        about = {"version": header.VERSION, **about, "image": list(probes.shape[1:])}
        if resume and (self.path / storage.HEADER).is_file():
            self.recording = self._resumed(about, probes)
            return
        self._check_empty()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._write_header(about, probes)
            storage.write_list(self.path, [])
        except BaseException:
            self.remove()
            raise
        self.recording = Recording(self.path, about)
        if path is None:
            weakref.finalize(self.recording, shutil.rmtree, self.path, ignore_errors=True)

    def _check_empty(self) -> None:
        if (self.path / storage.HEADER).is_file():
            raise FileExistsError(
                f"there is a recording in {self.path} already: give another path, or resume=True to go on with it"
            )
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise FileExistsError(f"{self.path} is not an empty folder: give another path")

    def _write_header(self, about: Mapping[str, Any], probes: torch.Tensor) -> None:
        """The header and the probes, with which lies a copy of it."""
        data = storage.pack({"probes": probes.contiguous()}, {"header": header.text_of({**about, "notes": []})})
        put(self.path / storage.PROBES, data)
        header.write(self.path, about)

    def _resumed(self, about: Mapping[str, Any], probes: torch.Tensor) -> Recording:
        recording = Recording.open(self.path)
        rows = [header.layer_row(row, "layer") for row in json.loads(json.dumps(about["layers"]))]
        if recording.about["weights"] != about["weights"] or list(recording.layers) != rows:
            raise ValueError(f"the recording in {self.path} cannot be resumed: it is of another network or layers")
        if recording.probes.shape != probes.shape or not torch.equal(recording.probes, probes):
            raise ValueError(f"the recording in {self.path} cannot be resumed: its probes differ")
        for file in self.path.glob(f"*{UNFINISHED}"):
            file.unlink(missing_ok=True)
        damaged, self.recording = recording.damaged, recording
        if recording.version < header.VERSION:
            self._bring_up(recording, probes)
        storage.write_list(self.path, sorted(file.name for file in self.path.glob(storage.FRAMES)))
        recording.refresh()
        if damaged:  # the list no longer tells it
            self.note(f"damaged when it was resumed: {'; '.join(damaged)}")
        self.half, self.stride = recording.about["half"], recording.about["stride"]
        self._moment = (len(recording.frames) - 1) * self.stride
        return recording

    def _bring_up(self, recording: Recording, probes: torch.Tensor) -> None:
        """Write a recording of an earlier version as one of this version."""
        for frame in recording.frames:
            self._rewrite(frame)
        recording._tell({**recording.about, "version": header.VERSION, "image": list(probes.shape[1:])})
        self._write_header(recording.about, probes)

    def remove(self) -> None:
        """Empty the folder after a film could not be started, so that it can be used again."""
        for name in (storage.HEADER, storage.PROBES, storage.LIST):
            with suppress(OSError):
                (self.path / name).unlink(missing_ok=True)
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)

    def due(self) -> bool:
        """Count a moment that could be recorded; returns whether it is to be recorded within the budget."""
        self._moment += 1
        return self._moment % self.stride == 0

    def add(self, tensors: Mapping[str, torch.Tensor], *, always: bool = False, **moment: Any) -> None:
        """Write a frame; if earlier ones must be dropped, only if `always` or if it is still due after that.

        Raises
        ------
        OSError
            The frame cannot be written.
        ValueError
            The frame does not fit into the budget next to two others.
        """
        ranges = {name: storage.finite_range(value) for name, value in tensors.items()}
        about = {"recording": self.recording.about["id"], **moment, "ranges": ranges}
        data = self._packed(tensors, about)
        while self.recording.nbytes + len(data) > self.budget:
            if not always and self._moment % self.stride:
                return  # after thinning, it is no longer due
            if not self.half:
                self._halve()
                data = self._packed(tensors, about)
            elif len(self.recording.frames) > 1 + always:
                self._thin()
            else:
                raise ValueError(
                    f"a frame takes {readable(len(data))}, which leaves no room for another one in the budget "
                    f"of {readable(self.budget)}: give a larger budget, fewer probes or fewer layers"
                )
        if always or self._moment % self.stride == 0:
            frames = self.recording.frames
            number = 1 + storage.number(frames[-1].file.name) if frames else 0
            file = self.path / storage.FRAME.format(number)
            put(file, data)
            storage.add_to_list(self.path, file.name)
            self.recording.frames = [*frames, self.recording._frame(file)]

    def forget(self, *frames: Frame) -> None:
        """Drop frames."""
        gone = {frame.file for frame in frames}
        self.recording.frames = [frame for frame in self.recording.frames if frame.file not in gone]
        storage.write_list(self.path, [frame.file.name for frame in self.recording.frames])
        for frame in frames:
            frame.file.unlink(missing_ok=True)

    def note(self, note: str, *, instead: str = "", **changed: Any) -> None:
        """Add a note to the header and warn; a note that begins with `instead` is replaced."""
        about = self.recording.about
        kept = [old for old in self.recording.notes if not (instead and old.startswith(instead))]
        self.recording._tell({**about, **changed, "notes": [*kept, note]})
        try:
            header.write(self.path, self.recording.about)
        finally:
            warnings.warn(f"recording in {self.path}: {note}", stacklevel=2)

    def _packed(self, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> bytes:
        if self.half:
            tensors = {name: storage.halved(value) for name, value in tensors.items()}
        return storage.pack(tensors, about)

    def _halve(self) -> None:
        """Rewrite all frames as float16."""
        self.half = True
        self.note(
            f"kept as float16 where no number moves by more than 1/1000 of the largest of its tensor, to stay within "
            f"{readable(self.budget)}",
            half=True,
        )
        for frame in self.recording.frames:
            self._rewrite(frame)
        self.recording.refresh()

    def _rewrite(self, frame: Frame) -> None:
        with suppress(Damaged):  # which stays as it is, to be told where it is seen
            tensors = {name: storage.read(frame.file, name, exact=True, checks=frame.checks) for name in frame.ranges}
            put(frame.file, self._packed(tensors, storage.head(frame.file).about))

    def _thin(self) -> None:
        """Drop every second frame; the first stays."""
        self.stride *= 2
        self.note(
            f"thinned: one frame in {self.stride} is kept, to stay within {readable(self.budget)}",
            instead="thinned",
            stride=self.stride,
        )
        self.forget(*self.recording.frames[1::2])


def check_room(tensors: Mapping[str, torch.Tensor], probes: int, budget: int, *, singles: int) -> None:
    """Raise ValueError if two frames do not fit into a budget.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        Those of a frame before the training.
    probes : int
        Number of images that its maps are of.
    budget : int
        Bytes.
    singles : int
        How often later frames hold the size of the maps of one image besides.
    """
    sizes = {name: float(storage.halved(value).nbytes) for name, value in tensors.items()}
    widest = max(sizes, key=lambda name: sizes[name])
    maps = sum(size for name, size in sizes.items() if name.startswith("maps/"))
    least = sum(sizes.values()) + maps / probes * singles
    if 2 * least > budget:
        raise ValueError(
            f"a frame takes {readable(least)} (the most: {widest}, {readable(sizes[widest])}), and "
            f"two do not fit the budget of {readable(budget)}: give a larger budget, fewer probes or layers"
        )
