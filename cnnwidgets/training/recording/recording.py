"""Recording: the film of a training, read lazily from its files."""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...compute.core import listing
from ...compute.layers import LayerTable
from ...files import readable
from . import header, storage
from .fields import Damaged, Unreadable, built
from .frame import Frame, What


class Recording:
    """The frames of a `Recorder`, keyed (epoch, batch), each with the maps of layers. Opened by `Recording.open`.

    Tensors are read on demand, so that a film of any length opens at once.

    Attributes
    ----------
    path : Path
        The folder.
    frames : list of Frame
        In training order.
    layers : LayerTable
        The recorded layers, with kind and shape of their output for one image.
    model : str
        Class of the network.
    labels : list of int
        Class of each probe; empty if they were given without labels.
    classes : list of str
        Class names, if given.
    notes : list of str
        Reductions made to keep the budget, and errors.
    damaged : list of str
        What is lost or damaged, with the reason; also what was found when numbers were read, whose checksums are proved
        only then.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path = path
        self._heads: dict[str, tuple[tuple[int, int], storage.Head | Damaged]] = {}
        self.frames: list[Frame] = []
        self.damaged: list[str] = []
        self._found: dict[str, None] = {}  # damage that was found when numbers were read
        self._tell(about)
        rows = [header.layer_row(row, f"layer {at} of {path}") for at, row in enumerate(about["layers"])]
        self.layers = LayerTable(rows)
        self.model: str = about["model"]
        self.labels: list[int] = about["labels"]
        self.classes: list[str] = about["classes"]
        self.normalization: Any = about["normalization"]

    def _tell(self, about: dict[str, Any]) -> None:
        self.about = about
        self.notes: list[str] = about["notes"]

    @classmethod
    def open(cls, path: str | Path, *, model: nn.Module | None = None) -> Recording:
        """Open the recording in a folder; reads a few hundred bytes of each frame.

        Parameters
        ----------
        path : str or Path
            The folder of the recorder.
        model : torch.nn.Module, optional
            Refuse a recording of another network.

        Returns
        -------
        Recording

        Raises
        ------
        FileNotFoundError
            There is no recording.
        ValueError
            The folder is not a recording, has no intact frame, needs a later version, or is of another network than
            `model`. What else is lost or damaged is left out with a warning, and listed in `damaged`.
        """
        path = Path(path).expanduser()
        about, _ = header.read(path)
        recording = cls(path, about)
        if model is not None:
            recording.check(model)
        recording.refresh()
        if recording.damaged:
            warnings.warn(f"{path}: {listing(recording.damaged)}", stacklevel=2)
        if not recording.frames:
            raise ValueError(f"the recording in {path} has no whole frame")
        return recording

    def refresh(self) -> None:
        """Update the list of frames, during a training."""
        about, said = header.read(self.path)
        self._tell(about)
        said += self._lost_probes()
        files = {file.name for file in self.path.glob(storage.FRAMES)}
        listed, wrong = self._listed(files)
        frames: list[Frame] = []
        for name in sorted(files | listed):
            try:
                frames.append(self._frame(self.path / name))
            except Damaged as error:
                said.append(f"left out {error}")
            except FileNotFoundError:  # lost, unless it was dropped since the list was read
                if name in self._listed(files)[0]:
                    said.append(f"{name} is lost")
        unlisted = sorted(files - listed)
        if unlisted not in ([], sorted(files)[-1:]) and not wrong:  # the last one may just have been written
            wrong = [f"{storage.LIST} is damaged: it lacks {listing(unlisted)}"]
        self.frames, self.damaged = frames, [*said, *wrong, *self._found]

    def _listed(self, files: set[str]) -> tuple[set[str], list[str]]:
        """The frames that should be there, and what is wrong with the list of them."""
        if self.version > 1:
            return storage.read_list(self.path)
        numbers = [storage.number(name) for name in files]
        whole = range(max(numbers, default=-1) + 1) if self.about["stride"] == 1 else numbers
        return {storage.FRAME.format(number) for number in whole}, []  # version 1 has no list, but counts

    @property
    def _without_probes(self) -> str:
        return f"the recording in {self.path} has lost its {storage.PROBES}"

    def _lost_probes(self) -> list[str]:
        try:
            if not storage.head(self.path / storage.PROBES).sealed and self.version > 1:
                raise Damaged(f"{storage.PROBES} is damaged: it has lost its checksum")
        except FileNotFoundError:
            said = self._without_probes
        except Damaged as error:
            said = str(error)
        else:
            return []
        if "image" not in self.about:
            raise Damaged(said)
        return [said]

    def _frame(self, file: Path) -> Frame:
        with storage.readable(file):
            state = file.stat()
        stamp = state.st_mtime_ns, state.st_size
        if file.name not in self._heads or self._heads[file.name][0] != stamp:
            try:
                head: storage.Head | Damaged = storage.head(file)
            except Unreadable:  # it may be read later, with the same stamp
                raise
            except Damaged as error:
                head = error
            self._heads[file.name] = stamp, head
        found = self._heads[file.name][1]
        if isinstance(found, Damaged):
            raise found
        if self.version > 1 and not found.sealed:
            raise Damaged(f"{file.name} is damaged: it has lost its checksum")
        if found.about.get("recording") != self.about["id"]:
            raise Damaged(f"{file.name} belongs to another recording")
        known = {"file": file, "size": found.size, "shapes": found.shapes, "checks": found.checks}
        frame = built(Frame, found.about | known, file.name)
        if frame.ranges.keys() != frame.shapes.keys() or (found.sealed and frame.checks.keys() != frame.shapes.keys()):
            raise Damaged(f"{file.name} is damaged: it tells of other tensors than it holds")
        return frame

    def check(self, model: nn.Module) -> None:
        """Raise ValueError, with the first difference, if the recording is of another network than `model`."""
        if difference := header.difference(self.about, model):
            raise ValueError(f"the recording in {self.path} is of another network: {difference}")

    # ------------------------------------------------------------------ what is in it

    def __repr__(self) -> str:
        ends = f" ({self.frames[0].name} to {self.frames[-1].name})" if self.frames else ""
        return (
            f"Recording of {self.model}: {len(self.frames)} frames{ends}, {self.count} "
            f"probes, layers {listing(self.layers.names)}, {readable(self.nbytes)}"
            + "".join(f"\n- {note}" for note in self.notes)
        )

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key: tuple[int, int, str]) -> torch.Tensor:
        """Maps of all probes by (epoch, batch, layer)."""
        epoch, batch, layer = key
        return self.maps(self.find(epoch, batch), layer)

    @property
    def version(self) -> int:
        """Version of its format; from 2 on, damage is told by checksums."""
        return int(self.about["version"])

    @property
    def nbytes(self) -> int:
        """Bytes of all frames."""
        return sum(frame.size for frame in self.frames)

    @property
    def count(self) -> int:
        """Number of probes."""
        return int(self.about["probes"])

    @cached_property
    def probes(self) -> torch.Tensor:
        """(N, C, H, W): the images whose maps were recorded. NaN for those that are lost."""
        path = self.path / storage.PROBES
        try:
            checks = storage.head(path).checks
            return storage.read(path, "probes", checks=checks)
        except FileNotFoundError:
            if "image" not in self.about:
                raise
            self._told(self._without_probes)
        except (Damaged, LookupError) as error:
            if "image" not in self.about:
                raise
            self._told(str(error))
        lost = torch.full(self.about["image"], torch.nan)
        found = [lost] * self.count
        for at in range(self.count):
            with suppress(Damaged, OSError, LookupError):
                found[at] = storage.read(path, "probes", at, checks=storage.head(path).checks).float()
        return torch.stack(found)

    def find(self, epoch: int, batch: int | None = None) -> Frame:
        """The frame after a batch, or the last of an epoch; `find(-1)` is the network before the first step.

        Raises
        ------
        LookupError
            There is no such frame; the message lists the existing ones.
        """
        found = [frame for frame in self.frames if frame.epoch == epoch and batch in (None, frame.batch)]
        if not found:
            where = f"epoch {epoch}" + ("" if batch is None else f", batch {batch}")
            raise LookupError(f"no frame of {where}; there are {listing([frame.name for frame in self.frames])}")
        return found[-1]

    def maps(self, frame: int | Frame, layer: str, probe: int | None = None) -> torch.Tensor:
        """Output of `layer` for the probes (N, C, H, W), or for one of them (C, H, W); vectors are (N, D).

        Parameters
        ----------
        frame : int or Frame
            An index in `frames`, or one of them.
        layer : str
            A name in `layers`.
        probe : int, optional
            Read only this probe.

        Raises
        ------
        LookupError, IndexError
            Unknown layer, frame or probe; or the frame has been dropped.
        """
        row, key = self.layers.find(layer), f"maps/{layer}"
        if probe is None:
            return self._read(frame, key)
        if not 0 <= probe < self.count:
            raise IndexError(f"probe {probe} is out of range: there are {self.count}, 0 to {self.count - 1}")
        if row.batch_axis == 0:
            return self._read(frame, key, probe)
        whole = self._read(frame, key)
        return whole if row.batch_axis is None else whole.select(row.batch_axis, probe)

    def batch(self, frame: int | Frame, layer: str) -> torch.Tensor:
        """Output of `layer` for the first image of the batch, (C, H, W); see `inputs`."""
        return self._single(frame, "batch", layer)

    def gradients(self, frame: int | Frame, layer: str) -> torch.Tensor:
        """Gradient of the loss with respect to the output of `layer` for the first image of the batch: (C, H, W)."""
        return self._single(frame, "gradients", layer)

    def filters(self, frame: int | Frame, layer: str) -> torch.Tensor:
        """Weights of convolution `layer`: (filters, channels, kH, kW)."""
        self.layers.find(layer)
        return self._read(frame, f"filters/{layer}")

    def inputs(self, frame: int | Frame) -> torch.Tensor:
        """The first image of the batch as the model received it: (C, H, W)."""
        return self._read(frame, "input")[0]

    def layers_with(self, what: What) -> list[str]:
        """Layers for which `what` was recorded, in any frame."""
        names = {key.partition("/")[2] for frame in self.frames for key in frame.ranges if key.startswith(f"{what}/")}
        return [layer.name for layer in self.layers if layer.name in names]

    def range(self, what: What, layer: str) -> tuple[float, float]:
        """Smallest and largest finite number over the whole film, of all probes; (0, 0) if there is none."""
        ends = [frame.ranges.get(f"{what}/{layer}") for frame in self.frames]
        found = [pair for pair in ends if pair is not None]
        return min((pair[0] for pair in found), default=0.0), max((pair[1] for pair in found), default=0.0)

    def _single(self, frame: int | Frame, what: What, layer: str) -> torch.Tensor:
        row = self.layers.find(layer)
        whole = self._read(frame, f"{what}/{layer}")
        return whole if row.batch_axis is None else whole.select(row.batch_axis, 0)

    def _read(self, frame: int | Frame, key: str, at: int | None = None) -> torch.Tensor:
        if not isinstance(frame, Frame):
            if not -len(self.frames) <= frame < len(self.frames):
                raise IndexError(f"frame {frame} is out of range: there are {len(self.frames)}, from 0")
            frame = self.frames[frame]
        if key not in frame.ranges:
            what, _, layer = key.partition("/")
            there = listing(self.layers_with(what)) if layer else ""  # type: ignore[arg-type]
            raise LookupError(
                f"{frame.name} has no {what}"
                + (f" of layer {layer!r}; recorded of: {there or 'no layer'}" if layer else ": it was not recorded")
            )
        try:
            return storage.read(frame.file, key, at, checks=frame.checks)
        except Damaged as error:
            self._told(str(error))
            raise

    def _told(self, damage: str) -> None:
        if damage not in self.damaged:
            self._found[damage] = None
            self.damaged = [*self.damaged, damage]
