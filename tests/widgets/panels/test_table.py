from __future__ import annotations

import base64
import re

import numpy as np

from cnnwidgets.render.color.colormap import apply
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.render.static import Card, Panel
from cnnwidgets.widgets.panels.table import table_panel, tables_html, tables_panel
from tests.widgets.conftest import decoded


def table(values: object, **options: object) -> Panel:
    cells = np.array(values, float)
    return table_panel("Window", cells, Shaded.of(cells[None]), **options)


def html_of(*tables: Panel) -> str:
    return tables_html(tables)


def test_each_cell_has_its_number_on_its_colour():
    found = re.findall(r'<span style="background:(#\w+);color:(#\w+)">([^<]+)</span>', html_of(table([[0, 1], [2, 3]])))
    colors = apply(Shaded.of(np.arange(4.0).reshape(1, 2, 2)).tile(0), "viridis").reshape(4, 3)
    assert found == [
        (f"#{color.tobytes().hex()}", ink, text)
        for color, ink, text in zip(colors, ("#ffffff", "#ffffff", "#000000", "#000000"), "0123", strict=True)
    ]


def test_a_map_too_large_for_numbers_is_a_picture():
    values = np.arange(88.0).reshape(8, 11)
    html = html_of(table(values))
    assert "<span style=" not in html
    data, width, height = re.search(r'base64,([^"]+)" width="(\d+)" height="(\d+)"', html).groups()
    assert (int(width), int(height)) == (11 * 17, 8 * 17)
    assert np.array_equal(decoded(base64.b64decode(data))[..., :3], apply(Shaded.of(values[None]).tile(0), "viridis"))


def test_what_is_padded_is_grey_and_the_winner_is_marked():
    panel = table([[1, 2]], padded=np.array([[True, False]]), won=(0, 1))
    html = html_of(panel)
    assert '<span style="background:#a9adb6;color:#000000">1</span><span class="cnnw-won"' in html
    assert panel.marks == [(1, 0, 2, 1)] and panel.pixels[0, 0].tolist() == [0xA9, 0xAD, 0xB6]


def test_tables_stand_in_an_equation():
    assert re.findall(r'margin-top:\d+px">(.)<', tables_html([table([[1]])] * 3)) == ["×", "="]
    assert "cnnw-sign" not in tables_html([table([[1]])])


def test_the_factor_of_small_numbers_and_the_place_are_told():
    found = table([[0.0012]], place=("rows 1", "columns 2 to 3"))
    assert "· × 10⁻³" in html_of(found) and ">1.20<" in html_of(found) and "rows 1, columns 2 to 3" in html_of(found)
    panel = found
    assert (
        panel.heading == "Window · × 10⁻³"
        and panel.texts == [["1.20"]]
        and panel.lines
        == (
            "rows 1",
            "columns 2 to 3",
        )
    )


def test_the_card_has_the_tables_one_above_the_other_and_the_page_all_in_one():
    tables = [table([[1]]), table([[2]]), table([[3]])]
    panel = tables_panel(tables)
    (column,) = Card("t", [panel]).columns
    assert column == tables
    assert panel.box(panel).below.value == html_of(*tables)
