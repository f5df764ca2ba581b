"""An image that is moved, turned, made brighter, blurred, noisy, grey, or covered in part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ...late import imported
from ..core import unknown
from ..inputs import as_tensor, is_picture
from .acts import ACTS


@dataclass(frozen=True)
class Change:
    """One way to change an image.

    Attributes
    ----------
    none : float
        The value that changes nothing.
    low, high : float
        What is allowed.
    span : tuple of float
        From where to where a slider goes.
    unit : str
        Of the value.
    """

    none: float
    low: float
    high: float
    span: tuple[float, float]
    unit: str


CHANGES: Mapping[str, Change] = {
    "shift_right": Change(0.0, -1.0, 1.0, (-0.5, 0.5), "of the width"),
    "shift_down": Change(0.0, -1.0, 1.0, (-0.5, 0.5), "of the height"),
    "rotate": Change(0.0, -360.0, 360.0, (-180.0, 180.0), "degrees, anticlockwise"),
    "scale": Change(1.0, 0.05, 20.0, (0.5, 2.0), "times the size, about the centre"),
    "brightness": Change(1.0, 0.0, 10.0, (0.0, 2.0), "times each value"),
    "contrast": Change(1.0, 0.0, 10.0, (0.0, 2.0), "times the distance from the mean brightness"),
    "gray": Change(0.0, 0.0, 1.0, (0.0, 1.0), "of the colour removed"),
    "blur": Change(0.0, 0.0, 100.0, (0.0, 5.0), "px, standard deviation of the Gaussian"),
    "noise": Change(0.0, 0.0, 10.0, (0.0, 0.5), "of the value range, standard deviation"),
    "patch": Change(0.0, 0.0, 1.0, (0.0, 1.0), "of the shorter side, a grey square in the centre"),
}
"""The changes in the order in which they are made."""
MOVES = frozenset(("shift_right", "shift_down", "rotate", "scale"))
"""Those that move pixels, all in one."""


def perturb(image: Any, *, limits: tuple[float, float] | None = None, seed: int = 0, **changes: float) -> Any:
    """Change an image, or each image of a batch; several changes are made in the order of `CHANGES`.

    Parameters
    ----------
    image : PIL.Image.Image, torch.Tensor or numpy.ndarray
        Pixels (C, H, W), (N, C, H, W) or (H, W); not changed itself.
    limits : tuple of float, optional
        The values of black and white. Without them 0 and 255 for bytes, 0 and 1 for other numbers that lie between
        these, and otherwise the lowest and highest value of `image`, as for an image that is normalised.
    seed : int
        Of the noise: the same seed, the same pattern.
    **changes : float
        `shift_right`, `shift_down` in parts of the width and height (-1 to 1); `rotate` in degrees, anticlockwise;
        `scale`, `brightness`, `contrast` as factors; `gray`, the part of the colour that is removed (0 to 1); `blur`,
        the standard deviation in px; `noise`, the standard deviation in parts of the value range; `patch`, the side
        of a grey square in the centre in parts of the shorter side (0 to 1). What comes in from outside is black.

    Returns
    -------
    PIL.Image.Image, torch.Tensor or numpy.ndarray
        As `image`: of the same kind, size and type, within `limits`.

    Raises
    ------
    TypeError
        `image` is no picture, or a change is unknown: the message names the nearest.
    ValueError
        A change is out of its range, or `limits` are not in order; the message says what is allowed.

    Examples
    --------
    >>> import torch
    >>> import cnnwidgets as cw
    >>> image = torch.zeros(1, 2, 3)
    >>> image[0, 0, 0] = 1
    >>> cw.perturb(image, shift_right=1 / 3).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    """
    values = {name: checked_change(name, value) for name, value in changes.items()}
    if is_picture(image):
        plain = image.convert("RGB") if image.mode not in ("L", "RGB") else image
        pixels = _torchvision().pil_to_tensor(plain)
        return _torchvision().to_pil_image(changed(pixels, (0.0, 255.0), values, seed)).convert(image.mode)
    found = as_tensor(image, "the image")
    if found is None or found.ndim not in (2, 3, 4) or found.is_complex():
        kind = type(image).__name__ if found is None else f"a tensor of shape {tuple(found.shape)}, {found.dtype}"
        raise TypeError(f"image must be a picture, or pixels (C, H, W), (N, C, H, W) or (H, W), not {kind}")
    made = changed(found, limits_of(found) if limits is None else checked_limits(limits), values, seed)
    return made.numpy() if isinstance(image, np.ndarray) else made.to(found.dtype)


def checked_change(name: str, value: Any) -> float:
    """`value` as a number, if it is one that `name` may have; raises TypeError or ValueError."""
    if name not in CHANGES:
        raise TypeError(unknown(f"there is no change {name!r}", name, CHANGES, f"there are {', '.join(CHANGES)}"))
    change = CHANGES[name]
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a number ({change.unit}), not {value!r:.80}")
    if not change.low <= float(value) <= change.high:  # nor NaN
        raise ValueError(f"{name} must be from {change.low:g} to {change.high:g} ({change.unit}), not {value!r}")
    return float(value)


def checked_limits(limits: Any) -> tuple[float, float]:
    """Two finite numbers, the lower first; raises ValueError."""
    try:
        low, high = map(float, limits)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"limits must be the values of black and white, the lower first, not {limits!r}")
    return low, high


def limits_of(pixels: torch.Tensor) -> tuple[float, float]:
    """The values of black and white that an image most likely has."""
    if pixels.dtype == torch.uint8:
        return 0.0, 255.0
    low, high = _ends(pixels)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = _ends(pixels[pixels.isfinite()])
    return (0.0, 1.0) if (low >= 0 and high <= 1) or low == high else (low, high)


def _ends(pixels: torch.Tensor) -> tuple[float, float]:
    """The lowest and the highest value; 0 and 1 where there is none."""
    if not pixels.numel():
        return 0.0, 1.0
    low, high = pixels.aminmax()
    return float(low), float(high)


def changed(pixels: torch.Tensor, limits: tuple[float, float], values: Mapping[str, float], seed: int) -> torch.Tensor:
    """(..., H, W) with these changes, in its own type."""
    made = {name: value for name, value in values.items() if value != CHANGES[name].none}
    if not made:
        return pixels.clone()
    flat = pixels.ndim == 2
    image = _scaled(pixels[None] if flat else pixels, limits)
    if made.keys() & MOVES:
        image = _moved(image, [made])
    for name, act in ACTS.items():
        if name in made:
            image = act(image, made[name], seed)
    found = _unscaled(image, limits, pixels)
    return found[0] if flat else found


def series(
    image: torch.Tensor,
    limits: tuple[float, float],
    values: Mapping[str, float],
    change: str,
    every: Sequence[float],
    seed: int,
) -> torch.Tensor:
    """One image (1, C, H, W) changed by `change` to V values each, and by all `values` alike: (V, C, H, W).

    The same as `changed` for each of them, but for rounding, in much less time.
    """
    found, many = _scaled(image, limits), len(every)
    if change in MOVES:
        found = _moved(found, [{**values, change: value} for value in every])
    elif values.keys() & MOVES:
        found = _moved(found, [values])
    for name, act in ACTS.items():
        if name == change:
            found = act(found, torch.tensor(every, dtype=found.dtype, device=found.device)[:, None, None, None], seed)
        elif values.get(name, CHANGES[name].none) != CHANGES[name].none:
            found = act(found, values[name], seed)
    return _unscaled(found.expand(many, -1, -1, -1), limits, image)


def _scaled(pixels: torch.Tensor, limits: tuple[float, float]) -> torch.Tensor:
    """From black, 0, to white, 1."""
    low, high = limits
    kind = pixels.dtype if pixels.dtype in (torch.float32, torch.float64) else torch.float32
    return (pixels.to(kind) - low) / (high - low)


def _unscaled(image: torch.Tensor, limits: tuple[float, float], like: torch.Tensor) -> torch.Tensor:
    """Within the limits again, in the type of `like`."""
    low, high = limits
    image = image.clamp(0, 1) * (high - low) + low  # not clamped before: bright noise on white is white
    return (image if like.is_floating_point() else image.round()).to(like.dtype)


def _torchvision() -> Any:
    return imported("torchvision.transforms.v2.functional")


def _moved(image: torch.Tensor, each: Sequence[Mapping[str, float]]) -> torch.Tensor:
    """(..., C, H, W) moved alike; one image (1, C, H, W) by V moves is V of them, from one sampling."""
    height, width = image.shape[-2:]
    batch = image.reshape(-1, *image.shape[-3:])
    like: Any = {"dtype": image.dtype, "device": image.device}
    matrices = torch.from_numpy(_inverses(each, height, width)).to(**like)[..., None, None]
    across, down, start = matrices.unbind(1)  # each (2, V, 1, 1): x and y on planes of their own, which is quicker
    x = torch.arange(width, **like) - (width - 1) / 2
    y = torch.arange(height, **like)[:, None] - (height - 1) / 2
    grid = (start + across * x + down * y).permute(1, 2, 3, 0)  # the row of each move first, which is small
    many = max(len(batch), len(each))
    sampled = functional.grid_sample(
        batch.expand(many, -1, -1, -1), grid.expand(many, -1, -1, -1), "bilinear", "zeros", align_corners=False
    )
    return sampled if len(each) > 1 else sampled.reshape(image.shape)


def _inverses(each: Sequence[Mapping[str, float]], height: int, width: int) -> NDArray[np.float64]:
    """Where a pixel of a result, counted from the centre, comes from, in halves of the size: (2, 3, V).

    For x and y, each a row of the 2 x 3 matrix of every move.
    """
    names = ("rotate", "scale", "shift_right", "shift_down")
    given = np.array([[made.get(name, CHANGES[name].none) for made in each] for name in names])
    angle, factor, right, down = np.radians(given[0]), given[1], given[2] * width, given[3] * height
    cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
    rows = (cos, -sin, sin * down - cos * right), (sin, cos, -sin * right - cos * down)
    return 2 * np.array(rows) / np.array([width, height])[:, None, None]
