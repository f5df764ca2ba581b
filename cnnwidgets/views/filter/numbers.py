"""The traits of FilterView that count something: what of, and what is said where there is no such."""

from __future__ import annotations

from typing import Any

from ...widgets.state import Index


class LayerIndex(Index):
    """The number of a filter, a channel or a slice of the layer of a FilterView, by the name of the trait."""

    def __init__(self, **options: Any) -> None:
        super().__init__(of=self._of_layer, **options)

    def _of_layer(self, view: Any) -> tuple[int, str]:
        count = view.counts()[self.name]
        return count, f"layer {view.layer!r} has {count}"


class ImageIndex(Index):
    """The index of an image of a FilterView, or 0 without a data set."""

    def __init__(self, **options: Any) -> None:
        super().__init__(of=self._of_data, **options)

    def _of_data(self, view: Any) -> tuple[int, str]:
        count = 1 if view.subject is None else len(view.subject.items)
        return count, f"the data set has {count} images"

    def _cross_validate(self, obj: Any, value: Any) -> Any:
        if obj.subject is None and value != 0:
            raise ValueError("index chooses an image, and there is no data set: FilterView(model, dataset)")
        return super()._cross_validate(obj, value)
