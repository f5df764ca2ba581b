"""What the class of a view must hold to; what is forgotten is said in words, before anything is made."""

from __future__ import annotations

from functools import cache
from typing import Any

import ipywidgets as W

ROLES = ("source", "display", "internal")


@cache
def check_contract(view: Any, base: Any) -> None:
    """Check the class `view`, which derives from `base`.

    Raises
    ------
    TypeError
        It has no panels; a trait of it has no role; what `sliders` or `painted` names is no trait with a role.
    """
    if view.panels is base.panels:
        raise TypeError(f"{view.__name__} describes no panels: write panels(self), which gives a list of Panel")
    own = {name: trait for name, trait in view.class_traits().items() if name not in W.VBox.class_traits()}
    for name, trait in own.items():
        if not any(role in trait.metadata for role in ROLES):
            raise TypeError(
                f"the trait {name!r} of {view.__name__} has no role: .tag(source=True) where the model must be asked "
                "again, .tag(display=True) where only the drawing changes, .tag(internal=True) where neither"
            )
    for which in ("sliders", "painted"):
        for name in getattr(view, which):
            if name not in own:
                raise TypeError(f"{which} of {view.__name__} names {name!r}, which is no trait of it: {', '.join(own)}")
