"""What views of images have besides: an own image in the place of the data set's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...compute.pictures import OwnImage, adopt
from ..surface import close_tree, sharing
from .panel import InputPanel


class ShowsOwnImages:
    """Mixed into a view with a `subject` and the trait `index`."""

    if TYPE_CHECKING:
        subject: Any
        index: Any
        children: Any

        def attempt(self, action: Any) -> None:
            """See `ModelView`."""

        def observe(self, handler: Any, names: Any) -> None:
            """See traitlets."""

        def insert(self, part: Any, place: str = "") -> None:
            """See `ModelView`."""

    _panel: InputPanel | None = None
    _opened = False

    def show(self, image: Any) -> None:
        """Show an own image in the place of the data set's; another `index` goes back to those.

        The image goes through the transform and the normalisation of the data set; where it has no transform, it
        becomes as large as image 0, with values of the same kind. What was done to it is told in the title line. Views
        whose `index` is linked show it too.

        Parameters
        ----------
        image : str, path, bytes, PIL.Image.Image, numpy.ndarray or torch.Tensor
            A picture: a file or what is in it, upright by its EXIF orientation, of an animation the first frame, in
            any mode; an array (H, W), (H, W, C) or (C, H, W) of bytes, of 16 bits, or of numbers in [0, 1]. Or a
            tensor of numbers as the data set gives them, already normalised, which is taken as it is.

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            It cannot be read, or is no image; the data set has no pictures; the view shows what it did.

        Examples
        --------
        >>> import numpy as np
        >>> import cnnwidgets as cw
        >>> view = cw.ActivationView(cw.models.lenet5(pretrained=True), cw.data.digits())
        >>> view.show(np.zeros((40, 40), np.uint8))
        >>> view.static().title.split(" · ")[-2:]
        ['own image', 'resized from 40 × 40 px']
        """
        self.show_own(OwnImage.of(image))

    def show_own(self, own: OwnImage) -> int:
        """Show an own image that was read before; its number, as `index` has it."""
        if self.subject is None:
            raise TypeError(f"{type(self).__name__} has no data set, whose images an own one could be like")
        number = adopt(own)
        self.subject.items[number]  # raises what is wrong with it, before anything has changed
        self.index = number
        return number

    @property
    def input(self) -> InputPanel:
        """The input panel: draw, upload, paste, drop or take a picture, and change it by sliders; made when asked for.

        The button `own image` puts it into the card; it can be displayed in a cell of its own too.

        Raises
        ------
        TypeError
            There are no pictures that could be drawn; says what there is.
        """
        if self._panel is None:
            if self.subject is None:
                raise TypeError(f"{type(self).__name__} has no data set, whose images an own one could be like")
            with sharing():
                self._panel = InputPanel(self)
        return self._panel

    def toggle_input(self) -> None:
        """Put the input panel into the card, or take it out of it, as the button `own image` does."""

        def toggle() -> None:
            self.insert(None if self._opened else self.input)
            self._opened = not self._opened

        self.attempt(toggle)

    def close(self) -> None:
        """Close every widget of the view; the model is as it was before."""
        if self._panel is not None:
            close_tree(self._panel)
            self._panel = None
        super().close()  # type: ignore[misc]

    def notes(self) -> list[str]:
        """What was done to the own image that is shown."""
        item = self.subject.items[self.index] if self.subject is not None and self.index < 0 else None
        return [] if item is None else list(item.notes)
