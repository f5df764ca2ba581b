"""Step by step: coarse to fine, stopped and taken up again, out of memory, and nothing of the network changed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cnnwidgets import Occluder, occlusion
from cnnwidgets.compute.core.forward import ForwardError
from cnnwidgets.compute.layers import mixes_images
from cnnwidgets.compute.occlusion import occluder as module

IMAGE = torch.linspace(-1, 1, 3 * 16 * 20).reshape(1, 3, 16, 20)
OPTIONS = {"window": 4, "stride": 2}  # 7 x 9 places


def small_net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 5),
    )


class Viewing(nn.Module):
    """Flattens with `view`, which refuses images that lie channels-last."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 2, 1), nn.Linear(2 * 16 * 20, 3)

    def forward(self, x):
        return self.fc(self.conv(x).view(x.shape[0], -1))


SIZES: list[int] = []


class Limited(nn.Module):
    """Runs out of memory above `most` images. A look writes nothing to the instance, but to its class."""

    def __init__(self, most, error):
        super().__init__()
        self.net, self.most, self.error = small_net(), most, error
        SIZES.clear()

    def forward(self, x):
        if len(x) > self.most:
            raise self.error
        SIZES.append(len(x))
        return self.net(x)


def test_partial_maps_go_from_coarse_to_fine_and_end_with_the_full_one():
    model = small_net().eval()
    maps = list(Occluder(model, IMAGE, **OPTIONS, batch_size=5))
    counts = [int(map_.done.sum()) for map_ in maps]
    assert counts == sorted(counts) and counts[0] <= 4 and counts[-1] == 63
    assert [map_.complete for map_ in maps] == [False] * (len(maps) - 1) + [True]
    assert not maps[0].filled().isnan().any()  # the whole frame at once
    assert maps[0].scores.isnan().sum() == 63 - counts[0]
    assert torch.allclose(maps[-1].scores, occlusion(model, IMAGE, **OPTIONS).scores, atol=1e-6)
    seen = maps[0].done[0]
    assert torch.equal(maps[0].scores[0][seen], maps[-1].scores[0][seen])  # what is done stays


def test_leaving_the_loop_stops_and_iterating_again_goes_on(counted):
    model = small_net().eval()
    calls = counted(model)
    occluder = Occluder(model, IMAGE, **OPTIONS, batch_size=8)
    for _ in occluder:
        if occluder.done > 20:
            break
    stopped, passes = occluder.done, calls[""]
    assert 20 < stopped < occluder.total == 64
    assert occluder.result.done.sum() == stopped - 1
    assert calls[""] == passes  # looking runs nothing
    *_, last = occluder
    assert last.complete and calls[""] < passes + (64 - stopped)
    assert torch.allclose(last.scores, occlusion(model, IMAGE, **OPTIONS, batch_size=3).scores, atol=1e-6)


def test_before_the_first_step_all_is_unknown():
    result = Occluder(small_net(), IMAGE, **OPTIONS).result
    assert result.scores.shape == (1, 7, 9) and result.scores.isnan().all()
    assert result.filled().isnan().all() and not result.done.any() and result.targets is None


@pytest.mark.parametrize("score", ["logit", "probability", lambda output: output[:, 1]])
def test_the_unoccluded_output_is_taken_from_another_occluder_whatever_its_patch(counted, score):
    model = small_net().eval()
    calls = counted(model)
    alone = Occluder(model, IMAGE, window=6, stride=3, score=score)
    first = Occluder(model, IMAGE, **OPTIONS, score=score)
    assert torch.equal(first.whole, alone.whole)
    passes = calls[""]
    other = Occluder(model, IMAGE, window=6, stride=3, score=score)
    assert other.start_from(first) and calls[""] == passes
    assert (other.done, other.result.unoccluded.tolist()) == (1, first.result.unoccluded.tolist())
    *_, found = other
    *_, wanted = alone
    assert torch.equal(found.scores, wanted.scores)
    assert not Occluder(model, IMAGE + 1, **OPTIONS).start_from(first)  # another image
    assert not Occluder(model, IMAGE, **OPTIONS).start_from(Occluder(model, IMAGE))  # which knows nothing yet


def test_the_output_of_an_ordinary_pass_is_taken_only_where_an_own_pass_rounds_alike(counted):
    grey, colour = small_net().eval(), small_net().eval()
    grey[0] = nn.Conv2d(1, 4, 3)
    image = IMAGE[:, :1]
    with torch.inference_mode():
        outputs = grey(image), colour(IMAGE)
    occluder = Occluder(grey, image, **OPTIONS)
    calls = counted(grey)
    assert occluder.start_from(outputs[0]) and torch.equal(occluder.whole, Occluder(grey, image).whole)
    assert calls[""] == 1  # of the other one
    assert not Occluder(colour, IMAGE, **OPTIONS).start_from(outputs[1])  # runs channels-last on the CPU
    assert not Occluder(grey, image, prepare=lambda batch: batch).start_from(outputs[0])
    assert not Occluder(grey, image, layer="0").start_from(outputs[0])
    attending = nn.Sequential(grey, nn.ModuleList([nn.MultiheadAttention(5, 1)]))
    assert not Occluder(attending, image).start_from(outputs[0])


def test_an_output_that_is_no_class_scores_or_has_no_such_target_is_refused_as_that_of_a_pass():
    grey = nn.Conv2d(1, 2, 3)
    with pytest.raises(ValueError, match="not class scores"):
        Occluder(grey, IMAGE[:, :1]).start_from(torch.zeros(1, 2, 14, 18))
    with pytest.raises(ValueError, match="no target 5; allowed: 0 to 1"):
        Occluder(grey, IMAGE[:, :1], target=5).start_from(torch.zeros(1, 2))


def test_another_target_runs_nothing_and_gives_its_own_map(counted):
    model = small_net().eval()
    calls = counted(model)
    occluder = Occluder(model, IMAGE, **OPTIONS, target=1)
    for _ in range(3):
        occluder.step()
    passes = calls[""]
    assert occluder.set_target(3) and calls[""] == passes
    partial = occluder.result
    *_, last = occluder
    assert occluder.set_target([4, 0])
    both, passes = occluder.result, calls[""]
    assert occluder.set_target(None) and calls[""] == passes
    wanted = occlusion(model, IMAGE, **OPTIONS, target=[3, 4, 0])
    assert torch.allclose(last.scores[0], wanted.scores[0, 0], atol=1e-6)
    assert torch.equal(partial.scores[partial.done], last.scores[partial.done])
    assert torch.allclose(both.scores, wanted.scores[:, 1:], atol=1e-6) and both.targets.tolist() == [[4, 0]]
    assert torch.equal(both.unoccluded, wanted.unoccluded[:, 1:])
    assert torch.equal(occluder.result.targets, model(IMAGE).argmax(1))
    with pytest.raises(ValueError, match="no target 5; allowed: 0 to 4"):
        occluder.set_target(5)


def test_where_all_scores_are_too_many_only_the_targets_are_kept(monkeypatch):
    model = small_net().eval()
    monkeypatch.setattr(module, "KEPT", 5 * 63 * 4 - 1)  # classes x places x bytes, less one
    occluder = Occluder(model, IMAGE, **OPTIONS, target=1)
    *_, last = occluder
    assert not occluder.set_target(3) and occluder.result.targets.tolist() == [1]
    assert torch.allclose(last.scores, occlusion(model, IMAGE, **OPTIONS, target=1).scores, atol=1e-6)
    monkeypatch.setattr(module, "KEPT", 5 * 63 * 4)
    occluder = Occluder(model, IMAGE, **OPTIONS, target=1)
    occluder.step()
    assert occluder.set_target(3)


def test_a_step_with_a_time_begins_with_one_image_and_a_finished_one_runs_nothing(counted):
    model = small_net().eval()
    calls = counted(model)
    occluder = Occluder(model, IMAGE, **OPTIONS)
    occluder.step(1e-9)
    occluder.step(1e-9)
    assert occluder.done == 2
    for _ in occluder:
        pass
    passes = calls[""]
    assert occluder.step(0.1).complete and calls[""] == passes


def test_whole_images_of_many_come_first_and_each_keeps_its_own_numbers():
    model, images = small_net().eval(), torch.randn(3, 3, 16, 20)
    together = occlusion(model, images, **OPTIONS, target=1, batch_size=7)
    for index, image in enumerate(images):
        alone = occlusion(model, image, **OPTIONS, target=1)
        assert torch.allclose(together.scores[index], alone.scores[0], atol=1e-6)
    assert torch.allclose(together.unoccluded, model(images)[:, 1], atol=1e-6)


def test_a_patch_at_one_place_gives_the_same_numbers_as_the_map():
    model = small_net().eval()
    occluder = Occluder(model, IMAGE, **OPTIONS, target=2)
    *_, last = occluder
    assert torch.allclose(occluder.at(4, 6)[0, 2], last.scores[0, 2, 3], atol=1e-6)
    assert torch.allclose(occluder.at(-4, 0), model(IMAGE), atol=1e-6)  # wholly outside
    hidden = IMAGE.clone()
    hidden[:, :, :1, 17:] = 0
    assert torch.allclose(occluder.at(-3, 17), model(hidden), atol=1e-6)
    assert torch.equal(occluder.whole.argmax(1), model(IMAGE).argmax(1))


def test_a_patch_at_one_place_of_a_layer_needs_the_whole_image_first():
    model = small_net().eval()
    occluder = Occluder(model, IMAGE, **OPTIONS, layer="0")
    at = occluder.at(4, 6)
    *_, last = occluder
    assert at.shape == (1, 4) and torch.allclose(at[0], last.scores[0, :, 2, 3], atol=1e-6)


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError("no memory"), RuntimeError("CUDA out of memory. Tried")])
def test_out_of_memory_halves_the_batch_and_loses_nothing(error):
    model = Limited(3, error).eval()
    assert not mixes_images(model, IMAGE)
    SIZES.clear()
    found = occlusion(model, IMAGE, **OPTIONS)
    assert max(SIZES) <= 3 and sum(SIZES) == 64
    model.most = 100
    assert torch.allclose(found.scores, occlusion(model, IMAGE, **OPTIONS).scores, atol=1e-6)


def test_memory_that_runs_out_halfway_keeps_what_is_done():
    model = Limited(100, RuntimeError("out of memory")).eval()
    occluder = Occluder(model, IMAGE, **OPTIONS, batch_size=16)
    occluder.step()
    done, model.most = occluder.done, 4
    SIZES.clear()
    *_, last = occluder
    assert last.complete and sum(SIZES) == 64 - done and max(SIZES) <= 4


def test_too_little_memory_for_one_image_is_an_error():
    with pytest.raises(ForwardError, match="out of memory"):
        occlusion(Limited(0, RuntimeError("out of memory")), IMAGE, **OPTIONS)


def test_a_network_that_views_its_maps_is_run_as_usual():
    model = Viewing()
    found = occlusion(model, IMAGE, **OPTIONS, target=0)
    hidden = IMAGE.clone()
    hidden[:, :, 2:6, 4:8] = 0
    assert torch.allclose(found.scores[0, 1, 2], model(hidden)[0, 0], atol=1e-6)


def test_prepare_sees_the_images_with_the_patch():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(1, 1)

        def forward(self, x, *, factor):
            return factor * x.sum((2, 3))

    def prepare(images):
        return {"x": images, "factor": 2.0}

    found = occlusion(Two(), torch.ones(3, 4, 6), window=2, stride=2, target=1, prepare=prepare)
    assert found.change.tolist() == [[[8.0] * 3] * 2]


def break_from(call, error):
    """A hook that raises from its k-th call on."""
    calls = []

    def hook(part, args):
        calls.append(part)
        if len(calls) >= call:
            raise error

    return hook


@pytest.mark.parametrize("options", [{}, {"layer": "2"}, {"score": "probability"}, {"baseline": "noise"}])
def test_a_look_changes_nothing(options, watched):
    model = small_net()
    model[1].eval()  # a mixture of modes
    model(IMAGE).sum().backward()
    image, before = IMAGE.clone(), watched(model)
    occlusion(model, image, window=4, stride=1, **options)  # enough places to fold a copy
    assert watched(model) == before
    assert torch.equal(image, IMAGE)


@pytest.mark.parametrize("error", [ValueError("a trap"), KeyboardInterrupt("a trap")])
@pytest.mark.parametrize("options", [{}, {"layer": "4"}])
def test_an_error_changes_nothing_and_the_work_can_go_on(error, options, watched):
    model = small_net()
    assert not mixes_images(model, IMAGE)
    trap = model[2].register_forward_pre_hook(break_from(3, error))
    before = watched(model)
    occluder = Occluder(model, IMAGE, **OPTIONS, **options, batch_size=9)
    with pytest.raises((ForwardError, KeyboardInterrupt), match="a trap"):
        list(occluder)
    assert occluder.result.done.any()
    assert watched(model) == before
    trap.remove()
    *_, last = occluder
    assert torch.allclose(last.scores, occlusion(model, IMAGE, **OPTIONS, **options).scores, atol=1e-6)


def test_results_are_ordinary_tensors():
    model = small_net()
    found = occlusion(model, IMAGE, **OPTIONS)
    assert not any(tensor.is_inference() for tensor in (found.scores, found.unoccluded, found.upsample()))
    assert not Occluder(model, IMAGE, **OPTIONS).at(0, 0).is_inference()


def test_former_names_still_work():
    occluder = Occluder(small_net().eval(), IMAGE, **OPTIONS, target=1, baseline="mean")
    assert torch.equal(occluder.fill, occluder.baseline)
    occluder.step()
    assert occluder.aim(3) and occluder.result.targets.tolist() == [3]
