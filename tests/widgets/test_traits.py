from __future__ import annotations

import numpy as np
import pytest
import torch
import traitlets as T

from cnnwidgets.widgets.traits import Whole


class Holder(T.HasTraits):
    number = Whole(0)


@pytest.mark.parametrize("value", [7, np.int64(7), np.uint8(7), torch.tensor(7)])
def test_whole_numbers_of_numpy_and_torch_become_plain_ones(value):
    holder = Holder(number=value)
    assert type(holder.number) is int and holder.number == 7


@pytest.mark.parametrize("value", ["7", 7.5, None, np.arange(2), torch.tensor([1.5, 2.5])])
def test_anything_else_is_refused_by_the_name_of_the_trait(value):
    with pytest.raises(T.TraitError, match="number"):
        Holder(number=value)
