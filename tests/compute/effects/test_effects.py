"""Each channel of a layer is switched off by itself, and what is before the layer runs once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.testing import deep_state, different


class Sums(nn.Module):
    """Two units, x0 + x1 and x0 - x1, and three classes: 2a, 3b, a + b."""

    def __init__(self):
        super().__init__()
        self.units, self.out = nn.Linear(2, 2, bias=False), nn.Linear(2, 3, bias=False)
        self.units.weight.data = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        self.out.weight.data = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])

    def forward(self, x):
        return self.out(self.units(x))


class Skips(nn.Module):
    """A residual network with an in-place ReLU, a concatenation and a shape that its code reads."""

    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(12, 5, 3)
        self.relu, self.norm, self.fc = nn.ReLU(inplace=True), nn.BatchNorm2d(6), nn.Linear(5, 4)

    def forward(self, x):
        x = self.relu(self.stem(x))
        y = self.relu(self.norm(self.a(x)) + x)
        z = self.b(torch.cat([x, y], 1))
        return self.fc(z.mean((2, 3)).view(z.size(0), -1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Skips().eval()


IMAGES = torch.rand(3, 3, 9, 8, generator=torch.Generator().manual_seed(1))
X = torch.tensor([[2.0, 1.0], [1.0, 2.0]])  # units (3, 1) and (3, -1); scores (6, 3, 4) and (6, -3, 2)


def test_effects_are_those_that_a_hand_works_out():
    found = cw.channel_effects(Sums(), X, "units", progress=False)
    assert found.targets.tolist() == [0, 0] and found.whole.tolist() == [6, 6]
    assert found.scores.tolist() == [[0, 6], [0, 6]]
    assert found.change.tolist() == [[6, 0], [6, 0]]
    assert found.most_changed.tolist() == [[0, 1], [0, 1]]
    assert found.most_change.tolist() == [[6, 3], [6, -3]]
    assert found.ranking.tolist() == [0, 1] and found.complete
    other = cw.channel_effects(Sums(), X, "units", target=2, value=2.0, progress=False)
    assert other.scores.tolist() == [[3, 5], [1, 5]]
    mean = cw.channel_effects(Sums(), X, "units", target=1, value="mean", progress=False)
    assert mean.scores.tolist() == [[3, 0], [-3, 0]]  # the mean of the second unit is 0


@pytest.mark.parametrize("layer", ["stem", "a", "norm", "relu:1", "relu:2", "b", "fc"])
def test_they_are_what_an_intervention_on_the_whole_network_gives(model, layer):
    before = deep_state(model)
    found = cw.channel_effects(model, IMAGES, layer, target=2, progress=False)
    assert found.words.startswith(f"what is behind {layer} runs")
    for channel in range(found.scores.shape[1]):
        with cw.intervene(model, {layer: cw.Ablate(channels=channel)}), torch.no_grad():
            expected = model(IMAGES)
        assert torch.allclose(found.scores[:, channel], expected[:, 2], atol=1e-6)
    assert different(before, deep_state(model)) == []


def test_what_is_before_the_layer_runs_once_and_for_the_proof():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 40), nn.Identity(), nn.Linear(40, 60), nn.Linear(60, 3))
    images, passed = torch.rand(1, 3, 2, 2), []
    model[2].register_forward_hook(lambda part, args, output: passed.append(len(output)))
    ablator = cw.ChannelAblator(model, images, "3", batch_size=10)
    assert ablator.words == "what is behind 3 runs: 1 of 5 steps"
    passed.clear()
    first = ablator.step()
    assert passed == [10] and int(first.done.sum()) == 10
    *_, last = ablator
    assert passed == [10] and last.complete


def test_a_first_ranking_takes_a_pass_for_the_scores_and_one_for_the_proof(model):
    passed = []
    model.stem.register_forward_hook(lambda part, args, output: passed.append(len(output)))
    whole = nn.Sequential(model, nn.Linear(4, 20), nn.Linear(20, 3)).eval()
    ablator = cw.ChannelAblator(whole, IMAGES[:1], "1")
    while ablator.done < 8:
        ablator.step()
    assert passed == [1, 1]
    with cw.intervene(whole, {"1": cw.Ablate(channels=7)}), torch.no_grad():
        expected = whole(IMAGES[:1])[0, ablator.result.targets[0]]
    assert torch.allclose(ablator.result.scores[0, 7], expected, atol=1e-6)


def test_a_network_that_cannot_be_traced_runs_whole():
    class Branches(Sums):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    found = cw.channel_effects(Branches(), X, "units", progress=False)
    assert found.words.startswith("the whole network runs: torch.fx cannot trace")
    assert found.scores.tolist() == [[0, 6], [0, 6]]


def test_a_cut_that_gives_other_scores_is_given_up():
    model = Sums()
    model.register_forward_hook(lambda part, args, output: output + 0.5)  # no part of what a trace sees
    found = cw.channel_effects(model, X, "units", progress=False)
    assert found.words == "the whole network runs: what torch.fx traced behind the layer gives other scores"
    assert found.scores.tolist() == [[0.5, 6.5], [0.5, 6.5]]


def test_a_fixed_batch_size_stays_when_a_cut_is_given_up():
    model = Sums()
    model.register_forward_hook(lambda part, args, output: output + 0.5)
    ablator, done = cw.ChannelAblator(model, X, "units", batch_size=1), []
    for _ in ablator:
        done.append(ablator.done)
    assert ablator.words.startswith("the whole network runs") and done == [1, 2, 3, 4]


def test_how_long_an_edit_takes_is_learned_where_the_whole_network_runs_too():
    class Branches(Sums):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    ablator = cw.ChannelAblator(Branches(), X, "units")
    ablator.step(1e-9)
    assert ablator.done == 1
    ablator.step(3600.0)
    assert ablator.done == 4


def test_containers_are_cut_behind_too(model):
    whole = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)), nn.Flatten(), nn.Linear(168, 3)
    ).eval()
    found = cw.channel_effects(whole, IMAGES, "0", target=1, progress=False)
    assert found.words == "what is behind 0 runs: 2 of 4 steps"
    with cw.intervene(whole, {"0": cw.Ablate(channels=3)}):
        assert torch.allclose(found.scores[:, 3], whole(IMAGES)[:, 1], atol=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_a_network_that_mixes_the_images_of_a_batch_gets_one_at_a_time(count):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Flatten(), nn.Linear(168, 3)).eval()
    found = cw.channel_effects(model, IMAGES[:count], "0", target=0, progress=False)
    assert found.words.startswith("what is behind 0 runs")
    with cw.intervene(model, {"0": cw.Ablate(channels=2)}), torch.no_grad():
        expected = torch.cat([model(image) for image in IMAGES[:count].split(1)])
    assert torch.allclose(found.scores[:, 2], expected[:, 0], atol=1e-5)


def test_it_is_stopped_with_what_is_done_and_goes_on(model):
    told = []

    def progress(done, total):
        told.append((done, total))
        return done < 6

    partial = cw.channel_effects(model, IMAGES, "b", batch_size=3, progress=progress)
    assert told == [(3, 15), (6, 15)]
    assert partial.done.tolist() == [True, True, False, False, False] and partial.scores[:, 2:].isnan().all()
    assert sorted(partial.ranking.tolist()) == [0, 1]
    ablator = cw.ChannelAblator(model, IMAGES, "b", batch_size=3)
    ablator.step()
    for _ in ablator:
        break
    assert ablator.done == 6 and "6 of 15 edits done" in repr(ablator)
    *_, last = ablator
    assert torch.equal(last.scores[:, :2], partial.scores[:, :2]) and last.complete


def test_an_interrupt_keeps_what_is_done(model):
    ablator = cw.ChannelAblator(model, IMAGES, "b", batch_size=3)
    ablator.step()
    handle = model.fc.register_forward_pre_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        ablator.step()
    handle.remove()
    assert ablator.done == 3
    assert [*ablator][-1].complete


def interrupt(*_):
    raise KeyboardInterrupt


def test_memory_that_runs_out_halves_the_batch(model):
    ablator = cw.ChannelAblator(model, IMAGES, "b", batch_size=8)
    handle = model.fc.register_forward_pre_hook(full_above_4)
    *_, last = ablator
    handle.remove()
    assert last.complete and ablator._batch.size <= 4


def full_above_4(module, args):
    if len(args[0]) > 4:
        raise RuntimeError("CUDA out of memory")


def test_effects_under_an_intervention_are_those_of_the_edited_network(model):
    with cw.intervene(model, {"stem": cw.Ablate(channels=0)}):
        found = cw.channel_effects(model, IMAGES, "b", target=1, progress=False)
        with torch.no_grad():
            assert torch.allclose(found.whole, model(IMAGES)[:, 1], atol=1e-6)
    assert not torch.allclose(found.whole, model(IMAGES)[:, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layer": "c"}, LookupError, "no layer 'c'"),
        ({"layer": "relu"}, LookupError, "runs 2 times"),
        ({"layer": "b", "target": 4}, ValueError, "no target 4; allowed: 0 to 3"),
        ({"layer": "b", "target": [0, 1]}, ValueError, "target is one class"),
        ({"layer": "b", "value": "median"}, ValueError, "'zero', 'mean', a number"),
        ({"layer": "b", "batch_size": 0}, ValueError, "batch_size"),
    ],
)
def test_what_makes_no_sense_is_refused(model, options, error, words):
    with pytest.raises(error, match=words):
        cw.channel_effects(model, IMAGES, **options, progress=False)


def test_images_must_be_images(model):
    with pytest.raises(TypeError, match="images must be"):
        cw.channel_effects(model, "photo.jpg", "b", progress=False)


def test_a_real_network_needs_for_a_bee_what_plain_pytorch_says(data_root):
    from PIL import Image
    from torchvision import transforms

    model = cw.models.pretrained("resnet18", data_root / "weights" / "resnet18-imagenet-pq.pth").model.eval()
    bee = Image.open(data_root / "hymenoptera_data" / "val" / "bees" / "2438480600_40a1249879.jpg").convert("RGB")
    scaled = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])(bee)
    image = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(scaled)[None]
    pooled = cw.activations(model, image, "layer4").mean((2, 3))[0]
    share = (pooled * model.fc.weight[309]).detach()  # of each channel in the logit of the bee
    found = cw.channel_effects(model, image, "layer4", target=309, progress=False)
    assert found.words == "what is behind layer4 runs: 3 of 69 steps"
    assert torch.allclose(found.change[0], share, atol=1e-4)
    five = share.argsort(descending=True)[:5]
    assert found.ranking[:5].tolist() == five.tolist()
    without = pooled.clone()
    without[five] = 0
    with torch.no_grad():
        assert round(float(model(image).softmax(1)[0, 309]), 3) == 0.957
        with cw.intervene(model, {"layer4": cw.Ablate(channels=five)}):
            bee_without = model(image).softmax(1)[0, 309]
        assert torch.allclose(bee_without, model.fc(without).softmax(0)[309], atol=1e-5)
    assert round(float(bee_without), 3) == 0.331


def test_a_channel_may_be_replaced_by_a_number_of_its_own_or_by_a_map():
    numbers = cw.ChannelAblator(Sums(), X, "units", target=2, value=torch.tensor([1.0, 5.0]))
    assert [found.complete for found in numbers][-1] and numbers.result.scores.tolist() == [[2, 8], [0, 8]]
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(4, 2, bias=False))
    model[2].weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    maps = cw.ChannelAblator(
        model, torch.ones(1, 1, 2, 2), "0", target=0, value=torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    )
    assert maps.step().scores.tolist() == [[9.0]]  # 1 + 4 * 2
    with pytest.raises(ValueError, match=r"must be \(1,\) or \(1, 2, 2\), not \(3,\)"):
        cw.ChannelAblator(model, torch.ones(1, 1, 2, 2), "0", value=torch.zeros(3))


def test_sets_of_channels_are_switched_off_together():
    ablator = cw.ChannelAblator(Sums(), X, "units", target=2)
    assert ablator.without([[], [0], [1], [0, 1]]).tolist() == [[4, 2], [1, -1], [3, 3], [0, 0]]
    skips = Skips().eval()
    sets = [[], [2], [0, 5], [1, 2, 3]]
    found = cw.ChannelAblator(skips, IMAGES, "a", target=1).without(sets)
    for channels, scores in zip(sets, found, strict=True):
        edit = cw.Ablate(channels=channels) if channels else cw.Scale(1.0)
        with torch.no_grad(), cw.intervene(skips, {"a": edit}):
            assert torch.allclose(scores, skips(IMAGES)[:, 1], atol=1e-5)


@pytest.mark.parametrize("layer", ["a", "b"])  # cut where more than the layer is needed, and where it alone is
def test_prepare_is_never_given_no_image_at_all(model, layer):
    def prepare(images):
        return {"x": torch.stack(list(images))}

    found = cw.channel_effects(model, IMAGES, layer, prepare=prepare, progress=False)
    assert torch.equal(found.change, cw.channel_effects(model, IMAGES, layer, progress=False).change)
    units = cw.units_for_class(model, IMAGES, layer, 0, prepare=prepare, progress=False)
    assert units.channels == cw.units_for_class(model, IMAGES, layer, 0, progress=False).channels
