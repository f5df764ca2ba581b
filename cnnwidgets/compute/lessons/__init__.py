"""Questions about a network that are computed from it: what is right, and what is nearly right."""

from .looked import Asks, Looked, NothingToAsk
from .question import Box, Choice, Picture, Question
from .topics import TOPICS, Asked, ask

__all__ = [
    "TOPICS",
    "Asked",
    "Asks",
    "Box",
    "Choice",
    "Looked",
    "NothingToAsk",
    "Picture",
    "Question",
    "ask",
]
