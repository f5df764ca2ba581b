"""How well one colour can be told from another."""

from __future__ import annotations

import numpy as np

from cnnwidgets.render.color.colormap import rgb


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours written `#rrggbb`, 1 to 21, as WCAG 2 has it."""

    def light(color: str) -> float:
        shares = np.array(rgb(color)) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted(map(light, (one, other)))
    return (high + 0.05) / (low + 0.05)
