"""A view as the cell that makes it: Python code with public names."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from copy import copy
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import traitlets as T
from torch import nn

from ...compute.dataset import Item
from .subject import Subject

MOST = 100
"""Numbers of an array that are written out; a larger one is called by its name."""
LONGEST = 100
"""Characters of a line."""


class Given:
    """What a view was made with, and its traits, as code.

    Parameters
    ----------
    view : ModelView
        Whose.
    arguments : tuple
        Positional arguments and keywords that its class was called with.
    traits : mapping
        Its source and display traits.
    namespace : mapping
        Variable -> value, such as that of a notebook.

    Attributes
    ----------
    nameless : list of str
        The names in the code that no variable has.
    """

    def __init__(
        self,
        view: T.HasTraits,
        arguments: tuple[Sequence[Any], Mapping[str, Any]],
        traits: Mapping[str, Any],
        namespace: Mapping[str, Any],
    ) -> None:
        signature = inspect.signature(type(view))
        self._names = {id(value): name for name, value in reversed(list(namespace.items())) if _is_variable(name)}
        places = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
        self._places = [name for name, each in signature.parameters.items() if each.kind in places]
        self._values = _opened(signature.bind(*arguments[0], **arguments[1]).arguments)
        self.own = traits.get("index", 0) < 0
        """Whether an own image is shown."""
        follow = {name for name, each in view.traits().items() if traits.get(each.metadata.get("follows", ""))}
        self._traits = traits
        self._left_out = follow | ({"index"} if self.own else set())
        self._defaults = {name: view.traits()[name].default_value for name in traits}
        self.nameless: list[str] = []
        self._instead: Mapping[str, str] = {}

    def __getitem__(self, parameter: str) -> str:
        """Code for what was given as `parameter`."""
        return self._instead.get(parameter) or self._written(self._values.get(parameter), parameter)

    def holds(self, parameter: str, kind: type) -> bool:
        """Whether one of the list that was given as `parameter` is of a kind."""
        value = self._values.get(parameter)
        return isinstance(value, (list, tuple)) and any(isinstance(each, kind) for each in value)

    def entry(self, parameter: str, at: int) -> str:
        """Code for one entry of the list that was given as `parameter`."""
        return self._names.get(id(self._values[parameter][at])) or f"{self[parameter]}[{at}]"

    def where(self, **instead: str) -> Given:
        """The same, with this code for some parameters: what a view has by other ways."""
        other = copy(self)
        other._instead = {**self._instead, **instead}
        return other

    @property
    def edited(self) -> bool:
        """Whether a model with edits is looked at, of which functions that are given the model would not know."""
        return any(isinstance(value, Subject) for value in self._values.values())

    def has(self, parameter: str) -> bool:
        """Whether anything was given as `parameter`."""
        return self._values.get(parameter) is not None

    def options(self, *parameters: str) -> dict[str, str]:
        """The same for those of the keywords that were given."""
        return {name: self[name] for name in parameters if self.has(name)}

    def trait(self, name: str) -> str:
        """Code for the value of a trait."""
        return self._written(self._traits[name], name)

    def differs(self, name: str) -> bool:
        """Whether a trait has another value than by default."""
        value, other = self._traits[name], self._defaults[name]
        if type(value) is not type(other):
            return True
        if isinstance(value, (torch.Tensor, np.ndarray)):
            return value.shape != other.shape or bool((value != other).any())
        return bool(value != other)

    def call_again(self, function: str) -> str:
        """The call of the class again, for the present state."""
        own = {name: self[name] for name in self._values if name not in self._traits}
        first = [own.pop(name) for name in takewhile(own.__contains__, self._places)]
        moved = [name for name in self._traits if name not in self._left_out and self.differs(name)]
        return call(function, *first, **own, **{name: self.trait(name) for name in moved})

    def named_as(self, value: object, name: str) -> str:
        """The variable of a value, or else this name, which whoever runs the code has to give one."""
        return self._names.get(id(value)) or self.named(name)

    def named(self, name: str) -> str:
        """A name that whoever runs the code has to give a value."""
        if name not in self.nameless:
            self.nameless.append(name)
        return name

    def _written(self, value: Any, name: str) -> str:
        """The value written out, or its variable, or else `name`."""
        text = literal(value)
        if text is None and isinstance(value, list) and all(id(each) in self._names for each in value):
            text = f"[{', '.join(self._names[id(each)] for each in value)}]"
        called = "model" if isinstance(value, nn.Module) else "subject" if isinstance(value, Subject) else name
        return self._names.get(id(value)) or self.named(called) if text is None else text


def image_of(given: Given, item: Item, index: int, *, data: str = "dataset", at: str = "") -> str:
    """Code for the image of an item, as the functions of cnnwidgets take it: for `prepare`, the item as it is.

    `at` is a variable that stands for `index`, where the code is of many items like this one.
    """
    raw, image, prepared = item.raw, item.image, bool(given.options("prepare"))
    if index < 0:  # an own one
        return f"view.subject.items[view.index].{'raw' if prepared else 'image'}"
    at = at or str(index)
    element = f"{given[data]}[{at}]"
    if prepared or _is_same(raw, image):
        return element
    parts: Any = raw.items() if isinstance(raw, Mapping) else enumerate(raw) if isinstance(raw, (tuple, list)) else ()
    for key, part in parts:
        if _is_same(part, image):
            return f"{element}[{literal(key)}]"
    subject = call("cw.Subject", given["model"], given[data], **given.options("classes", "denormalize"))
    return f"{subject}.items[{at}].image"


def recording_of(text: str, given: object) -> tuple[list[str], str]:
    """Lines that have a recording, and what it is called in them.

    Parameters
    ----------
    text : str
        Code for what was given.
    given : object
        That: the recording itself, its recorder, or its folder.
    """
    if isinstance(given, (str, Path)):
        return [f"recording = {call('cw.Recording.open', text)}"], "recording"
    return ([f"recording = {text}.recording"], "recording") if hasattr(given, "recording") else ([], text)


def maps_of(given: Given, item: Item, index: int) -> list[str]:
    """The line that computes the maps of the trait `layer`, by `activations`."""
    where = given["model"], image_of(given, item, index), given.trait("layer")
    return [f"maps = {call('cw.activations', *where, **given.options('prepare'))}[0]"]


def _is_same(value: Any, image: torch.Tensor | None) -> bool:
    """Whether a part of an item is its image, in any form of numbers."""
    if isinstance(value, (torch.Tensor, np.ndarray)) and image is not None:
        return value.shape == image.shape and bool(torch.equal(torch.as_tensor(value).to(image), image))
    return False


def call(function: str, *given: str, **options: str) -> str:
    """A call as code, over several lines where one would be too long."""
    arguments = [*given, *(f"{name}={value}" for name, value in options.items())]
    line = f"{function}({', '.join(arguments)})"
    return (
        line if len(line) <= LONGEST else "\n    ".join([f"{function}(", *(f"{each}," for each in arguments)]) + "\n)"
    )


def cell_of(
    name: str, given: Given, numbers: Sequence[str], *, public: bool, called: str = "view", then: Sequence[str] = ()
) -> str:
    """The cell that makes a view.

    Parameters
    ----------
    name : str
        Its class, which is called again.
    given : Given
        What for.
    numbers : sequence of str
        The lines that compute the numbers behind the picture.
    public : bool
        Whether the class is one of cnnwidgets.
    called : str
        The variable of the view.
    then : sequence of str
        The lines that follow the one that makes it.
    """
    lines = [f"{called} = {given.call_again(f'cw.{name}' if public else name)}", *then]
    # an own image is shown by the view, which then gives its numbers
    lines = [*lines, f"{called}.show({given.named('image')})", *numbers] if given.own else [*numbers, *lines]
    modules = {"np.": "import numpy as np", "torch.": "import torch", "cw.": "import cnnwidgets as cw"}
    imports = [line for used, line in modules.items() if any(used in text for text in lines)]
    made_with = [each for each in given.nameless if each != "image"]
    missing = [f"# {', '.join(made_with)}: what the view was given"] if made_with else []
    if "image" in given.nameless:
        missing.append("# image: what view.show was given; view.state keeps it, and cw.open shows it again")
    return "\n".join([*imports, *missing, *lines, called])


def literal(value: Any) -> str | None:
    """Code that gives the value again; None where there is none, or only a long one."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, str):
        return json.dumps(value) if value.isprintable() and value.isascii() else repr(value)
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, Path):
        return literal(str(value))
    if isinstance(value, torch.Tensor):
        short = value.numel() <= MOST and bool(value.isfinite().all())
        return f"torch.tensor({value.tolist()}, dtype={value.dtype})" if short else None
    if isinstance(value, np.ndarray):
        short = value.size <= MOST and value.dtype.kind in "biuf" and bool(np.isfinite(value).all())
        return f"np.array({value.tolist()}, dtype=np.{value.dtype})" if short else None
    if isinstance(value, (list, tuple)) and len(value) <= MOST:
        parts = [text for each in value if (text := literal(each)) is not None]
        if len(parts) == len(value):
            inside = ", ".join(parts)
            return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    return None


def _opened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter -> value, keywords that are handed on beside the others, a `Subject` as what it was made of."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= value if name in ("traits", "options") and isinstance(value, dict) else {name: value}
    first = next(iter(found), "")
    if isinstance(found.get(first), Subject):
        subject = found[first]
        if subject.edited:  # what was edited is in no code: the subject is called by its name
            return {name: value for name, value in found.items() if value is not None}
        del found[first]
        data = found.keys() & {"dataset", "images"} or {"dataset"}
        found = {first: subject.model, data.pop(): subject.items.dataset, **subject.given} | {
            name: value for name, value in found.items() if value is not None and name not in ("dataset", "images")
        }
    return found


def _is_variable(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")
