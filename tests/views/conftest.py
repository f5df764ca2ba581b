"""Views are tested on the tiny networks and with the counters of the widgets they are made of."""

from tests.widgets.conftest import clock, dataset, messages, model, passes

__all__ = ["clock", "dataset", "messages", "model", "passes"]
