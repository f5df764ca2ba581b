"""Long work: what it says meanwhile, and how it ends early."""

from .progress import Bar, Report, Stopped, on_interrupt

__all__ = ["Bar", "Report", "Stopped", "on_interrupt"]
