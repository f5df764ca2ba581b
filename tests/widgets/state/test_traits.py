from __future__ import annotations

import numpy as np
import pytest
import torch
import traitlets as T

from cnnwidgets.widgets.state.traits import Given, Whole


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


def test_what_must_be_given_lets_the_validator_judge_none_too():
    class Fussy(T.HasTraits):
        thing = Given(0)

        @T.validate("thing")
        def _judge(self, proposal):
            if proposal["value"] is None:
                raise ValueError("not None")
            return proposal["value"]

    holder = Fussy(thing="x")
    with pytest.raises(ValueError, match="not None"):
        holder.thing = None
    assert holder.thing == "x"
