"""What every view is built on, its export, and Colab."""

from .subject_view import SubjectView
from .view import ModelView, log

__all__ = [
    "ModelView",
    "SubjectView",
    "log",
]
