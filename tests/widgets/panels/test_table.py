from __future__ import annotations

import base64
import re

import numpy as np

from cnnwidgets.render.color.colormap import apply
from cnnwidgets.render.color.shaded import Shaded
from cnnwidgets.widgets.panels.table import Table, tables_html
from tests.widgets.conftest import decoded


def table(values: object, **options: object) -> Table:
    cells = np.array(values, float)
    return Table.of("Window", cells, Shaded.of(cells[None]), **options)


def test_each_cell_has_its_number_on_its_colour():
    found = re.findall(r'<span style="background:(#\w+);color:(#\w+)">([^<]+)</span>', table([[0, 1], [2, 3]]).html())
    colors = apply(Shaded.of(np.arange(4.0).reshape(1, 2, 2)).tile(0), "viridis").reshape(4, 3)
    assert found == [
        (f"#{color.tobytes().hex()}", ink, text)
        for color, ink, text in zip(colors, ("#ffffff", "#ffffff", "#000000", "#000000"), "0123", strict=True)
    ]


def test_a_map_too_large_for_numbers_is_a_picture():
    values = np.arange(88.0).reshape(8, 11)
    html = table(values).html()
    assert "<span style=" not in html
    data, width, height = re.search(r'base64,([^"]+)" width="(\d+)" height="(\d+)"', html).groups()
    assert (int(width), int(height)) == (11 * 17, 8 * 17)
    assert np.array_equal(decoded(base64.b64decode(data))[..., :3], apply(Shaded.of(values[None]).tile(0), "viridis"))


def test_what_is_padded_is_grey_and_the_winner_is_marked():
    html = table([[1, 2]], padded=np.array([[True, False]]), won=(0, 1)).html()
    assert '<span style="background:#a9adb6;color:#000000">1</span><span class="cnnw-won"' in html


def test_tables_stand_in_an_equation():
    assert re.findall(r'margin-top:\d+px">(.)<', tables_html([table([[1]])] * 3)) == ["×", "="]
    assert "cnnw-sign" not in tables_html([table([[1]])])


def test_the_factor_of_small_numbers_and_the_place_are_told():
    found = table([[0.0012]], place=("rows 1", "columns 2 to 3"))
    assert "· × 10⁻³" in found.html() and ">1.20<" in found.html() and "rows 1, columns 2 to 3" in found.html()
    panel = found.static()
    assert (
        panel.heading == "Window · × 10⁻³"
        and panel.texts == [["1.20"]]
        and panel.lines
        == (
            "rows 1",
            "columns 2 to 3",
        )
    )
