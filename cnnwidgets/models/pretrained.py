"""torchvision's pretrained models by name, with their class names and transform. Never random weights."""

from __future__ import annotations

import difflib
import hashlib
import os
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from ..late import imported


@dataclass(frozen=True)
class Pretrained:
    """A model with the class names and transform of its weights.

    Attributes
    ----------
    name : str
        torchvision's name of the model.
    model : torch.nn.Module
        On the CPU, in evaluation mode.
    classes : list of str
        Name of each output; empty where torchvision names none.
    transform : callable
        PIL image -> the input tensor of the model: resized, cropped and normalised.
    normalization : tuple of (mean, std), or None
        What `transform` normalises with, a list of a number a channel each; None where it does not.
    source : pathlib.Path
        The file that the weights came from.
    """

    name: str
    model: nn.Module
    classes: list[str]
    transform: Callable[..., Any]
    normalization: tuple[list[float], list[float]] | None
    source: Path

    def __repr__(self) -> str:
        return f"Pretrained({self.name}, {len(self.classes):,} classes, weights from {self.source})"


def pretrained(name: str, weights: str | Path | None = None) -> Pretrained:
    """One of torchvision's models with real weights, and the class names and transform that these were made for.

    Parameters
    ----------
    name
        As in `torchvision.models.list_models()`, such as "alexnet" or "resnet18".
    weights
        A file of your own in place of the download: a state dict written by `torch.save` or safetensors. It must have
        the classes of torchvision's own. Without it the first of these is taken: in `$CNNWIDGETS_DATA/weights`, if that
        is set, `<name>.pth`, `<name>-*.pth` or the same as `.safetensors`; torchvision's own file in
        `torch.hub.get_dir()`; that file downloaded to there.

    Returns
    -------
    Pretrained
        The model in evaluation mode with `classes`, `transform`, `normalization` and `source`. The random number
        generators stay as they were.

    Raises
    ------
    LookupError
        torchvision has no such model; the nearest name is suggested.
    FileNotFoundError
        There is no file and none can be downloaded. The message says where was looked, and what to do.
    ValueError
        The file is damaged, holds more than tensors (such code is never run), or does not fit the model: the message
        names the keys that are missing, unexpected or of another shape.

    Examples
    --------
    >>> net = pretrained("alexnet")  # doctest: +SKIP
    >>> view = ActivationView(net.model, photos(transform=net.transform), classes=net.classes)  # doctest: +SKIP
    """
    models = imported("torchvision.models")
    get_model_weights, list_models = models.get_model_weights, models.list_models

    if not isinstance(name, str) or name.lower() not in list_models():
        near = difflib.get_close_matches(str(name).lower(), list_models(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise LookupError(f"torchvision has no model {name!r}{hint} torchvision.models.list_models() lists all.")
    name = name.lower()
    official = get_model_weights(name).DEFAULT
    source = _find(name, official.url) if weights is None else Path(weights).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f"no file {str(source)!r}: weights must be the path of a .pth or .safetensors file")
    model = _build(name, official, _read(source, official.url), source)
    transform = official.transforms()
    mean, std = getattr(transform, "mean", None), getattr(transform, "std", None)
    normalization = (list(mean), list(std)) if mean is not None and std is not None else None
    return Pretrained(name, model.eval(), list(official.meta.get("categories", [])), transform, normalization, source)


def _find(name: str, url: str) -> Path:
    """The file with weights for `name`: from `$CNNWIDGETS_DATA/weights`, the hub's folder, or `url`."""
    own = _file_name(url)
    shared = os.environ.get("CNNWIDGETS_DATA")
    patterns = [own, *(f"{name}{rest}{suffix}" for suffix in (".pth", ".safetensors") for rest in ("", "-*"))]
    folder = Path(shared).expanduser() / "weights" if shared else None
    for found in (path for pattern in patterns if folder for path in sorted(folder.glob(pattern))):
        return found
    cached = Path(torch.hub.get_dir()) / "checkpoints" / own
    if cached.is_file():
        return cached
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(cached), _hash_in(own))
    except (OSError, HTTPException, RuntimeError) as error:
        damaged = "invalid hash" in str(error)
        lines = [
            f"There are no weights for {name}.",
            *([f"Looked for: {', '.join(patterns[1:])} in {folder}"] if folder else []),
            f"Looked for: {cached}",
            f"Tried to download {url}, "
            + (f"but what arrived is damaged and was not kept: {error}" if damaged else f"which failed: {error}"),
            f"What to do: try again, or download that address elsewhere and give the file as pretrained({name!r}, "
            f"weights='path/of/{own}'); or put it where it was looked for, or in the folder 'weights' of the folder "
            "that the environment variable CNNWIDGETS_DATA names.",
        ]
        raise FileNotFoundError("\n".join(lines)) from error
    return cached


def _file_name(url: str) -> str:
    return Path(urlparse(url).path).name


def _hash_in(file_name: str) -> str | None:
    """The first digits of a file's SHA-256, which torchvision writes into most names: `resnet18-f37072fd.pth`."""
    found = re.search(r"-([0-9a-f]{8,})\.", file_name)
    return found.group(1) if found else None


def _read(source: Path, url: str) -> OrderedDict[str, Any]:
    """The state dict in `source`. Tensors only: code in a pickle is never run."""
    expected = _hash_in(source.name) if source.name == _file_name(url) else None
    if expected and not (found := _sha256(source)).startswith(expected):
        raise ValueError(
            f"{source} is damaged: its SHA-256 begins with {found[: len(expected)]}, not with {expected}. "
            f"Delete it; it is downloaded from {url}"
        )
    if source.suffix == ".safetensors":
        import safetensors.torch

        try:
            state: Any = OrderedDict(safetensors.torch.load_file(source))
        except Exception as error:  # safetensors has an error class of its own in each version
            raise ValueError(f"{source} is damaged or no safetensors file: {error}") from error
        state._metadata = {"": {"version": 2}}  # torch.save notes it, safetensors does not, and MNASNet asks for it
        return state
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever comes up in a broken file
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise ValueError(
                f"{source} is not loaded: it holds more than tensors ({code.group(1)}), and reading that would run "
                "code from the file. Save the state dict: torch.save(model.state_dict(), path)"
            ) from error
        reason = "no pickle of tensors" if isinstance(error, pickle.UnpicklingError) else str(error).split(". ")[0]
        raise ValueError(f"{source} is damaged or was not written by torch.save ({reason or 'it is empty'})") from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{source} holds a {type(state).__name__}, not a state dict (name -> tensor)")
    inside = [str(key) for key, value in state.items() if isinstance(value, Mapping)]
    if inside:
        raise ValueError(
            f"{source} holds {_some(list(map(str, state)))}: a checkpoint, not a state dict. Save what it has under "
            f"{' or '.join(map(repr, inside))} alone: torch.save(checkpoint[{inside[0]!r}], path)"
        )
    if not isinstance(state, OrderedDict):
        state = OrderedDict(state)
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")  # saved from a DataParallel
    return state


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


class _Replaced:
    """One of torchvision's weights, but with `state` in place of its download.

    torchvision's builders know what each file needs (GoogLeNet's auxiliary heads, DenseNet's old names, the image size
    of a ViT), and ask for nothing but an instance of their weights class, which this says to be.
    """

    def __init__(self, official: Any, state: Mapping[str, Any]) -> None:
        self._official, self._state = official, state

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._official)

    def __eq__(self, other: object) -> bool:
        return bool(self._official == other)

    def __hash__(self) -> int:
        return hash(self._official)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._official, name)

    def get_state_dict(self, *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        return self._state


def _build(name: str, official: Any, state: Mapping[str, Any], source: Path) -> nn.Module:
    get_model = imported("torchvision.models").get_model

    options = {"quantize": True} if name.startswith("quantized_") else {}
    try:
        with torch.random.fork_rng(devices=[]):  # the initial weights, soon overwritten, draw random numbers
            return get_model(name, weights=_Replaced(official, state), **options)
    except (RuntimeError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ValueError("\n".join([f"{source} does not fit {name}:", *_misfits(error)])) from error


def _misfits(error: Exception) -> Iterator[str]:
    """What `load_state_dict` complains of, a line for each kind, its lists cut short."""
    sizes = []
    if isinstance(error, LookupError):  # quantised layers ask for their keys one by one
        yield f"  missing key: {error.args[0] if error.args else error}"
        return
    for line in str(error).split("\n\t")[1:] or [str(error)]:
        size = re.match(r"size mismatch for (\S+):.*?\[([\d, ]*)\].*?\[([\d, ]*)\]", line)
        kind, keys = line.partition(" key(s)")[0], re.findall(r'"([^"]+)"', line)
        if size:
            given, wanted = (numbers.replace(", ", " x ") or "a number" for numbers in size.groups()[1:])
            sizes.append(f"{size.group(1)} ({given} instead of {wanted})")
        elif keys and kind != line:
            yield f"  {kind.lower()} keys: {_some(keys)}"
        else:
            yield f"  {line[:300]}"
    if sizes:
        yield f"  other shapes: {_some(sizes)}"


def _some(names: Sequence[str], limit: int = 5) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" ... and {more:,} more" if more > 0 else "")
