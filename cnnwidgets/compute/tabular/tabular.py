"""A table as text and as HTML, as the `repr` of results in a notebook shows it."""

from __future__ import annotations

from collections.abc import Sequence

from ...late import imported


def to_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned at the left, two spaces apart (`DataFrame.to_string` aligns text at the right)."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def to_html(head: Sequence[str], rows: Sequence[Sequence[str]], *, heading_column: bool = False) -> str:
    """An HTML table, everything in it escaped; the first column as row headings if `heading_column`."""
    pd = imported("pandas")

    frame = pd.DataFrame([list(row) for row in rows], columns=list(head), dtype=object)
    if heading_column:
        frame = frame.set_index(head[0]).rename_axis(index=None, columns=head[0])
    with pd.option_context("display.max_colwidth", None):  # else long texts are cut off
        return str(frame.to_html(index=heading_column, border=0, justify="left", escape=True))
