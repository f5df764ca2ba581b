"""Which layer of one network stands beside which of another: by name, else by order and shape, or as chosen by hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeVar

from ..layers import Layer, LayerTable

How = Literal["name", "order", "hand"]
Row = TypeVar("Row")
WORDS: dict[str, str] = {"name": "by name", "order": "by order and shape", "hand": "by hand"}
"""How layers were paired, in words."""


@dataclass(frozen=True)
class LayerPair:
    """A layer of one network and the one of the other that stands beside it.

    Attributes
    ----------
    a, b : str
        Their names.
    how : str
        `name`, `order` (the next of the same type and shape), or `hand`.
    """

    a: str
    b: str
    how: How


@dataclass(frozen=True)
class Pairing(Sequence[LayerPair]):
    """The layers of two networks in pairs, in the order of the first, and those that have no partner.

    Attributes
    ----------
    pairs : tuple of LayerPair
        The pairs.
    only_a, only_b : tuple of str
        Layers that exist in one network only.
    """

    pairs: tuple[LayerPair, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        return self.pairs[key]

    def __len__(self) -> int:
        return len(self.pairs)

    def partner(self, layer: str) -> LayerPair | None:
        """The pair of a layer of the first network; None where it has no partner."""
        return next((pair for pair in self.pairs if pair.a == layer), None)

    @property
    def words(self) -> str:
        """How they were paired: `12 layers by name, 3 by order and shape; 2 in the first only`."""
        counts = [(how, sum(pair.how == how for pair in self.pairs)) for how in WORDS]
        parts = [f"{count} {WORDS[how]}" for how, count in counts if count]
        alone = [
            f"{len(names)} in the {which} only" for names, which in ((self.only_a, "first"), (self.only_b, "second"))
            if names
        ]  # fmt: skip
        return "; ".join([f"layers paired: {', '.join(parts) or 'none'}", *alone])


def pair_layers(a: LayerTable, b: LayerTable, chosen: Mapping[str, str] | None = None) -> Pairing:
    """Pair the layers of two tables.

    A layer stands beside the one of the same name where that gives numbers of the same kind; of those that are left, in
    their order, beside the next one of the same type and shape. The number of a layer in a `Sequential` is no name of
    its own: there it counts first only where the shape is the same too.

    Parameters
    ----------
    a, b : LayerTable
        From `layer_table`; layers that cannot be shown are left out.
    chosen : mapping of str to str, optional
        Pairs by hand: layer of the first -> layer of the second.

    Returns
    -------
    Pairing

    Raises
    ------
    LookupError
        A name in `chosen` is no layer of its table.

    Examples
    --------
    >>> import cnnwidgets as cw
    >>> from cnnwidgets.compute.comparison import pair_layers
    >>> table = cw.layer_table(cw.models.lenet5(), cw.data.digits()[0][0])
    >>> pair_layers(table, table).words
    'layers paired: 11 by name'
    """
    hand = dict(chosen or {})
    for one, other in hand.items():
        a.find(one), b.find(other)
    rows, others = list(a.showable), list(b.showable)

    def fits(one: Layer, other: Layer) -> bool:
        shaped = one.shape == other.shape and not _numbered(one.name)
        return one.kind == other.kind and (one.type == other.type or shaped)

    pairs, left, right = paired(
        {row.name: row for row in rows},
        {row.name: row for row in others},
        hand,
        fits,
        lambda row: (row.type, row.shape),
        lambda one, other: (one.type, one.shape) == (other.type, other.shape) or not _numbered(one.name),
    )
    return Pairing(tuple(pairs), tuple(left), tuple(right))


def _numbered(name: str) -> bool:
    """Whether a layer is called by its place in a `Sequential`."""
    return name.rpartition(".")[2].isdecimal()


def paired(
    a: Mapping[str, Row],
    b: Mapping[str, Row],
    hand: Mapping[str, str],
    fits: Callable[[Row, Row], bool],
    key: Callable[[Row], Hashable],
    surely: Callable[[Row, Row], bool] = lambda one, other: True,
) -> tuple[list[LayerPair], list[str], list[str]]:
    """Pairs of the names of two mappings, and the names that are left over on each side.

    By name come first those of which `surely` holds too, then those in order, then the others by name.
    """
    found: dict[str, tuple[str, How]] = {one: (other, "hand") for one, other in hand.items()}
    taken = set(hand.values())

    def by_name(wanted: Callable[[Row, Row], bool]) -> None:
        for name, row in a.items():
            if name not in found and name not in taken and name in b and fits(row, b[name]) and wanted(row, b[name]):
                found[name] = name, "name"
                taken.add(name)

    by_name(surely)
    left, right = [name for name in a if name not in found], [name for name in b if name not in taken]
    keys = [key(a[name]) for name in left], [key(b[name]) for name in right]
    for at, to, size in SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks():
        for step in range(size):
            found[left[at + step]] = right[to + step], "order"
            taken.add(right[to + step])
    by_name(lambda one, other: True)
    pairs = [LayerPair(name, *found[name]) for name in a if name in found]
    return pairs, [name for name in a if name not in found], [name for name in b if name not in taken]
