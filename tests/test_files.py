from __future__ import annotations

import pytest

from cnnwidgets.files import parsed_bytes, readable


@pytest.mark.parametrize(
    ("text", "count"),
    [("512MB", 512_000_000), ("2 GB", 2 * 10**9), ("100KiB", 102_400), ("1.5kb", 1500), (7, 7), ("12", 12)],
)
def test_a_budget_is_read_as_people_write_it(text, count):
    assert parsed_bytes(text) == count


@pytest.mark.parametrize("text", ["", "MB", "-3MB", "0", 0, -1, "1.2.3MB", "3 XB", None, True, float("nan")])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match="allowed: a number of bytes"):
        parsed_bytes(text)


def test_bytes_are_told_with_a_unit():
    assert [readable(count) for count in (12, 3_210, 5e8, 2e9)] == ["12 bytes", "3.21 kB", "500 MB", "2 GB"]
