"""A picture as its spectrum: what is optimised, in place of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch

CONTRAST = 0.01
"""Standard deviation of the random numbers that a spectrum begins with."""
FLATTER = 4.0
"""By so much the values of a spectrum are divided before they become pixels: they begin near the middle grey."""
DARKEST = 0.02
"""A given picture is brought so far from black and from white: what is at the end of a sigmoid has no gradient."""

COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
"""Red, green and blue from three colours that are not correlated over natural images (ImageNet), by rows."""


class Spectrum:
    """N pictures by their Fourier coefficients, each scaled by its wavelength (Olah et al. 2017).

    A step of one size then moves all wavelengths alike, in place of the shortest most, which makes noise. The colours
    of three channels are those that are not correlated over natural images; of any other number, the channels.

    Parameters
    ----------
    count : int
        N.
    shape : tuple of int
        (C, H, W).
    generator : torch.Generator
        Of the random numbers that they begin with; on the CPU.
    device : torch.device
        Where they are.
    start : torch.Tensor, optional
        (1, C, H, W) pixels that all begin with, 0 to 1, instead.

    Attributes
    ----------
    values : torch.Tensor
        (N, C, H, W // 2 + 1, 2), real: the leaf that is optimised.
    """

    def __init__(
        self,
        count: int,
        shape: tuple[int, int, int],
        generator: torch.Generator,
        device: torch.device,
        start: torch.Tensor | None = None,
    ) -> None:
        channels, self._height, self._width = shape
        down, across = torch.fft.fftfreq(self._height)[:, None], torch.fft.rfftfreq(self._width)[None]
        waves = (down.square() + across.square()).sqrt().clamp(min=1 / max(self._height, self._width))
        self._scale = (1 / (waves * FLATTER))[..., None].to(device)
        self._colours = (COLOURS / COLOURS.norm(dim=0).max()).to(device) if channels == 3 else None
        self._generator = generator
        self.values = torch.empty(count, channels, *waves.shape, 2, device=device)
        for number in range(count):
            self.redraw(number)
        if start is not None:
            self.values.copy_(self._spectrum(start.float().to(device)).expand_as(self.values))
        self.values.requires_grad_()

    def redraw(self, number: int, contrast: float = 1.0) -> None:
        """Begin picture `number` anew, with other random numbers, so many times as large."""
        drawn = torch.randn(self.values.shape[1:], generator=self._generator) * CONTRAST * contrast
        with torch.no_grad():
            self.values[number].copy_(drawn)

    def begin_with(self, pixels: Sequence[torch.Tensor]) -> None:
        """Begin each picture with the next of these (C, H, W), 0 to 1, and those that are left with the first again."""
        with torch.no_grad():
            for number in range(len(self.values)):
                given = pixels[number % len(pixels)][None].to(self.values)
                self.values[number].copy_(self._spectrum(given)[0])

    def pixels(self) -> torch.Tensor:
        """The pictures, (N, C, H, W), 0 to 1; with a gradient where that is enabled."""
        waves = torch.view_as_complex(self.values * self._scale)
        image = torch.fft.irfft2(waves, s=(self._height, self._width), norm="ortho")
        if self._colours is not None:
            image = torch.einsum("rc,nchw->nrhw", self._colours, image)
        return image.sigmoid()

    def _spectrum(self, pixels: torch.Tensor) -> torch.Tensor:
        """The values that make `pixels`."""
        image = pixels.clamp(DARKEST, 1 - DARKEST).logit()
        if self._colours is not None:
            image = torch.einsum("cr,nrhw->nchw", torch.linalg.inv(self._colours), image)
        return torch.view_as_real(torch.fft.rfft2(image, norm="ortho")) / self._scale
