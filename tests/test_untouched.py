"""Whatever is looked at trains on as if nobody had looked."""

from __future__ import annotations

import pytest
import torch

from cnnwidgets.testing import deep_state, different, values_of
from tests.random_networks import network
from tests.untouched import Looks, Training

NETWORKS, LOOKS = 30, 10


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_a_network_that_is_looked_at_trains_like_its_twin_to_the_bit(seed):
    check(seed, LOOKS)


def check(seed: int, count: int) -> None:
    """`count` random looks at a random network, in training and in evaluation mode, before and between its steps."""
    model, twin = network(seed), network(seed)
    assert values_of(model) == values_of(twin)
    trainings = Training(model, seed), Training(twin, seed)
    looks = Looks(model, seed)
    for number in range(count):
        if looks.chance.random() < 0.3:
            model.train(number % 2 == 0)
            twin.train(number % 2 == 0)
        before = deep_state(model)
        name = looks.look()
        changed = different(before, deep_state(model))
        assert not changed, f"seed {seed}, look {number} ({name}) changed {changed[:5]}"
        if looks.chance.random() < 0.4:
            for training in trainings:
                training.model.train()
                training.step()
    for training in trainings:
        training.model.train()
        training.step()
    mine, other = (training.validate() for training in trainings)
    assert torch.equal(mine, other), f"seed {seed}: another output than the twin"
    changed = different(values_of(model), values_of(twin))
    assert not changed, f"seed {seed}: other than the twin in {changed[:5]}"
    looks.close()
