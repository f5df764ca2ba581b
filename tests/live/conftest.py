"""The clock of the widgets' tests, and the small training of the training's."""

from tests.training.conftest import batches, line, trainer
from tests.widgets.conftest import clock

__all__ = ["batches", "clock", "line", "trainer"]
