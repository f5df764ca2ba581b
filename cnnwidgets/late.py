"""Imports of large libraries when they are first needed, which leave the random numbers of the process alone."""

from __future__ import annotations

import random
import sys
from importlib import import_module
from typing import Any

import numpy as np


def imported(name: str) -> Any:
    """The module `name`, imported at the first call.

    The import restores the global random states of Python, NumPy and torch: scikit-learn's draws a number, and so may
    that of any library. Later calls touch no random state, which another thread may draw from meanwhile.

    Raises
    ------
    ImportError
        It is not installed.
    """
    if name in sys.modules:
        return import_module(name)  # waits, if another thread is importing it
    torch = sys.modules.get("torch")
    python, legacy, ours = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()
    try:
        return import_module(name)
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        if torch:
            torch.set_rng_state(ours)
