from __future__ import annotations

import pytest
import torch

from cnnwidgets.files import put
from cnnwidgets.training.recording.storage import (
    Damaged,
    finite_range,
    halved,
    head,
    pack,
    read,
)


@pytest.mark.parametrize("values", [[1.0, -65504.0], [0.1, 1e-9], [torch.nan, torch.inf, 1.0], [torch.nan], [0.0]])
def test_float16_is_taken_where_it_is_precise_enough(values):
    assert halved(torch.tensor(values)).dtype == torch.float16


@pytest.mark.parametrize("values", [[1e5], [1e-9, -1e-9], [1.0, 70000.0]])
def test_float16_is_not_taken_where_numbers_would_overflow_or_vanish(values):
    assert halved(torch.tensor(values)).dtype == torch.float32


def test_ranges_leave_out_what_is_not_finite():
    assert finite_range(torch.tensor([3.0, torch.nan, -2.0, torch.inf])) == (-2, 3)
    assert finite_range(torch.tensor([torch.nan])) is None
    assert finite_range(torch.tensor([True, False])) == (0, 1)


def test_the_head_tells_all_without_the_numbers(tmp_path):
    put(tmp_path / "a", pack({"x": torch.arange(6.0).reshape(2, 3)}, {"epoch": 3, "loss": float("inf")}))
    found = head(tmp_path / "a")
    assert found.about == {"epoch": 3, "loss": float("inf")}
    assert found.shapes == {"x": (2, 3)}
    assert found.size == (tmp_path / "a").stat().st_size
    assert read(tmp_path / "a", "x", 1).tolist() == [3, 4, 5]


@pytest.mark.parametrize("data", [b"", b"not tensors at all", b"\x02" + bytes(7) + b"[]", b"\x04" + bytes(7) + b'{"a"'])
def test_what_is_no_file_of_tensors_is_refused(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Damaged):
        head(tmp_path / "a")
