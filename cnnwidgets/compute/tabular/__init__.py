"""Tables as text and as HTML."""

from .tabular import to_html, to_text

__all__ = ["to_html", "to_text"]
