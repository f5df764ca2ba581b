"""The overview is tested on the tiny networks and with the counters of the widgets it is made of."""

from tests.widgets.conftest import clock, dataset, messages, model, passes

__all__ = ["clock", "dataset", "messages", "model", "passes"]
