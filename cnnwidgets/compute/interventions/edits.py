"""What may be done to the output of a layer: each kind of edit is a class."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch

from ..core import describe
from .selection import Arrangement, Index, Selection, aligned


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit of a layer's output; `Ablate`, `Scale`, `Add`, `Clamp`, `Noise`, `Replace` and `Apply` are its kinds.

    What it is about is chosen by keyword, and is the whole output by default. Channels, tokens and a region together
    mean what they have in common.

    Parameters
    ----------
    channels : int or iterable of int, optional
        Numbers of channels: maps of a convolution, units of a linear layer, features of tokens.
    tokens : int or iterable of int, optional
        Numbers of tokens of a sequence (N, T, D), or of places of a signal.
    region : (int, int, int, int), optional
        (top, left, bottom, right) in rows and columns of the map, the last two exclusive.
    units : iterable of tuple of int, optional
        Single units: (channel, row, column) of maps, (channel, token) of sequences. Given alone.
    """

    channels: Any = field(default=None, kw_only=True)
    tokens: Any = field(default=None, kw_only=True)
    region: Any = field(default=None, kw_only=True)
    units: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        chosen = Selection.of(self.channels, self.tokens, self.region, self.units)
        for name, value in vars(chosen).items():  # iterators can be read once
            object.__setattr__(self, name, value)

    @property
    def selection(self) -> Selection:
        """What is chosen."""
        return Selection(self.channels, self.tokens, self.region, self.units)

    @property
    def words(self) -> str:
        """What happens to the chosen values: `set to 0`."""
        raise NotImplementedError

    @property
    def removes(self) -> bool:
        """Whether it puts a fixed number in the place of the values, which a layer behind may turn into another."""
        return False

    def edited(self, output: torch.Tensor, found: Arrangement, layer: str) -> torch.Tensor:
        """A new tensor in the place of `output`, which stays as it is.

        Raises
        ------
        ValueError
            The layer has no such channel, token or place, or what replaces the values does not fit.
        """
        index = self.selection.index(output, found, layer)
        if index is None:
            made = self._change(output, output, found, None, layer)
            return made.to(output) if made.shape == output.shape else torch.empty_like(output).copy_(made)
        copy = output.clone()
        copy[index] = self._change(output[index], output, found, index, layer).to(output)
        return copy

    def _change(
        self, chosen: torch.Tensor, output: torch.Tensor, found: Arrangement, index: Index | None, layer: str
    ) -> torch.Tensor:
        """What replaces the `chosen` values of `output`: of their shape, or one that expands to it; a new tensor."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Ablate(Edit):
    """Replace values by a constant: "switch a channel off".

    Parameters
    ----------
    value : {"zero", "mean"}, float or torch.Tensor
        0; the mean of each channel; a number; or one number for each channel (C,). `"mean"` is taken over `images` and
        all places, once, before the edit; without `images` over the batch and all places in each pass, so that an image
        then depends on those beside it (views, occlusion and attributions run such a network image by image).
    images : torch.Tensor, optional
        (N, C, H, W), for `"mean"`; run in evaluation mode.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> cw.Ablate(channels=[3, 7]).words
    'set to 0'
    """

    value: Literal["zero", "mean"] | float | torch.Tensor = "zero"
    images: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.value, str):
            if self.value not in ("zero", "mean"):
                raise ValueError(
                    f"value is 'zero', 'mean', a number or one number for each channel, not {self.value!r}"
                )
        elif not isinstance(self.value, torch.Tensor):
            _number(self.value, "value")
        if self.images is not None and self.value != "mean":
            raise ValueError("images are what the mean is taken over: they need value='mean'")

    @property
    def words(self) -> str:
        """What replaces the values."""
        if isinstance(self.value, torch.Tensor):
            return "set to one number for each channel"
        if self.value == "mean":
            over = "the batch" if self.images is None else "given images"
            return f"set to the mean of each channel over {over} and all places"
        return f"set to {0.0 if self.value == 'zero' else self.value:g}"

    @property
    def removes(self) -> bool:
        """Every value but the mean is one."""
        return not (isinstance(self.value, str) and self.value == "mean")

    def with_mean(self, mean: torch.Tensor) -> Ablate:
        """The same edit with the mean over `images`, (C,), known."""
        return replace(self, value=mean, images=None)

    def _change(
        self, chosen: torch.Tensor, output: torch.Tensor, found: Arrangement, index: Index | None, layer: str
    ) -> torch.Tensor:
        if isinstance(self.value, torch.Tensor):
            return aligned(self.value, output, found, index, None, layer).clone()
        if self.value != "mean":
            return output.new_tensor(0 if self.value == "zero" else self.value)
        axes = [axis for axis in range(output.ndim) if axis != found.channel]
        mean = (output if output.is_floating_point() or output.is_complex() else output.float()).mean(
            axes, keepdim=True
        )
        return mean.expand_as(output)[index] if index is not None else mean


@dataclass(frozen=True, eq=False)
class Scale(Edit):
    """Multiply values by a number.

    Parameters
    ----------
    factor : float
        1 changes nothing, 0 switches off, -1 turns the sign.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    factor: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _number(self.factor, "factor")

    @property
    def words(self) -> str:
        """By how much."""
        return f"multiplied by {self.factor:g}"

    @property
    def removes(self) -> bool:
        """Only for a factor of 0."""
        return self.factor == 0

    def _change(self, chosen: torch.Tensor, *_: Any) -> torch.Tensor:
        return chosen * self.factor


@dataclass(frozen=True, eq=False)
class Add(Edit):
    """Add a direction: steer what the layer says.

    Parameters
    ----------
    direction : float or torch.Tensor
        A number; one number for each channel (C,), or for each chosen one; or the shape that the layer gives for one
        image or for the batch.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    direction: float | torch.Tensor

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.direction, torch.Tensor):
            _number(self.direction, "direction")

    @property
    def words(self) -> str:
        """How much is added."""
        if isinstance(self.direction, torch.Tensor):
            return f"plus a direction of norm {float(self.direction.detach().float().norm()):.3g}"
        return f"plus {self.direction:g}"

    def _change(
        self, chosen: torch.Tensor, output: torch.Tensor, found: Arrangement, index: Index | None, layer: str
    ) -> torch.Tensor:
        if not isinstance(self.direction, torch.Tensor):
            return chosen + self.direction
        return chosen + aligned(self.direction, output, found, index, self.selection.channels, layer)


@dataclass(frozen=True, eq=False)
class Clamp(Edit):
    """Hold values within bounds.

    Parameters
    ----------
    low, high : float, optional
        Least and largest value; at least one of them.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [value for value in (self.low, self.high) if value is not None]
        if not given:
            raise ValueError("give low, high or both")
        for value in given:
            _number(value, "a bound")
        if len(given) == 2 and given[0] > given[1]:
            raise ValueError(f"low must not be above high, not {given[0]} and {given[1]}")

    @property
    def words(self) -> str:
        """The bounds."""
        if self.low is not None and self.high is not None:
            return f"held between {self.low:g} and {self.high:g}"
        return f"held at {self.low:g} or more" if self.low is not None else f"held at {self.high:g} or less"

    def _change(self, chosen: torch.Tensor, *_: Any) -> torch.Tensor:
        return chosen.clamp(self.low, self.high)


@dataclass(frozen=True, eq=False)
class Noise(Edit):
    """Add normally distributed noise.

    Parameters
    ----------
    std : float
        Its standard deviation.
    generator : torch.Generator, optional
        Where it is drawn from, and goes on with each call, whoever runs the model. By default it is the same noise in
        each call: `torch.randn` of the chosen values' shape, from a generator with seed 0.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    std: float
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if _number(self.std, "std") < 0:
            raise ValueError(f"std must be 0 or more, not {self.std}")

    @property
    def words(self) -> str:
        """How much noise."""
        return f"plus noise of std {self.std:g}"

    def _change(self, chosen: torch.Tensor, *_: Any) -> torch.Tensor:
        generator = self.generator or torch.Generator().manual_seed(0)
        kind = chosen.dtype if chosen.is_floating_point() or chosen.is_complex() else torch.float32
        noise = torch.randn(chosen.shape, generator=generator, device=generator.device, dtype=kind)
        return chosen + self.std * noise.to(chosen.device)


@dataclass(frozen=True, eq=False)
class Replace(Edit):
    """Replace values by given ones: activation patching.

    Parameters
    ----------
    value : torch.Tensor, optional
        What replaces them: the shape that the layer gives for one image, or for the batch, of which the chosen values
        are taken; or one number for each channel (C,).
    image : torch.Tensor, optional
        Instead of `value`: another image, (C, H, W) or (1, C, H, W), for which the layer's own output is taken, once,
        before any edit of the same `intervene`.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    value: torch.Tensor | None = None
    image: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.value is None) == (self.image is None):
            raise ValueError("give a value for the layer, or an image for which it is worked out, and not both")
        if self.value is not None and not isinstance(self.value, torch.Tensor):
            raise TypeError(f"value must be a tensor, not {type(self.value).__name__}; Ablate takes a number")

    @property
    def words(self) -> str:
        """By what."""
        return "replaced by given values" if self.image is None else "replaced by those of another image"

    def with_value(self, value: torch.Tensor) -> Replace:
        """The same edit with the layer's output for `image` known."""
        return replace(self, value=value, image=None)

    def _change(
        self, chosen: torch.Tensor, output: torch.Tensor, found: Arrangement, index: Index | None, layer: str
    ) -> torch.Tensor:
        assert self.value is not None
        return aligned(self.value, output, found, index, self.selection.channels, layer).clone()


@dataclass(frozen=True, eq=False)
class Apply(Edit):
    """Any function of the values.

    Parameters
    ----------
    fn : callable
        `fn(values)` returns a tensor of the same shape. It gets a copy: the layer's output, (N, C, H, W) for a
        convolution, or `output[:, channels]` and so on.
    **chosen
        `channels`, `tokens`, `region`, `units`: see `Edit`.
    """

    fn: Callable[[torch.Tensor], torch.Tensor]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.fn):
            raise TypeError(f"fn must be a function of the layer's values, not {self.fn!r}")

    @property
    def words(self) -> str:
        """Its name."""
        return f"through {getattr(self.fn, '__name__', type(self.fn).__name__)}"

    def _change(
        self, chosen: torch.Tensor, output: torch.Tensor, found: Arrangement, index: Index | None, layer: str
    ) -> torch.Tensor:
        made = self.fn(chosen.clone())
        if not isinstance(made, torch.Tensor) or made.shape != chosen.shape:
            given = describe(made) if isinstance(made, torch.Tensor) else type(made).__name__
            raise ValueError(f"fn must return values of the shape {tuple(chosen.shape)} at {layer!r}, not {given}")
        return made


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__") or not math.isfinite(value):
        raise ValueError(f"{what} must be a finite number, not {value!r}")
    return float(value)
