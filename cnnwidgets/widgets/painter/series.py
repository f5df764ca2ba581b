"""What paintings have in common that follow one another, or stand side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Series:
    """What each of them says, besides itself: of a film, all frames of one shot; of a comparison, all columns.

    Attributes
    ----------
    of : str
        Names the series: of two with the same name, every painting may stand in the place of another.
    signed : bool
        Whether there are negative values in any of them: the colour map that is chosen for that is for all.
    scales : mapping
        What the words mean that the menu of scales has besides those of the painter: one of these, or the ends of the
        colours for a colour map that is not centred on 0, and for one that is.
    centred : bool
        Whether 0 is in the middle of the colours: a colour map that is not diverging gives way to the one for signed
        values.
    """

    of: str
    signed: bool
    scales: Mapping[str, Any]
    centred: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What the page is told of it."""
        return {name: value for name, value in asdict(self).items() if value is not False or name == "signed"}
