"""One HTML file of one or several parts that loads nothing, and text of a user in it."""

from .document import ROOM, Section, document, text_section

__all__ = ["ROOM", "Section", "document", "text_section"]
