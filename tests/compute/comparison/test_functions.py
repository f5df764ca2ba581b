"""CKA, changes of responses and disagreements, against the formulas and numbers worked out by hand."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.compute.core import ForwardError, Stopped


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(12, 4))


def images(count: int = 12) -> Tensor:
    return torch.randn(count, 1, 4, 4, generator=torch.Generator().manual_seed(5))


def hsic(k: Tensor, m: Tensor) -> float:
    """HSIC₁, as Song et al. write it."""
    n = len(k)
    k, m = k.clone().fill_diagonal_(0), m.clone().fill_diagonal_(0)
    one = torch.ones(n, dtype=k.dtype)
    found = (
        torch.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
    )
    return float(found / (n * (n - 3)))


def by_formula(x: Tensor, y: Tensor, size: int) -> float:
    grams = [[part @ part.T for part in each.double().flatten(1).split(size)] for each in (x, y)]
    cross = sum(hsic(k, m) for k, m in zip(*grams, strict=True))
    return cross / (sum(hsic(k, k) for k in grams[0]) * sum(hsic(m, m) for m in grams[1])) ** 0.5


@pytest.mark.parametrize("size", [12, 6, 4])
def test_cka_is_that_of_the_formula(size):
    one, other, data = network(), network(1), images()
    found = cw.cka(one, other, data, ["0", "3"], batch_size=size, progress=False)
    for row in ("0", "3"):
        for column in ("0", "3"):
            outputs = cw.activations(one, data, row), cw.activations(other, data, column)
            assert found[row, column] == pytest.approx(by_formula(*outputs, size), abs=1e-5)
    assert found.images == 12


def test_cka_of_a_model_with_itself_runs_it_once(counted):
    model = network()
    made = cw.Comparer(model, model, images(), batch_size=4)
    made.step(0)  # the first time it is asked whether it mixes images
    calls = counted(model)
    made.finish()
    assert calls["3"] == 2  # two more batches
    found = made.similarity
    assert found.values.diagonal().tolist() == pytest.approx([1.0] * len(found.rows), abs=1e-6)
    assert torch.allclose(found.values, found.values.T, atol=1e-6)


def test_a_last_batch_of_too_few_images_joins_the_one_before():
    found = cw.cka(network(), network(1), images(14), ["3"], batch_size=6, progress=False)
    assert found.images == 14
    with pytest.raises(ValueError, match="4 images"):
        cw.cka(network(), network(1), images(3), progress=False)


def test_a_constant_layer_has_no_similarity():
    model = network()
    nn.init.zeros_(model[3].weight)
    assert cw.cka(model, network(1), images(), ["3"], progress=False).values.isnan().all()


@pytest.mark.parametrize("bias", [0.3, 1e3, 1e-6])
def test_a_layer_without_weights_has_no_similarity_also_where_its_mean_is_rounded(bias):
    model = nn.Sequential(nn.Conv2d(1, 12, 3, stride=2), nn.BatchNorm2d(12)).eval()
    nn.init.zeros_(model[0].weight)
    model[0].bias.data = bias * torch.rand(12, generator=torch.Generator().manual_seed(0))
    data = torch.rand(40, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    assert cw.cka(model, model, data, progress=False).values.isnan().all()


@pytest.mark.parametrize(("weight", "bias"), [(2.0**-16, 1.0), (1e-20, 0.0), (1e20, 0.0)])
def test_a_small_variation_round_a_large_number_keeps_its_similarity(weight, bias):
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1))
    data = torch.randint(0, 8, (12, 1, 4, 4), generator=torch.Generator().manual_seed(0)).float()
    for layer, numbers in zip(model, ((1.0, 0.0), (weight, bias)), strict=True):
        nn.init.constant_(layer.weight, numbers[0])
        nn.init.constant_(layer.bias, numbers[1])
    assert cw.cka(model, model, data, ["0", "1"], progress=False)["0", "1"] == pytest.approx(1.0, abs=1e-5)


def test_a_layer_in_which_a_single_image_is_another_has_no_similarity():
    model = nn.Sequential(nn.Conv2d(1, 1, 1))
    data = torch.zeros(8, 1, 3, 3)
    data[5] = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))  # the others are alike: HSIC₁ is 0
    assert cw.cka(model, model, data, progress=False).values.isnan().all()


class One(nn.Module):
    """Gives one number for each image, without an axis of classes."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.body, self.first = network(seed), First()

    def forward(self, x: Tensor) -> Tensor:
        return self.first(self.body(x))


class First(nn.Module):
    """Column 0."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


def test_one_number_for_each_image_is_one_feature():
    one, other, data = One(), One(1), images()
    found = cw.cka(one, other, data, ["first"], progress=False)["first", "first"]
    outputs = cw.activations(one, data, "first"), cw.activations(other, data, "first")
    assert found == pytest.approx(by_formula(outputs[0][:, None], outputs[1][:, None], 12), abs=1e-5)
    change = cw.response_changes(one, other, data, ["first"], progress=False)["first"]
    assert change.difference.tolist() == pytest.approx([float((outputs[1] - outputs[0]).mean())], abs=1e-6)


def test_responses_that_are_negated_have_correlation_minus_one_and_frozen_ones_change_by_exactly_0():
    before, after = network(), network()
    with torch.no_grad():
        after[3].weight[1].neg_()
        after[3].bias[1].neg_()
        after[3].bias[2] += 0.5
    found = cw.response_changes(before, after, images(), batch_size=4, progress=False)
    assert found["0"].change == 0.0 and found["0"].largest.tolist() == [0.0] * 3
    last = found["3"]
    assert last.correlation.tolist() == pytest.approx([1, -1, 1, 1]) and last.channels[1] == pytest.approx(2)
    assert last.difference[2] == pytest.approx(0.5) and last.difference[0] == 0.0
    assert found.ranking[0] == "3" or found.ranking[0] == "OUTPUT"
    with torch.no_grad():
        outputs = before(images().clone()), after(images().clone())
    assert float(last.difference[1]) == pytest.approx(float((outputs[1] - outputs[0])[:, 1].mean()), abs=1e-6)


def test_layers_of_other_shapes_are_left_out_and_said():
    wide = nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 4))
    found = cw.response_changes(network(), wide, images(), progress=False)
    assert "3 @ 2x2 here, 5 @ 2x2 there" in found.left_out.values() and "3" in found


class Scores(nn.Module):
    """Logits that are the pixels, in an order of its own."""

    def __init__(self, order: list[int]) -> None:
        super().__init__()
        self.order = order
        self.last = nn.Flatten()

    def forward(self, x):
        return self.last(x)[:, self.order]


LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.0], [3.0, 0.0, 0.0]]).reshape(4, 1, 1, 3)


class Staged(nn.Module):
    """Two blocks, each of which ends with a ReLU, and a head."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x)).flatten(1))


def test_a_block_is_compared_by_its_name_as_the_layer_that_it_ends_with():
    one, other, data = Staged(0), Staged(1), images()
    blocks = cw.response_changes(one, other, data, ["first", "second"], progress=False)
    layers = cw.response_changes(one, other, data, ["first.1", "second.1"], progress=False)
    assert list(blocks) == ["first", "second"] and blocks.left_out == {}
    for block, layer in (("first", "first.1"), ("second", "second.1")):
        assert blocks[block].partner == block
        assert torch.equal(blocks[block].correlation.nan_to_num(9), layers[layer].correlation.nan_to_num(9))
    alike = cw.cka(one, other, data, ["first", "head"], ["second"], progress=False)
    same = cw.cka(one, other, data, ["first.1", "head"], ["second.1"], progress=False)
    assert (alike.rows, alike.columns) == (("first", "head"), ("second",))
    assert torch.allclose(alike.values, same.values, equal_nan=True)
    assert "first" not in cw.response_changes(one, other, data, progress=False)  # it hands on what first.1 gave
    assert cw.match_channels(one, one, data, "first", progress=False).channels.tolist() == [0, 1, 2]


def test_a_wrong_name_of_a_layer_or_block_is_told_with_the_nearest():
    with pytest.raises(LookupError, match="'first'"):
        cw.response_changes(Staged(0), Staged(1), images(), ["frist"], progress=False)
    with pytest.raises(LookupError, match="'second'"):
        cw.cka(Staged(0), Staged(1), images(), ["first"], ["secnd"], progress=False)


def test_disagreements_are_ranked_by_how_sure_both_are():
    found = cw.disagreements(Scores([0, 1, 2]), Scores([1, 0, 2]), LOGITS, batch_size=4, progress=False)
    assert [each.index for each in found] == [1, 3, 0]  # both swap classes 0 and 1; image 2 is of class 2 for both
    sure = LOGITS.reshape(4, 3).softmax(1)
    assert found[0].score == pytest.approx(float(2 * (sure[1, 1] - sure[1, 0])), abs=1e-6)
    assert (found[0].a, found[0].b, found[0].names) == (1, 0, ("class 1", "class 0"))
    assert found.confusion.tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 1]]
    expected = (sure[:, [1, 0, 2]] - sure).mean(0)
    assert torch.allclose(found.moved, expected, atol=1e-6) and found.matched == "by number"


def test_classes_in_another_order_are_matched_by_name():
    names = ["ant", "bee", "cat"], ["bee", "ant", "cat"]
    found = cw.disagreements(Scores([0, 1, 2]), Scores([1, 0, 2]), LOGITS, batch_size=4, classes=names, progress=False)
    assert len(found) == 0 and found.matched == "by name" and float(found.moved.abs().max()) < 1e-9


def test_other_numbers_of_classes_without_names_cannot_be_matched():
    with pytest.raises(ValueError, match="one network has 3, the other 2"):
        cw.disagreements(Scores([0, 1, 2]), Scores([1, 0]), LOGITS, batch_size=4, progress=False)


def test_labels_tell_who_is_right():
    data = [(image, label) for image, label in zip(LOGITS, [0, 0, 2, 1], strict=True)]
    found = cw.disagreements(Scores([0, 1, 2]), Scores([1, 0, 2]), data, batch_size=4, progress=False)
    assert found.right == (2, 3) and found.labelled == 4


def test_networks_without_scores_say_so():
    with pytest.raises(ValueError, match="no class scores"):
        cw.disagreements(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1), images(), progress=False)


def test_matched_channels_are_those_of_a_shuffled_copy():
    before, after = network(), network()
    with torch.no_grad():
        for part in (after[0].weight, after[0].bias):
            part.copy_(part[[2, 0, 1]].clone())
    found = cw.match_channels(before, after, images(), "0", progress=False)
    assert found.channels.tolist() == [1, 2, 0] and found.correlation.tolist() == pytest.approx([1.0] * 3)
    x = cw.activations(before, images(), "0").movedim(1, 0).flatten(1)
    assert torch.allclose(
        cw.match_channels(before, before, images(), "0", progress=False).matrix, torch.corrcoef(x), atol=1e-5
    )


def test_looking_changes_nothing_also_where_it_is_stopped(watched):
    one, other = network(), network(1)
    refuses = nn.Sequential(nn.Conv2d(3, 1, 1))
    before = watched(one), watched(other)
    cw.cka(one, other, images(), batch_size=4, progress=False)
    with pytest.raises(Stopped):
        cw.response_changes(one, other, images(), batch_size=4, progress=lambda done, total: False)
    with pytest.raises(ForwardError):
        cw.cka(one, refuses, images(), progress=False)
    assert (watched(one), watched(other)) == before


def test_an_edited_network_is_compared_with_itself():
    subject = cw.Subject(network(), images())
    edited = subject.under({"0": cw.Ablate(channels=[1])})
    found = cw.response_changes(subject.model, edited.model, images(), ["0"], progress=False)
    assert (found["0"].largest > 0).tolist() == [False, True, False]


def test_steps_go_on_and_a_training_ends_them():
    one, other = network(), network(1)
    made = cw.Comparer(one, other, images(), batch_size=4)
    assert made.similarity is None and made.step(0) == 4 and made.similarity.images == 4
    with torch.no_grad():
        other[3].bias += 1
    with pytest.raises(RuntimeError, match="weights changed"):
        made.step(0)
    assert (made.done, made.current) == (4, False)


def test_images_of_several_sizes_are_refused():
    with pytest.raises(ValueError, match="of one size"):
        cw.cka(nn.Conv2d(1, 1, 1), nn.Conv2d(1, 2, 1), [*images(4), torch.zeros(1, 5, 5)], progress=False)


def test_memory_does_not_grow_with_the_images():
    model = network()
    made = cw.Comparer(model, network(1), images(64), measures=["similarity"], batch_size=4)
    sizes = []
    while made.step(0):
        sizes.append(made._hsic.cross.numel() + sum(each.numel() for each in made._hsic.own))
    assert len(sizes) == 16 and len(set(sizes)) == 1
    assert copy.deepcopy(made.similarity).images == 64


class Wave(nn.Module):
    """Complex features of an image: magnitude and phase."""

    def __init__(self, seed: int, phase: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.mix = nn.Linear(16, 5).to(torch.complex64)
        self.turn = Turn(phase)
        self.size = Size()

    def forward(self, x: Tensor) -> Tensor:
        return self.size(self.turn(self.mix(x.flatten(1).to(torch.complex64))))


class Turn(nn.Module):
    """Turns every number by an angle."""

    def __init__(self, phase: float) -> None:
        super().__init__()
        self.phase = phase

    def forward(self, x: Tensor) -> Tensor:
        return x * complex(math.cos(self.phase), math.sin(self.phase))


class Size(nn.Module):
    """Magnitudes."""

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


def hermitian_cka(x: np.ndarray, y: np.ndarray) -> float:
    """CKA of the Hermitian Gram matrices, HSIC₁ with its traces written out."""

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        n, one = len(k), np.ones(len(k))
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        found = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return float(np.real(found - 2 / (n - 2) * (one @ k @ m @ one))) / (n * (n - 3))

    k, m = x @ x.conj().T, y @ y.conj().T
    return hsic(k, m) / (hsic(k, k) * hsic(m, m)) ** 0.5


def test_cka_of_complex_layers_is_that_of_hermitian_gram_matrices_beside_real_ones_too():
    one, other, data = Wave(0), Wave(1), images()
    found = cw.cka(one, other, data, ["mix", "size"], ["mix", "size"], progress=False)
    for row in ("mix", "size"):
        for column in ("mix", "size"):
            x, y = (
                cw.activations(model, data, name).numpy().astype(np.complex128)
                for model, name in ((one, row), (other, column))
            )
            assert found[row, column] == pytest.approx(hermitian_cka(x, y), abs=1e-5)
    assert found["mix", "mix"] != pytest.approx(found["size", "size"], abs=1e-3)  # magnitudes say something else


def test_a_phase_counts_in_response_changes_and_in_matching():
    turned = Wave(0, phase=math.pi / 3)
    found = cw.response_changes(Wave(0), turned, images(), ["mix", "turn", "size"], batch_size=4, progress=False)
    assert found["mix"].change == 0.0 and found["size"].change == pytest.approx(0.0, abs=1e-6)
    turn = found["turn"]  # the correlation of z with z · exp(i π/3) is exp(−i π/3)
    assert turn.correlation.tolist() == pytest.approx([0.5] * 5)
    before, after = (cw.activations(model, images(), "turn").numpy() for model in (Wave(0), turned))
    assert turn.difference.numpy() == pytest.approx((after - before).mean(0), abs=1e-6)
    assert turn.largest.numpy() == pytest.approx(np.abs(after - before).max(0), abs=1e-6)
    assert turn.spread.numpy() == pytest.approx(((before.var(0) + after.var(0)) / 2) ** 0.5, abs=1e-6)
    assert turn.shift == pytest.approx(float(np.mean(np.abs((after - before).mean(0)) / turn.spread.numpy())))
    matched = cw.match_channels(Wave(0), turned, images(), "turn", progress=False)
    expected = np.corrcoef(before.T, after.T)[:5, 5:].real
    assert matched.matrix.numpy() == pytest.approx(expected, abs=1e-5)


def test_complex_scores_are_no_class_scores():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).to(torch.complex64)
    data = images().to(torch.complex64)
    with pytest.raises(ValueError, match="no class scores"):
        cw.disagreements(model, model, data, progress=False)


def test_without_layers_every_module_of_both_is_compared():
    found = cw.cka(network(), Staged(1), images(), progress=False)
    assert found.rows == ("0", "1", "2", "3") and "head" in found.columns and "first.0" in found.columns


@pytest.mark.parametrize("ask", [cw.cka, cw.response_changes, cw.disagreements, cw.match_channels])
@pytest.mark.parametrize("at", [0, 1])
def test_the_network_that_refuses_an_image_is_named(ask, at):
    takes, refuses = network(), nn.Sequential(nn.Conv2d(3, 1, 1))
    models = (refuses, takes) if at == 0 else (takes, refuses)
    more = ["0"] if ask is cw.match_channels else []
    with pytest.raises(ForwardError, match=rf"^{'AB'[at]} \(Sequential\), image 0: .*3 channels"):
        ask(*models, images(), *more, progress=False)


class Picky(nn.Module):
    """Refuses bright images."""

    def __init__(self) -> None:
        super().__init__()
        self.body = network()

    def forward(self, x: Tensor) -> Tensor:
        if float(x.amax()) > 5:
            raise ValueError("too bright")
        return self.body(x)


def test_so_is_one_that_refuses_a_later_image():
    data = images()
    data[9] += 9
    with pytest.raises(ForwardError, match=r"^B \(Picky\), one of the images 8 … 11: .*too bright"):
        cw.cka(network(), Picky(), data, batch_size=4, progress=False)
    with pytest.raises(ForwardError, match=r"^Picky, one of the images 8 … 11: "):
        model = Picky()
        cw.cka(model, model, data, batch_size=4, progress=False)
