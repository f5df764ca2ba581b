"""Every question and its answer come from the network: each is held against plain PyTorch."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
import torch
from torch import nn
from torch.nn import functional

import cnnwidgets as cw
from cnnwidgets.compute.lessons import TOPICS, NothingToAsk, ask
from cnnwidgets.compute.lessons.learning import losses
from cnnwidgets.testing.state import deep_state, different

DIGITS = cw.data.digits()
SEEDS = range(3)


@pytest.fixture(scope="module")
def subject():
    return cw.Subject(cw.models.lenet5(pretrained=True), DIGITS)


def one(subject, topic, seed=0, **options):
    (question,) = ask(subject, [topic], seed=seed, **options).questions
    return question


def image(question):
    return DIGITS[question.opens[1]["index"]][0]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_filter_makes_the_map_and_no_other_one_does(subject, seed):
    question = one(subject, "filters", seed)
    made = [
        functional.conv2d(image(question), choice.picture.values[None], padding=2)[0] for choice in question.choices
    ]
    map_ = question.shown[1].values
    off = [float((each - map_ - (each - map_).mean()).abs().max()) for each in made]  # the bias aside
    assert off[0] < 1e-5 and min(off[1:]) > 0.05


def test_the_wrong_filters_are_those_most_similar_to_the_right_one(subject):
    question = one(subject, "filters")
    weights = subject.module.C1.weight.detach().flatten(1)
    at = int(question.right.said.split()[1])
    close = functional.cosine_similarity(weights, weights[at][None]).argsort(descending=True).tolist()
    assert [int(choice.said.split()[1]) for choice in question.wrong] == [each for each in close if each != at][:3]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_map_is_what_the_filter_makes_of_the_image(subject, seed):
    question = one(subject, "feature_maps", seed)
    made = functional.conv2d(image(question), question.shown[1].values[None], padding=2)[0]
    off = [choice.picture.values - made for choice in question.choices]
    spread = [float((each - each.mean()).abs().max()) for each in off]
    assert spread[0] < 1e-5 and min(spread[1:]) > 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_relu_and_pooling_are_what_pytorch_makes_of_the_map_that_is_shown(subject, seed):
    question = one(subject, "relu", seed)
    assert question.right.picture.values.equal(functional.relu(question.shown[0].values))
    assert question.wrong[0].picture.values.equal(question.shown[0].values.clamp(max=0))
    question = one(subject, "pooling", seed)
    map_ = question.shown[1].values[None]
    assert question.right.picture.values.equal(functional.max_pool2d(map_, 2)[0])
    assert question.wrong[0].picture.values.equal(functional.avg_pool2d(map_, 2)[0])


def test_sizes_are_those_that_the_layers_put_out(subject):
    padded, strided = one(subject, "padding"), one(subject, "stride")
    assert [choice.text for choice in padded.choices] == ["28 × 28", "24 × 24", "30 × 30", "32 × 32"]
    sizes = {"S2": "14 × 14", "S4": "5 × 5"}
    assert strided.right.text == sizes[strided.opens[1]["layer"]]
    assert functional.conv2d(torch.zeros(1, 1, 28, 28), torch.zeros(1, 1, 5, 5), padding=0).shape[2] == 24


def pair(words):
    numbers = [int(each) for each in re.findall(r"\d+", words)]
    return tuple(numbers) if len(numbers) == 2 else (numbers[0], numbers[0])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("topic", ["padding", "stride"])
@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(1, 2, (3, 5), (2, 1), (1, 2)), nn.AvgPool2d((2, 3), (1, 2), (0, 1))),
        nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1, padding_mode="reflect"), nn.MaxPool2d((1, 3), (1, 2), ceil_mode=True)),
        nn.Sequential(nn.Conv2d(1, 2, 2, (1, 2)), nn.Conv2d(2, 2, 3, dilation=2, padding=2), nn.Conv2d(2, 2, 1, 3)),
    ],
)
def test_the_size_of_a_map_follows_from_the_words_alone(model, topic, seed):
    question = one(cw.Subject(model, torch.rand(4, 1, 14, 17)), topic, seed)
    given = pair(re.search(r"over (.+?) numbers", question.ask)[1])
    window = pair(re.search(r"window of (\d+ × \d+)", question.ask)[1])
    step = pair(re.search(r", ([^,]+) at a time", question.ask)[1])
    named = re.search(r" at a time \(stride (.+?)\)\.", question.ask)
    assert bool(named) == (topic == "stride") and (not named or pair(named[1]) == step)
    padded = re.search(r"\(padding (.+?)\) ?,", question.ask)
    pad = pair(padded[1]) if padded else (0, 0)
    made = functional.conv2d(torch.zeros(1, 1, *given), torch.zeros(1, 1, *window), stride=step, padding=pad)
    assert pair(question.right.text) == made.shape[2:]
    assert ("zeros" in question.ask) == bool(padded and "reflect" not in str(model)), question.ask
    for at, axis in enumerate(("rows", "columns")):  # the reason counts what there is, of both axes where they differ
        if f"{axis}. The" in question.why:
            there = given[at] + 2 * pad[at]
            assert f"{there} {axis}. The window of {window[at]} fits into them at ({there} − " in question.why
    assert ("columns. The" in question.why) == (len({*zip(given, window, step, pad, strict=True)}) == 2)


def test_average_pooling_is_asked_about_where_it_is_the_mean_of_what_the_window_lies_on():
    data = torch.rand(4, 1, 12, 15)
    first = nn.Conv2d(1, 3, 1)
    question = one(cw.Subject(nn.Sequential(first, nn.AvgPool2d((2, 3), (1, 2), (0, 1))), data), "pooling")
    map_ = question.shown[1].values[None]
    assert question.right.picture.values.allclose(functional.avg_pool2d(map_, (2, 3), (1, 2), (0, 1))[0])
    assert "1 down and 2 across at a time" in question.ask and "zeros, which count" in question.why
    for other in ({"count_include_pad": False}, {"divisor_override": 2}):
        asked = ask(cw.Subject(nn.Sequential(first, nn.AvgPool2d(3, 2, 1, **other)), data), ["pooling"])
        assert "no max or average pooling" in asked.left_out["pooling"]


def test_a_unit_that_skips_pixels_is_not_said_to_see_a_box():
    dilated = nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 2))
    subject = cw.Subject(dilated, torch.rand(4, 1, 24, 24))
    assert "with gaps (dilation)" in ask(subject, ["receptive_field"]).left_out["receptive_field"]
    # windows of 2 before it leave none: a unit reads places 2 apart, each of which sees 2 pixels
    covered = nn.Sequential(nn.Conv2d(1, 1, 2), *dilated)
    for weight in covered.parameters():
        nn.init.ones_(weight)
    question = one(cw.Subject(covered, torch.rand(4, 1, 24, 24)), "receptive_field", 1, layer="1")
    pixels = torch.zeros(1, 24, 24, requires_grad=True)
    covered[:2](pixels)[0][question.opens[1]["unit"]].backward()
    left, top, right, bottom = map(int, question.right.box)
    assert bool((pixels.grad[0, top:bottom, left:right] > 0).all())


def test_filters_that_see_a_part_of_the_channels_are_not_asked_about():
    grouped = nn.Sequential(nn.Conv2d(3, 6, 3, groups=3))
    asked = ask(cw.Subject(grouped, torch.rand(4, 3, 8, 8)), ["filters", "feature_maps"])
    assert asked.questions == [] and all("(groups)" in reason for reason in asked.left_out.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_unit_depends_on_the_pixels_in_the_right_box_and_on_no_other(seed):
    model = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 2, 3))
    for weight in model.parameters():
        nn.init.ones_(weight)
    question = one(cw.Subject(model, torch.rand(4, 1, 24, 24)), "receptive_field", seed, layer="1")
    pixels = torch.zeros(1, 24, 24, requires_grad=True)
    (row, column), channel = question.opens[1]["unit"], question.opens[1]["channel"]
    model(pixels)[channel, row, column].backward()
    seen = pixels.grad[0].nonzero()
    left, top, right, bottom = question.right.box
    assert seen.amin(0).tolist() == [top, left] and seen.amax(0).tolist() == [bottom - 1, right - 1]
    assert len({choice.box for choice in question.choices}) == len(question.choices) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_part_takes_most_from_the_score_when_it_is_covered(subject, seed):
    question = one(subject, "occlusion", seed)
    model, given = subject.module, image(question)
    whole, drops = model(given[None])[0], []
    for choice in question.choices:
        left, top, right, bottom = map(int, choice.box)
        covered = given.clone()
        covered[:, top:bottom, left:right] = 0
        drops.append(float((whole - model(covered[None])[0])[whole.argmax()].detach()))
    assert drops[0] > 0 and max(drops[1:]) <= 0.8 * drops[0] + 1e-4


def test_differences_of_rounding_are_not_asked_about():
    # the mean of all places is the same wherever a patch lies on a plain image: drops differ by rounding alone
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    nn.init.constant_(model[0].weight, 1e-7)
    asked = ask(
        cw.Subject(model, torch.full((4, 1, 12, 12), 0.5)), ["occlusion", "channels", "filters", "feature_maps"]
    )
    assert "no part of image" in asked.left_out["occlusion"] and "counts clearly more" in asked.left_out["occlusion"]
    assert "are the same everywhere" in asked.left_out["filters"] and "feature_maps" in asked.left_out
    nn.init.zeros_(model[3].weight)
    model[3].weight.data[:, 0] = torch.tensor([1e-7, 2e-7, 3e-7])
    asked = ask(cw.Subject(model, torch.rand(4, 1, 12, 12)), ["channels"])
    assert "no channel that was tried takes clearly more" in asked.left_out["channels"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_class_loses_most_without_the_channel(subject, seed):
    question = one(subject, "channels", seed)
    opened, output = question.opens[1], image(question)[None]
    whole = subject.module(output)[0]
    for name, layer in subject.module.named_children():
        output = layer(output)
        if name == opened["layer"]:
            output[:, opened["channel"]] = 0
    lost = (output[0] - whole).tolist()
    assert question.right.text == f"class {lost.index(min(lost))}"
    assert all(lost[int(choice.text.split()[1])] > min(lost) for choice in question.wrong)


def test_the_probability_is_that_of_softmax(subject):
    question = one(subject, "softmax")
    shares = subject.module(image(question)[None])[0].softmax(0)
    assert question.right.text == f"{100 * float(shares.max()):.1f} %"


def test_a_small_probability_keeps_its_digits():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 20_000))
    for weight in model.parameters():
        nn.init.zeros_(weight)
    model[1].bias.data[7] = 0.5
    question = one(cw.Subject(model, torch.rand(3, 1, 4, 4)), "softmax")
    assert question.right.text == f"{100 * math.exp(0.5) / (19_999 + math.exp(0.5)):.3g} %" == "0.00824 %"


def test_the_loss_of_a_layer_that_learns_is_worked_out_by_hand():
    # two images, each with a number of its own: the first step moves each score by a quarter
    found = losses(torch.eye(2), torch.tensor([0, 1]), 1.0, 1)
    assert found.tolist() == pytest.approx([0.69315, 0.47408], abs=1e-5)


def test_the_right_curve_is_that_of_the_learning_rate_in_the_question(subject):
    question = one(subject, "training")
    rates = [float(choice.said.split()[-1]) for choice in question.choices]
    assert f"learning rate {rates[0]:g}?" in question.ask and len(set(rates)) == len(rates) >= 3
    falls = [float(choice.picture.values[3]) for _, choice in sorted(zip(rates, question.choices, strict=True))]
    assert falls[0] > falls[1]  # the smallest rate is slower than the next one


def test_a_seed_gives_the_same_questions_whatever_is_asked_beside_them(subject):
    alone = ask(subject, ["pooling"], seed=4, count=2).questions
    among = [
        each for each in ask(subject, ["filters", "pooling"], seed=4, count=2).questions if each.topic == "pooling"
    ]
    assert [each.opens for each in alone] == [each.opens for each in among]
    assert [each.opens for each in alone] != [
        each.opens for each in ask(subject, ["pooling"], seed=5, count=2).questions
    ]


def test_topics_take_turns(subject):
    asked = ask(subject, ["filters", "stride", "relu"], count=2)
    assert [each.topic for each in asked.questions] == ["filters", "stride", "relu", "filters", "stride", "relu"]


def test_asking_changes_nothing_in_the_network():
    model = cw.models.lenet5(pretrained=True).train()
    before = deep_state(model)
    asked = ask(cw.Subject(model, DIGITS), TOPICS, seed=2)
    assert asked.left_out == {} and different(before, deep_state(model)) == []


class Attends(nn.Module):
    """A small ViT: patches, attention over all of them, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, images):
        tokens = self.conv_proj(images).flatten(2).transpose(1, 2)
        return self.head(self.mix(tokens, tokens, tokens)[0].mean(1))


def test_a_network_of_attention_is_asked_what_applies_and_says_what_does_not():
    data = [(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(at)), at % 3) for at in range(12)]
    asked = ask(cw.Subject(Attends(), data), TOPICS)
    assert {question.topic for question in asked.questions} >= {"filters", "feature_maps", "stride", "softmax"}
    assert asked.left_out["relu"] == "Attends has no ReLU right behind a layer with maps"
    assert "no max or average pooling" in asked.left_out["pooling"]


@pytest.mark.parametrize(
    ("model", "topic", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "filters", "has no convolution"),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), "channels", "has no convolution"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), "filters", "one filter alone"),
        (nn.Sequential(nn.Conv2d(1, 4, 3)), "softmax", "no scores"),
        (nn.Sequential(nn.Conv2d(1, 4, 3)), "stride", "stride above 1"),
        (nn.Sequential(nn.Conv2d(1, 4, 1)), "padding", "more than one place"),
        (nn.Sequential(nn.Conv2d(1, 4, 1)), "receptive_field", "see one pixel"),
    ],
)
def test_what_a_network_lacks_is_said(model, topic, words):
    asked = ask(cw.Subject(model, torch.rand(4, 1, 8, 8)), [topic])
    assert asked.questions == [] and words in asked.left_out[topic]


def test_an_image_that_is_no_colours_is_shown_as_the_mean_of_its_channels():
    model = nn.Sequential(nn.Conv2d(5, 4, 3, stride=2))
    question = one(cw.Subject(model, torch.rand(4, 5, 9, 9) * 3), "stride")
    assert question.shown[0].values.shape == (1, 9, 9) and "mean of 5 channels" in question.shown[0].text


def test_maps_that_are_0_everywhere_and_images_of_one_class_are_said():
    dead = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2))
    nn.init.zeros_(dead[0].weight)
    data = [(torch.rand(1, 8, 8), 1) for _ in range(6)]
    asked = ask(cw.Subject(dead, data), ["filters", "feature_maps", "relu", "training"])
    assert asked.questions == []
    assert "all maps of layer 0 are the same everywhere" in asked.left_out["filters"]
    assert "no map before a ReLU" in asked.left_out["relu"]
    assert "are of one class" in asked.left_out["training"]


class Returns(nn.Module):
    """LeNet-5 with an output of another form."""

    def __init__(self, form) -> None:
        super().__init__()
        self.inner, self.form = cw.models.lenet5(pretrained=True), form

    def forward(self, images):
        return self.form(self.inner(images), images)


@pytest.mark.parametrize(
    "form",
    [
        lambda scores, images: {"logits": scores, "hidden_states": (images, images)},
        lambda scores, images: {"hidden_states": (images,), "out": scores},
        lambda scores, images: (scores, images),
    ],
)
def test_scores_in_an_output_of_another_form_are_asked_about_as_they_are(form):
    topics = ["softmax", "occlusion", "channels"]
    asked, plain = (
        ask(cw.Subject(model, DIGITS), topics, seed=3) for model in (Returns(form), Returns(lambda s, _: s))
    )
    assert asked.left_out == {} and [each.right.said for each in asked.questions] == [
        each.right.said for each in plain.questions
    ]
    assert [each.right.text for each in asked.questions] == [each.right.text for each in plain.questions]


def test_scores_that_nobody_can_find_are_said_and_no_keyword_is_advised_that_is_none():
    asked = ask(cw.Subject(Returns(lambda scores, images: {"images": images, "found": scores}), DIGITS), TOPICS)
    assert set(asked.left_out) == {"softmax", "occlusion", "channels"}
    assert all("no scores of two or more classes" in reason for reason in asked.left_out.values())


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_network_is_asked_what_can_be_asked_of_it():
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 13 * 13, 10))
    quantised = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    asked = ask(cw.Subject(quantised, DIGITS), ["training", "softmax", "stride"])
    assert [each.topic for each in asked.questions] == ["softmax", "stride"]
    assert asked.left_out == {"training": "Sequential has no linear layer at its end that could learn once more"}


def test_a_topic_that_fails_is_left_out_with_its_reason_and_the_others_are_asked(subject, monkeypatch):
    def fails(look, random, layer=None):
        raise NotImplementedError("Could not run 'aten::add' with these arguments")

    monkeypatch.setitem(TOPICS, "relu", fails)
    asked = ask(subject, ["relu", "stride"])
    assert [each.topic for each in asked.questions] == ["stride"]
    assert asked.left_out == {"relu": "Could not run 'aten::add' with these arguments"}
    with pytest.raises(NotImplementedError):  # of one's own: the mistake is seen where it is
        ask(subject, [fails, "stride"])


def test_an_image_that_the_network_refuses_is_left_out():
    data = [(torch.rand(1, 8, 8 if at % 2 else 5), 0) for at in range(8)]
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(108, 2))
    assert one(cw.Subject(model, data), "filters").opens[1]["index"] % 2 == 1
    refused = cw.Subject(model, [(torch.rand(1, 5, 5), 0)])
    with pytest.raises(Exception, match="Linear"):
        ask(refused, ["filters"])


def test_a_topic_of_ones_own_gives_questions_and_its_mistakes_are_named(subject):
    def brightest(subject, random: Random):
        return cw.lessons.Question("Which?", 1 + random.randrange(5), [7, 8])

    (question,) = ask(subject, [brightest]).questions
    assert question.topic == "brightest"
    with pytest.raises(TypeError, match="gave int, not a Question"):
        ask(subject, [lambda subject, random: 5])
    with pytest.raises(LookupError, match="no topic 'filter'"):
        ask(subject, ["filter"])


def test_the_same_is_not_asked_twice(subject):
    asked = ask(subject, [lambda subject, random: cw.lessons.Question("Which?", 1, [2])], count=5)
    assert len(asked.questions) == 1 and asked.left_out == {}


def test_a_layer_that_is_none_is_an_error(subject):
    with pytest.raises(LookupError, match="no layer 'C9'"):
        ask(subject, ["padding"], layer="C9")
    asked = ask(subject, ["filters", "pooling"], layer="S2")
    assert "not a convolution" in asked.left_out["filters"] and [each.topic for each in asked.questions] == ["pooling"]
    (reason,) = ask(subject, ["filters"], layer="C5").left_out.values()
    assert "puts out no maps" in reason or "more than 16" in reason
    assert issubclass(NothingToAsk, ValueError)
