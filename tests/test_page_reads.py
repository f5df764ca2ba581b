"""A browser test reads a page only while it waits: page and kernel are two clocks, and a page may be drawn anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "browser").glob("test_*.py"))
READS = {
    *("all_inner_texts", "all_text_contents", "bounding_box", "count", "get_attribute", "inner_html", "inner_text"),
    *("input_value", "is_checked", "is_disabled", "is_enabled", "is_hidden", "is_visible", "text_content"),
    "shown_pixels",
}
"""What looks at a page once: in place of a test, `expect`, `becomes`, `wait_until` or `soon` looks again and again."""


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Those of a function, without those of functions within it, which something else may call again and again."""
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, ast.FunctionDef):
            if isinstance(part, ast.stmt):
                yield part
            yield from statements(part)


def reads(expression: ast.AST) -> set[str]:
    """The names in an expression that read a page; `count` with an argument is that of a list."""
    calls = [part for part in ast.walk(expression) if isinstance(part, ast.Call)]
    names = [(getattr(call.func, "attr", getattr(call.func, "id", "")), call.args) for call in calls]
    return {name for name, given in names if name in READS and not (name == "count" and given)}


def once(source: str) -> list[str]:
    """Where tests assert on one look at a page, or keep a box for which `steady` would wait until it stands still."""
    found = []
    for test in ast.walk(ast.parse(source)):
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
            for part in statements(test):
                if isinstance(part, ast.Assert):
                    found += [f"line {part.lineno}: {name}" for name in sorted(reads(part.test))]
                elif isinstance(part, ast.Assign):
                    found += [f"line {part.lineno}: {name}" for name in reads(part.value) & {"bounding_box"}]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_page_is_read_only_while_it_is_waited_for(file):
    assert once(file.read_text(encoding="utf-8")) == []


def test_a_single_look_is_found():
    source = """
def test_it(page):
    assert page.locator("b").count() == 1
    box = page.locator("b").bounding_box()

    def check():
        assert page.locator("b").inner_text() == "one"

    soon(page, check, "one")
    wait_until(page, lambda: page.locator("b").bounding_box() is not None, "a box")
    assert sent.count("layer") == 1
"""
    assert once(source) == ["line 3: count", "line 4: bounding_box"]
