"""Long work: in steps, between which it can be drawn, stopped and continued; and what it says meanwhile."""

from .progress import Bar, Report, Stopped, on_interrupt
from .stepwise import Stepwise, finish

__all__ = ["Bar", "Report", "Stepwise", "Stopped", "finish", "on_interrupt"]
