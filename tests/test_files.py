from __future__ import annotations

import pytest

from cnnwidgets.files import checked_version, parsed_bytes, readable, seal_holds, sealed


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


def test_a_seal_holds_until_any_bit_of_the_text_changes():
    text = sealed(b'{"a": 1, "crc32": "00000000", "b": [2, "crc"]}')
    assert seal_holds(text) is True
    for at in range(len(text)):
        for bit in range(8):
            changed = bytearray(text)
            changed[at] ^= 1 << bit
            assert not seal_holds(bytes(changed))


def test_a_text_without_a_seal_is_known_and_cannot_be_sealed():
    assert seal_holds(b'{"a": 1}') is None
    for text in (b'{"a": 1}', b'{"crc32": "12345678"}'):
        with pytest.raises(ValueError, match="to take the checksum"):
            sealed(text)


class Damaged(ValueError):
    """What is no version."""


@pytest.mark.parametrize(
    ("told", "version"), [({"version": 2}, 2), ({"version": 1}, 1), ({"version": 9, "needs": 2}, 9)]
)
def test_a_file_is_read_that_needs_no_later_reader(told, version):
    assert checked_version(told, 2, "the file") == version


def test_a_later_file_and_what_is_no_version_are_told_apart():
    with pytest.raises(ValueError, match="the file has version 4 and needs a cnnwidgets that reads version 3; this"):
        checked_version({"version": 4, "needs": 3}, 2, "the file", Damaged)
    for told in ({}, {"version": "1"}, {"version": 1, "needs": 0}, {"version": 1, "needs": None}):
        with pytest.raises(Damaged, match="the file is damaged: it has version"):
            checked_version(told, 2, "the file", Damaged)
