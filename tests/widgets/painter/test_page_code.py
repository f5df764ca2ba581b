"""The JavaScript of the painter, in Node, against what Python makes of the same numbers."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnwidgets.render.color import (
    SIGNS,
    Heat,
    Quantised,
    Shaded,
    finite_ends,
    overlay,
    palette,
    reduced,
    to_uint8,
    value_ranges,
)
from cnnwidgets.render.mosaic import Grid, mosaic
from cnnwidgets.widgets.painter import Numbers, code
from cnnwidgets.widgets.painter.exported import packed, script
from cnnwidgets.widgets.surface import markup, number
from tests.widgets.conftest import exported_by, passes_in_node

HERE = Path(__file__).parent
NODE = shutil.which("node")
SCALES: list[Any] = ["map", "layer", "layer-full", (-0.5, 1.25)]

rng = np.random.default_rng(0)


def kinds() -> dict[str, tuple[np.ndarray, tuple[int, int] | None]]:
    """Maps of every kind, and the size at which they are drawn."""
    normal = rng.standard_normal((5, 12, 11)).astype(np.float32)
    broken = normal.copy()
    broken[0, 0, :3] = np.nan, np.inf, -np.inf
    broken[1] = np.nan
    return {
        "signed": (normal, None),
        "positive": (np.maximum(normal, 0), None),
        "negative": (-np.maximum(normal, 0) - 1, None),
        "constant": (np.stack([np.full((3, 3), value, np.float32) for value in (0, 2, -3)]), None),
        "not finite": (broken, None),
        "float16": (normal.astype(np.float16), None),
        "float64": (normal.astype(np.float64) * 1e-9, None),
        "huge": (normal.astype(np.float64) * 1e305, None),
        "largest": (1.7e308 * np.linspace(-1, 1, 100).reshape(2, 5, 10), None),
        "tiny": (normal.astype(np.float64) * 1e-300, None),
        "bool": (normal > 0, None),
        "uint8": (rng.integers(0, 256, (3, 9, 9), np.uint8), None),
        "int64": (rng.integers(-(10**6), 10**6, (3, 9, 9)), None),
        "one pixel": (normal[:, :1, :1], None),
        "outliers": (np.concatenate([normal.repeat(8, 1), 500 * np.ones((1, 96, 11), np.float32)]), None),
        "reduced": (rng.standard_normal((12, 112, 112)).astype(np.float32), (56, 56)),
        "reduced unevenly": (broken, (5, 4)),
    }


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def plain(value: float) -> float | str:
    """A number as JSON can hold it."""
    return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def layer_vector(name: str, maps: np.ndarray, size: tuple[int, int] | None) -> dict[str, Any]:
    numbers = Numbers(maps, size, extra=[("class token", np.arange(len(maps)) / 7)])
    header, buffers = numbers.message(1, deflate=name != "signed")
    tiles = Quantised.of(maps if size is None else reduced(maps, *size))
    values, pictures = tiles.values(), []
    for scale in SCALES:
        for centred in (False, True):
            one = "layer" if scale == "map" and maps.shape[1:] == (1, 1) else scale
            levels = to_uint8(values, value_ranges(maps, one, symmetric=centred))
            for columns in (0, 2):
                grid = Grid.fit(*maps.shape, columns=columns or None, room=480)
                if size is not None:
                    grid = Grid(len(maps), *size, grid.columns, 1, max(1, round(0.06 * min(size))))
                picture = np.ascontiguousarray(mosaic(levels, grid))
                pictures.append(
                    {
                        "scale": scale,
                        "centred": centred,
                        "columns": columns,
                        "shape": picture.shape,
                        "pixels": encoded(picture.tobytes()),
                    }
                )
    map_header, map_buffers = numbers.map(1, deflate=True)
    return {
        "name": name,
        "header": header,
        "buffers": [encoded(each) for each in buffers],
        "values": [plain(value) for value in values.ravel().tolist()],
        "pictures": pictures,
        "signed": bool((maps < 0).any()),
        "facts": [facts(maps, channel) for channel in range(len(maps))],
        "words": words(maps, whole=size is None),
        "packed": packed(header, buffers),
        "map": {"header": map_header, "buffers": [encoded(each) for each in map_buffers]},
    }


def words(maps: np.ndarray, *, whole: bool) -> list[list[Any]]:
    """What the status line of a view says of each scale; of maps that are reduced, not how many values lie beyond."""
    found = []
    for scale in SCALES if whole else SCALES[:3]:
        for colormap in ("viridis", "RdBu_r"):
            shaded = Shaded.of(maps, colormap=colormap, scale=scale)
            found.append([scale, colormap == "RdBu_r", markup.scale_words(shaded, scale)])
    return found


def heat_vector(maps: np.ndarray, sign: str, outliers: float, colormap: str, opacity: float) -> dict[str, Any]:
    """A map over a grey picture, as `render` draws the values that a page has."""
    grey = rng.integers(0, 256, maps.shape, np.uint8)
    heat = Heat.of(Quantised.of(maps).values()[0], sign=sign, outliers=outliers, colormap=colormap)
    picture = overlay(grey[0][..., None].repeat(3, 2), heat.pixels, heat.weight(opacity))
    low, middle, high = heat.ends()
    sent = {
        name: {"header": header, "buffers": [encoded(each) for each in buffers]}
        for name, (header, buffers) in {"map": Numbers(maps).message(0), "grey": Numbers(grey).message(0)}.items()
    }
    return sent | {
        "state": {"sign": sign, "outliers": outliers, "opacity": opacity},
        "colors": encoded(palette(heat.colormap).tobytes()),
        "centred": heat.centred,
        "limit": heat.limit,
        "pixels": encoded(picture.tobytes()),
        "texts": [number(low), *(["0"] if middle is not None else []), number(high)],
        "words": markup.heat_words(sign, outliers),
    }


def heats() -> list[dict[str, Any]]:
    map_ = (rng.standard_normal((1, 24, 20)) ** 3).astype(np.float32)
    options = [
        (sign, outliers, colormap, opacity)
        for sign in SIGNS
        for outliers, colormap, opacity in ((2.0, "auto", 0.8), (0.0, "magma", 1.0), (37.5, "coolwarm", 0.35))
    ]
    found = [heat_vector(map_, *each) for each in options]
    return [*found, *(heat_vector(np.full((1, 3, 4), value, np.float32), "all", 2.0, "auto", 0.5) for value in (0, -2))]


def facts(maps: np.ndarray, channel: int) -> list[list[str]]:
    """What the panel of a notebook without a page that paints says."""
    low, high = (ends[channel] for ends in finite_ends(maps))
    finite = np.isfinite(maps[channel])
    rows = [["range", "no finite value"]]
    if finite.any():
        with np.errstate(over="ignore"):
            mean = float(maps[channel][finite].mean(dtype=np.float64))
        rows = [["range", f"{number(low)} … {number(high)}"], ["mean", number(mean)]]
    if not finite.all():
        rows.append(["not finite", f"{(~finite).sum():,} of {finite.size:,} pixels"])
    return [*rows, ["class token", number(channel / 7, 5)]]


def vectors() -> dict[str, Any]:
    values = [0.0, -0.0, 1, -1, 0.125, 1.125, 2.5, 1234.5, 12345, 0.00012345, 0.000012345, 1e-310, 1e300, 1 / 3, 99.95]
    values += [math.nan, math.inf, -math.inf, 999.5, 9995, 0.9995, 100, 1e5, -2.675, 5e-324]
    values += [float(value) for value in np.concatenate([rng.standard_normal(200), 10 ** rng.uniform(-8, 8, 200)])]
    grids = []
    for count, height, width, columns in [
        *[
            (count, side, side, 0)
            for count in (1, 2, 3, 5, 16, 64, 120, 512, 2048)
            for side in (1, 7, 14, 28, 112, 300)
        ],
        *[(10, 5, 30, 0), (10, 30, 5, 0), (7, 28, 28, 3), (7, 28, 28, 30), (1, 4096, 4096, 0)],
    ]:
        grid = Grid.fit(count, height, width, columns=columns or None, room=480)
        names = ("count", "height", "width", "columns", "zoom", "gap")
        grids.append([count, height, width, columns, 480, {name: getattr(grid, name) for name in names}])
    return {
        "numbers": [[plain(value), digits, number(value, digits)] for value in values for digits in (1, 2, 3, 5)],
        "beyond": [[share, markup.beyond_words(share)] for share in (0, 1e-6, 0.005, 0.01, 0.5, 0.999, 0.99999, 1)],
        "layers": [layer_vector(name, *kind) for name, kind in kinds().items()],
        "heats": heats(),
        "grids": grids,
        "factors": [
            [945, 900, 480, 0, 480 / 945],
            [83, 62, 480, 0, 5],
            [28, 28, 288, 288, 10],
            [10, 300, 288, 288, 0.96],
        ],
    }


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_page_computes_what_python_computes(tmp_path, file):
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(vectors()))
    passes_in_node(HERE / file, VECTORS=str(path))


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_is_one_module_that_imports_nothing(tmp_path):
    exported = exported_by(code(), tmp_path / "painter.mjs")
    assert exported.split() == ["[", "'default'", "]", "[", "'initialize',", "'render'", "]"]
    assert "import {" not in code()


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_code_of_an_exported_page_is_one_function_that_leaves_no_name_behind():
    program = (
        "const before = Object.keys(globalThis).join();\n"
        f"const exported = {script()};\n"
        "console.log(typeof exported, exported.name, before === Object.keys(globalThis).join());"
    )
    done = subprocess.run([NODE, "--input-type=commonjs"], input=program, capture_output=True, text=True)
    assert done.stdout.split() == ["function", "exported", "true"], done.stderr
    assert "</script" not in script() and "<!--" not in script()
