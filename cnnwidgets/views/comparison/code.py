"""The numbers behind a comparison, as code."""

from __future__ import annotations

from typing import Any

from ...widgets.state import Given, call, image_of


def numbers_of(view: Any, given: Given) -> list[str]:
    """Lines that compute the maps of the first column and of the one it is compared with, and their difference."""
    columns = view.columns
    other = columns[view.second]
    if other.row is None or view.subjects[min(view.second, len(view.subjects) - 1)].edited:
        return []
    model = given["models"]
    models = [model, model] if view.beside else [f"{model}[0]", f"{model}[{view.second}]"]
    indices = view.index, other.snapshot.index
    lines = []
    named = given.where(model=models[0])
    for letter, at, network, row in zip("ab", indices, models, (view.layer_row, other.row), strict=True):
        image = image_of(named, columns[0].snapshot.subject.items[at], at)
        activations = call("cw.activations", network, image, f'"{row.name}"', **given.options("prepare"))
        lines.append(f"{letter} = {activations}[0]")
    same = columns[0].output is not None and other.output is not None and columns[0].output.shape == other.output.shape
    return [*lines, "difference = a - b"] if same else lines
