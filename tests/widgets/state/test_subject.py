from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.widgets.state import subject as module
from cnnwidgets.widgets.state.subject import Subject
from tests.widgets.conftest import hooks

POOLED = [[[5.0, 7.0], [13.0, 15.0]], [[0.0, -4.0], [-16.0, -20.0]]]
"""Output of `pool` for image 0; image k has k more in the first map, 2 k less in the second."""


@pytest.fixture
def subject(model, dataset, passes) -> Subject:
    return Subject(model, dataset)


def held(subject: Subject) -> int:
    return subject._outputs.bytes


def test_making_a_subject_runs_nothing(subject, passes):
    assert passes() == 0


def test_one_pass_tells_everything_about_an_image(subject, passes):
    look = subject.look(0)
    assert look.modules.names == ["conv", "pool", "flatten", "fc"]
    assert look.item.label == 0
    assert subject.output(0, "pool").tolist() == POOLED
    assert subject.output(0, "conv")[1].flatten().tolist() == [-2.0 * value for value in range(16)]
    assert subject.output(0, "fc").tolist() == [15.0, 0.0, 0.0]
    assert passes() == 1
    assert subject.passes == 1


def test_the_prediction_comes_from_the_same_pass(subject, passes):
    prediction = subject.look(0).prediction
    assert prediction.targets[0] == 0
    assert prediction.probabilities[0] == pytest.approx(1.0, abs=1e-6)
    assert passes() == 1


def test_the_prediction_of_an_item_takes_a_pass_of_which_nothing_is_kept_and_none_where_one_is_known(subject, passes):
    found = subject.prediction(1, subject.items[1])
    assert (found.targets[0], found.shares) == (0, torch.tensor([16.0, -2.0, 0.0]).double().softmax(0).tolist())
    assert (passes(), subject.passes, held(subject)) == (1, 1, 0)
    known = subject.look(0).prediction
    passes()
    assert subject.prediction(0, subject.items[0]) is known
    assert passes() == 0


def test_what_the_network_returned_is_told_where_a_pass_has_been_and_runs_nothing(subject, model, passes):
    item = subject.items[0]
    assert subject.returned(item, 0) is None and passes() == 0
    subject.look(0)
    passes()
    assert subject.returned(item, 0).tolist() == [[15.0, 0.0, 0.0]] and passes() == 0
    assert Subject(model, [(item.image, 0)]).returned(item, 0) is not None  # what looks at the same shares its passes
    assert subject.returned(subject.items[1], 0) is None  # another image
    with torch.no_grad():
        model.fc.weight.mul_(2)
    assert subject.returned(item, 0) is None


def test_a_large_output_or_several_are_not_kept_for_their_scores(dataset):
    class Both(nn.Flatten):
        def forward(self, x):
            return x, x

    for net in (nn.Sequential(Both()), nn.Sequential(nn.Upsample(scale_factor=100))):
        subject = Subject(net, dataset)
        look = subject.look(0)
        assert subject.returned(look.item, 0) is None


def test_a_new_image_takes_one_pass_and_an_old_one_none(subject, passes):
    for index in (0, 1, 0, 1):
        subject.output(index, "pool")
    assert passes() == 2
    assert subject.output(1, "pool").tolist() == [[[6, 8], [14, 16]], [[-2, -6], [-18, -22]]]


def test_known_says_what_needs_no_pass(subject, passes):
    assert not subject.known(0, "pool")
    subject.look(0)
    assert subject.known(0, "pool")
    assert not subject.known(1, "pool")
    assert passes() == 1


def test_an_optimizer_step_makes_the_next_look_run_anew(model, subject, passes):
    before = subject.output(0, "fc")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.fc.weight.grad = torch.zeros_like(model.fc.weight)
    model.fc.weight.grad[2, 0] = -1.0  # one step: unit 2 is now the first number of pooled map 0
    optimizer.step()
    assert not subject.known(0, "fc")
    assert subject.output(0, "fc").tolist() == [15.0, 0.0, 5.0]
    assert before.tolist() == [15.0, 0.0, 0.0]
    assert passes() == 2


def test_loading_weights_makes_the_next_look_run_anew(model, subject, passes):
    subject.look(0)
    model.load_state_dict({name: 2 * value for name, value in model.state_dict().items()})
    assert subject.output(0, "fc").tolist() == [60.0, 0.0, 0.0]
    assert passes() == 2


def test_refresh_forgets_everything(subject, passes):
    subject.look(0)
    subject.refresh()
    assert held(subject) == 0
    assert not subject.known(0, "pool")
    subject.look(0)
    assert passes() == 2


@pytest.mark.parametrize("limit", [0, 12, 100, 128, 200, 10_000])
def test_the_memory_obeys_its_bytes_and_every_output_is_right(model, dataset, limit):
    subject = Subject(model, dataset, cache_bytes=limit)
    for index in (0, 1, 0, 2):
        for layer in ("conv", "pool", "flatten", "fc", "pool"):
            output = subject.output(index, layer)
            assert held(subject) <= limit
            expected = model[: subject.look(index).modules.names.index(layer) + 1](dataset[index][0][None])[0]
            assert torch.equal(output, expected)


def test_without_memory_each_output_takes_a_pass_of_its_own(model, dataset, passes):
    subject = Subject(model, dataset, cache_bytes=0)
    subject.look(0)
    assert passes() == 1
    subject.output(0, "pool")
    subject.output(0, "pool")
    assert passes() == 2


def test_a_pass_for_one_layer_ends_there(model, dataset):
    subject = Subject(model, dataset, cache_bytes=0)
    subject.look(0)
    ran = []
    model.fc.register_forward_hook(lambda *_: ran.append("fc"))
    subject.output(0, "pool")
    assert ran == []


def test_looks_are_remembered_for_a_bounded_number_of_images(model, passes, monkeypatch):
    monkeypatch.setattr(module, "RECENT", 3)
    monkeypatch.setattr("cnnwidgets.widgets.passes.passes.RECENT", 3)
    subject = Subject(model, torch.zeros(9, 1, 4, 4), cache_bytes=0)
    for index in range(5):
        subject.look(index)
    passes()
    subject.look(4)
    subject.look(2)
    assert passes() == 0
    subject.look(1)
    assert passes() == 1


def test_a_container_that_hands_on_its_last_childs_output_is_not_held_twice(dataset):
    model = nn.Sequential()
    model.add_module("block", nn.Sequential(nn.Conv2d(1, 2, 1, bias=False)))
    subject = Subject(model, dataset)
    assert subject.output(0, "block") is not None
    assert held(subject) == 2 * 16 * 4
    assert torch.equal(subject.output(0, "block"), subject.output(0, "block.0"))
    assert subject.passes == 1


def test_looking_leaves_no_hook_and_the_model_in_training_mode(model, subject, passes):
    model.train()
    model.fc.eval()
    subject.output(0, "fc")
    assert hooks(model) == 1  # the counter of this test
    assert [part.training for part in model.children()] == [True, True, True, False]


def test_an_unknown_layer_is_named_with_the_nearest(subject):
    with pytest.raises(LookupError, match=r"no layer 'pol'; did you mean 'pool'\?"):
        subject.output(0, "pol")


def test_the_logits_of_a_network_with_several_outputs_give_the_prediction(dataset):
    class Several(nn.Module):
        def __init__(self):
            super().__init__()
            self.flatten = nn.Flatten()

        def forward(self, images):
            flat = self.flatten(images)
            return {"aux": flat[:, :2], "logits": flat}

    assert Subject(Several(), dataset).look(0).prediction.targets == [15, 14, 13, 12, 11]


def test_what_a_layer_was_given_is_kept_beside_what_it_gave(model, dataset, passes):
    subject = Subject(model, dataset)
    subject.look(2)
    passes()
    passed = subject.passed(2, "pool")
    assert passes() == subject.passes - 1 == 1
    assert passed.module is model.pool and passed.input[0, 0].tolist() == dataset[2][0][0].tolist()
    assert passed.output[0, 0].tolist() == [[7, 9], [15, 17]]
    again = subject.passed(2, "pool")
    assert again.input is passed.input and passes() == 0
    subject.refresh()
    assert subject.passed(2, "pool").input is not passed.input and passes() == 2


def test_a_memory_too_small_runs_the_layer_again(model, dataset, passes):
    subject = Subject(model, dataset, cache_bytes=0)
    found = [subject.passed(1, "fc").output.tolist() for _ in range(2)]
    assert found[0] == found[1] and subject._outputs.bytes == 0
    assert passes() == 3


def test_a_scan_is_of_the_network_as_it_is_and_all_weights_are_read_once_for_each_change(monkeypatch):
    model = cw.models.lenet5()
    subject = Subject(model, cw.data.digits())
    scan = cw.scan(model, torch.utils.data.Subset(cw.data.digits(), range(4)), ["C1"], progress=False)
    asked, differs = [], cw.Scan.differs_from
    monkeypatch.setattr(cw.Scan, "differs_from", lambda self, model: asked.append(1) or differs(self, model))
    assert subject.is_scanned_by(scan) and subject.is_scanned_by(scan) and len(asked) == 1
    subject.refresh()
    assert subject.is_scanned_by(scan) and len(asked) == 2
    with torch.no_grad():
        model.C1.bias += 1
    assert not subject.is_scanned_by(scan) and not subject.is_scanned_by(scan) and len(asked) == 3
    assert not subject.under({"C3": cw.Ablate(channels=[1])}).is_scanned_by(scan)
