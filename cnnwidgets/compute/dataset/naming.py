"""What classes are called: labels by the data set, outputs by those who know the network; and where both meet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import nn

from .items import Item, Items, unnamed

ZOOS = ("torchvision.models", "timm.models")
IMAGENET = 1000


@dataclass
class OutputNames:
    """The names of a network's outputs.

    They are those that were given as `classes=`; else the data set's, if it names as many classes as there are outputs;
    else those of ImageNet for a network of torchvision or timm with 1,000 outputs.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    items : Items
        The data set, with the names that were given.
    """

    module: nn.Module
    items: Items
    _known: dict[int, list[str]] = field(default_factory=dict, repr=False)

    def of(self, count: int) -> list[str]:
        """A name for each of `count` outputs, or nothing where none are known; given names may be fewer."""
        if count not in self._known:
            given, own = self.items.given, self.items.own
            self._known[count] = given or (own if len(own) == count else imagenet_names(self.module, count))
        return self._known[count]

    def called(self, target: int, count: int) -> str:
        """The name of one of `count` outputs; `class 3` where it has none but its number."""
        names = self.of(count)
        return names[target] if 0 <= target < len(names) and names[target] != str(target) else unnamed(target)

    def all(self, count: int) -> list[str]:
        """What each of `count` outputs is called."""
        return [self.called(target, count) for target in range(count)]

    def truth(self, item: Item, count: int) -> int | None:
        """The output that stands for the label of `item`; None where there is no label, or it cannot be known.

        Where both have names and any of them meet, by name; else by number, if there are as many classes as outputs as
        far as one knows.
        """
        labels, names = self.items.classes, self.of(count)
        if labels and names and labels != names and item.text:
            found = _found(item.text, names)
            if found is not None or len(labels) != count or any(_found(label, names) is not None for label in labels):
                return found
        if item.label is None or (self.items.own and len(self.items.own) != count):
            return None
        return item.label if 0 <= item.label < count else None


def imagenet_names(module: nn.Module, count: int) -> list[str]:
    """The names of ImageNet's classes, for a network of torchvision or timm with 1,000 outputs; else none."""
    home = type(module).__module__
    if count != IMAGENET or not any(home == zoo or home.startswith(f"{zoo}.") for zoo in ZOOS):
        return []
    weights = getattr(sys.modules.get("torchvision.models"), "ResNet18_Weights", None)  # loaded by both zoos
    return [] if weights is None else list(weights.IMAGENET1K_V1.meta["categories"])


def _found(text: str, names: Sequence[str]) -> int | None:
    """The number of the one name that is `text`: to the letter, or else but for case, plural and underscores."""
    for form in (str, _plain):
        wanted = form(text)
        places = [number for number, name in enumerate(names) if form(name) == wanted]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def _plain(name: str) -> str:
    """`bee` for `Bees`, `fire truck` for `fire_truck`; of several names in one, as ImageNet's are, the first."""
    return name.partition(",")[0].replace("_", " ").replace("-", " ").strip().casefold().removesuffix("s")
