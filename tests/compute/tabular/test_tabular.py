"""Tables as text and as HTML."""

from cnnwidgets.compute.tabular import to_html, to_text

EVIL = "<b>&"


def test_text_columns_are_aligned_at_the_left_without_spaces_at_the_end():
    assert to_text(["name", "n"], [["a", "10"], ["longer", ""]]).splitlines() == ["name    n", "a       10", "longer"]


def test_a_table_without_rows_is_its_head():
    assert to_text(["name", "n"], []) == "name  n"
    assert to_html(["name", "n"], []).count("<th>") == 2


def test_head_cells_and_row_headings_are_escaped_in_html():
    for heading_column in (False, True):
        page = to_html(["name", EVIL], [[EVIL, EVIL]], heading_column=heading_column)
        assert EVIL not in page
        assert page.count("&lt;b&gt;&amp;") == 3


def test_html_does_not_cut_off_long_texts():
    assert "x" * 500 in to_html(["name"], [["x" * 500]])
