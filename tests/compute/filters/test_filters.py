from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

from cnnwidgets.compute.convolution.explain import explain
from cnnwidgets.compute.filters.conv_layers import batch_norms, convolutions
from cnnwidgets.compute.filters.filters import filters


def conv_with(*kernels: list[list[list[float]]], **options: object) -> nn.Sequential:
    """A network of one convolution `0`, without bias: a list of channels (each a list of rows) for each filter."""
    weights = torch.tensor(kernels)
    if weights.ndim == 3:
        weights = weights[:, :, None]
    conv = nn.Conv2d(weights.shape[1], len(weights), weights.shape[2:], bias=False, **options)
    conv.weight.data = weights
    return nn.Sequential(conv)


def answers(part: nn.Module, channels: int, channel: int, patch: torch.Tensor) -> torch.Tensor:
    """What each filter of a convolution without padding makes of a patch in one input channel, and zeros elsewhere."""
    image = torch.zeros(1, channels, *patch.shape)
    image[0, channel] = patch
    with torch.no_grad():
        return part(image).reshape(-1)


# ---------------------------------------------------------------------- weights


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv2d, nn.Conv3d])
def test_each_kernel_is_what_the_layer_multiplies_the_channel_it_reads_with(kind, groups):
    size = (2, 3, 4)[: int(kind.__name__[4])]
    part = kind(4, 8, size, groups=groups)
    found = filters(nn.Sequential(part), "0")
    assert (found.count, found.channels) == (8, 4 // groups)
    patch = torch.rand(size)
    read = [set() for _ in range(8)]
    for filter in range(8):
        for kernel, channel in enumerate(found.inputs[filter].tolist()):
            read[filter].add(channel)
            expected = (found.weights[filter, kernel].reshape(size) * patch).sum() + found.bias[filter]
            assert torch.isclose(answers(part, 4, channel, patch)[filter], expected, atol=1e-6)
    for filter in range(8):  # a channel that is not among its inputs leaves a filter at its bias
        for channel in set(range(4)) - read[filter]:
            assert answers(part, 4, channel, patch)[filter] == found.bias[filter]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_stamps_its_kernels_on_the_output(groups):
    part = nn.ConvTranspose2d(4, 6, (2, 3), groups=groups, bias=False)
    found = filters(nn.Sequential(part), "0")
    assert found.weights.shape == (6, 4 // groups, 2, 3)
    for filter in range(6):
        for kernel, channel in enumerate(found.inputs[filter].tolist()):
            pixel = torch.zeros(1, 4, 1, 1)
            pixel[0, channel] = 1
            assert torch.equal(part(pixel)[0, filter], found.weights[filter, kernel])


def test_the_inputs_of_a_grouped_convolution_by_hand():
    found = filters(nn.Sequential(nn.Conv2d(4, 6, 1, groups=2)), "0")
    assert found.inputs.tolist() == [[0, 1]] * 3 + [[2, 3]] * 3
    depthwise = filters(nn.Sequential(nn.Conv2d(3, 6, 1, groups=3)), "0")
    assert depthwise.inputs.tolist() == [[0], [0], [1], [1], [2], [2]]


def test_a_kernel_of_one_dimension_is_one_row_and_one_of_three_has_slices():
    line = filters(nn.Sequential(nn.Conv1d(2, 3, 5)), "0")
    assert (line.weights.shape, line.kernels().shape, line.planes) == ((3, 2, 1, 5), (3, 2, 1, 5), 1)
    part = nn.Conv3d(1, 1, (2, 1, 1), bias=False)
    part.weight.data = torch.tensor([5.0, 7.0]).reshape(1, 1, 2, 1, 1)
    deep = filters(nn.Sequential(part), "0")
    assert [deep.kernels(plane).item() for plane in range(deep.planes)] == [5, 7]
    for plane in (2, -1):
        with pytest.raises(IndexError, match=rf"plane {plane} is out of range: layer '0' has 2"):
            deep.kernels(plane)


def test_the_weights_are_a_copy():
    model = conv_with([[[1.0, 2.0]]])
    found = filters(model, "0")
    model[0].weight.data.fill_(9)
    assert found.weights.flatten().tolist() == [1, 2]
    found.weights.zero_()
    assert model[0].weight.flatten().tolist() == [9, 9]


@pytest.mark.parametrize(
    ("dtype", "given"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_half_precision_comes_as_single_and_double_stays(dtype, given):
    found = filters(conv_with([[[0.5, -2.0]]]).to(dtype), "0")
    assert (found.weights.dtype, found.weights.flatten().tolist()) == (given, [0.5, -2.0])


def weight_norm(part: nn.Conv2d) -> nn.Module:
    part = parametrizations.weight_norm(part)
    part.parametrizations.weight.original0.data.mul_(3)
    return part


def older_weight_norm(part: nn.Conv2d) -> nn.Module:
    part = nn.utils.weight_norm(part)
    part.weight_g.data.mul_(3)  # `weight` is written at the next call only
    return part


def pruned(part: nn.Conv2d) -> nn.Module:
    part = prune.l1_unstructured(part, "weight", amount=0.5)
    part.weight_orig.data.mul_(3)
    return part


def pruned_twice(part: nn.Conv2d) -> nn.Module:
    part = prune.random_unstructured(pruned(part), "weight", amount=0.5)
    part.weight_orig.data.add_(1)
    return part


COMPUTED = {
    "weight norm": weight_norm,
    "weight norm, older": older_weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "spectral norm, older": nn.utils.spectral_norm,
    "pruned": pruned,
    "pruned twice": pruned_twice,
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("how", COMPUTED)
@pytest.mark.parametrize("training", [True, False])
def test_computed_weights_are_those_that_the_layer_uses_and_nothing_changes(how, training, watched):
    part = COMPUTED[how](nn.Conv2d(2, 3, 2))
    model = nn.Sequential(part).train(training)
    before = watched(model)
    found = filters(model, "0")
    assert watched(model) == before
    patch = torch.rand(2, 2)
    expected = torch.stack([(found.weights[:, channel] * patch).sum((1, 2)) for channel in range(2)])
    for channel in range(2):
        assert torch.allclose(answers(part.eval(), 2, channel, patch), expected[channel] + found.bias, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_quantised_weights_are_the_numbers_that_they_stand_for():
    quantized = pytest.importorskip("torch.ao.nn.quantized")
    part = quantized.Conv2d(1, 2, 1, bias=True)
    weights = torch.tensor([1.0, -0.5]).reshape(2, 1, 1, 1)
    part.set_weight_bias(torch.quantize_per_tensor(weights, 0.25, 0, torch.qint8), torch.tensor([3.0, 4.0]))
    found = filters(nn.Sequential(part), "0")
    assert (found.weights.flatten().tolist(), found.bias.tolist()) == ([1.0, -0.5], [3.0, 4.0])


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_convolution_is_one_too():
    model = torch.jit.script(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    assert torch.equal(filters(model, "0").weights, model.state_dict()["0.weight"])


def test_looking_at_a_model_without_numbers_says_so_and_changes_nothing(hooks_on):
    model = nn.Sequential(nn.Conv2d(1, 2, 3, device="meta")).train()
    with pytest.raises(ValueError, match="weights of the model are on the meta device, which holds no numbers"):
        filters(model, "0")
    assert model.training and model[0].training and hooks_on(model) == {}


# ---------------------------------------------------------------------- names


def net() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(conv1=nn.Conv2d(3, 4, 3), relu=nn.ReLU(), conv2=nn.Conv2d(4, 2, 1), head=nn.Linear(2, 2))
    )


def test_a_layer_that_is_no_convolution_is_named_with_its_type_and_the_convolutions():
    for layer, type in (("relu", "ReLU"), ("head", "Linear")):
        with pytest.raises(
            TypeError, match=f"layer '{layer}' is a {type}, not a convolution; convolutions: conv1, conv2$"
        ):
            filters(net(), layer)


def test_an_unknown_layer_gets_the_nearest_convolution_and_the_list():
    with pytest.raises(LookupError, match=r"no layer 'cnov1'; did you mean 'conv1'\? convolutions: conv1, conv2$"):
        filters(net(), "cnov1")
    for layer in ("", 3, None):
        with pytest.raises(LookupError, match="convolutions: conv1, conv2"):
            filters(net(), layer)
    with pytest.raises(TypeError, match="'0' is a Linear, not a convolution; Sequential has no convolution"):
        filters(nn.Sequential(nn.Linear(1, 1)), "0")


def test_a_call_or_a_second_name_of_a_layer_is_the_layer():
    conv = nn.Conv2d(1, 1, 1)
    model = nn.Sequential(OrderedDict(first=conv, again=conv))
    assert [filters(model, name).layer for name in ("first", "again", "first:2")] == ["first"] * 3


# ---------------------------------------------------------------------- numbers


def test_norm_sparsity_and_near_dead_filters_by_hand():
    # two channels of 1 x 2; the largest magnitude is 4, so a weight counts as zero up to 0.04
    model = conv_with(
        [[3.0, 0.0], [0.0, -4.0]],
        [[0.04, 0.0], [0.0, 0.03]],
        [[1.0, 1.0], [1.0, -1.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[0.041, 0.0], [0.0, 4.0]],
    )
    found = filters(model, "0")
    assert torch.allclose(found.norms, torch.tensor([5, 0.05, 2, 0, (16 + 0.041**2) ** 0.5]))
    assert found.threshold == pytest.approx(0.04)
    assert found.sparsity.tolist() == [0.5, 1.0, 0.0, 1.0, 0.5]
    # the median norm is 2: near-dead below 0.02
    assert found.near_dead.tolist() == [False, False, False, True, False]


def test_filters_that_are_all_zero_are_near_dead_even_where_most_are():
    assert filters(conv_with([[[0.0]]], [[[0.0]]], [[[2.0]]]), "0").near_dead.tolist() == [True, True, False]
    nothing = filters(conv_with([[[0.0]]]), "0")
    assert (nothing.near_dead.tolist(), nothing.sparsity.tolist(), nothing.threshold) == ([True], [1.0], 0.0)


def test_orders_by_hand():
    model = conv_with([[1.0, 0.0]], [[0.0, 0.0]], [[3.0, 3.0]], [[5.0, 0.0]])
    found = filters(model, "0")
    assert found.order().tolist() == [0, 1, 2, 3]
    assert found.order("norm").tolist() == [3, 2, 0, 1]
    assert found.order("sparsity").tolist() == [1, 0, 3, 2]  # equal ones stay in their order
    with pytest.raises(ValueError, match="unknown order 'size'; allowed: 'index', 'norm', 'sparsity', 'similarity'"):
        found.order("size")


def test_the_order_by_similarity_puts_filters_that_point_the_same_way_side_by_side():
    # directions of 0, 90, 5, 95 and 180 degrees; lengths differ and do not matter
    angles = torch.deg2rad(torch.tensor([0.0, 90.0, 5.0, 95.0, 180.0]))
    vectors = torch.stack([angles.cos(), angles.sin()], 1) * torch.tensor([1.0, 9.0, 7.0, 0.1, 2.0])[:, None]
    order = filters(conv_with(*vectors[:, None].tolist()), "0").order("similarity").tolist()
    assert order in ([0, 2, 1, 3, 4], [4, 3, 1, 2, 0])


def test_the_order_by_similarity_takes_zeros_and_nan():
    model = conv_with([[0.0, 0.0]], [[1.0, 0.0]], [[float("nan"), 1.0]], [[1.0, 0.1]])
    order = filters(model, "0").order("similarity").tolist()
    assert sorted(order) == [0, 1, 2, 3] and abs(order.index(1) - order.index(3)) == 1
    assert filters(conv_with([[1.0]], [[2.0]]), "0").order("similarity").tolist() == [0, 1]


def test_nan_in_one_filter_leaves_the_numbers_of_the_others():
    found = filters(conv_with([[float("nan")]], [[2.0]], [[0.001]]), "0")
    assert found.largest == 2
    assert found.near_dead.tolist() == [False, False, False]
    assert found.sparsity.tolist() == [0, 0, 1]


def test_the_dead_filters_of_a_real_first_layer_are_found(data_root):
    from torchvision.models import resnet18

    model = resnet18(weights=None)
    model.load_state_dict(torch.load(data_root / "weights" / "resnet18-imagenet-pq.pth", weights_only=True))
    found = filters(model, "conv1")
    assert found.near_dead.nonzero().ravel().tolist() == [2, 4, 7, 9, 13, 36, 38, 48]
    assert (found.sparsity[found.near_dead] == 1).all()


# ---------------------------------------------------------------------- BatchNorm


def stirred(model: nn.Module) -> nn.Module:
    """Every BatchNorm of `model` with statistics and factors of its own."""
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)
    return model.eval()


def test_folded_weights_by_hand():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0))
    model[0].weight.data.fill_(6)
    model[0].bias.data.fill_(1)
    model[1].running_mean.fill_(3)
    model[1].running_var.fill_(4)
    model[1].weight.data.fill_(5)
    model[1].bias.data.fill_(7)
    found = filters(model, "0", folded=True)  # (6 x + 1 - 3) / 2 * 5 + 7
    assert (found.weights.item(), found.bias.item(), found.norm_layer) == (15, 2, "1")


@pytest.mark.parametrize(
    "part",
    [
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(4, 6, 3, groups=2, bias=False),
        nn.ConvTranspose2d(4, 6, 3, bias=False),
        nn.ConvTranspose2d(4, 6, 3, groups=2),
    ],
)
@pytest.mark.parametrize("affine", [True, False])
def test_folded_filters_do_what_both_layers_do(part, affine, watched):
    model = stirred(nn.Sequential(part, nn.BatchNorm2d(6, affine=affine)))
    before = watched(model)
    found = filters(model, "0", folded=True)
    assert watched(model) == before
    images = torch.rand(2, 4, 5, 5)
    weights, run = found.weights, nn.functional.conv2d
    if isinstance(part, nn.ConvTranspose2d):
        groups = found.groups
        weights = weights.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
        run = nn.functional.conv_transpose2d
    assert torch.allclose(run(images, weights, found.bias, groups=found.groups), model(images), atol=1e-5)


def test_only_a_convolution_with_a_batchnorm_can_be_folded():
    with pytest.raises(ValueError, match="layer 'conv1' cannot be folded: no BatchNorm is known"):
        filters(net(), "conv1", folded=True)


# ---------------------------------------------------------------------- layers of other people's classes


class Halved(nn.Conv2d):
    def forward(self, x):
        return functional.conv2d(x, self.weight / 2, self.bias, self.stride, self.padding)


class Experts(nn.Module):
    """A convolution of experts: a row of weights for each, mixed for each image."""

    def __init__(self):
        super().__init__()
        self.in_channels, self.out_channels, self.kernel_size, self.groups = 1, 1, (2, 2), 1
        self.weight = nn.Parameter(torch.rand(3, 4))

    def forward(self, x, mixing):
        return functional.conv2d(x, (mixing @ self.weight).reshape(1, 1, 2, 2))


class PerImage(nn.Conv2d):
    def forward(self, x):
        return functional.conv2d(x, self.weight * x[0, 0, 0, 0], self.bias)


class WithAnActivation(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).relu()


def test_the_filters_of_a_class_of_its_own_are_those_that_it_convolves_with():
    part = Halved(1, 1, 2)
    found = filters(nn.Sequential(part).train(), "0")
    assert torch.equal(found.weights, part.weight.detach() / 2) and torch.equal(found.bias, part.bias.detach())
    assert part.training and found.description == "Halved(1, 1, 2×2)"


def test_a_convolution_of_experts_is_not_among_the_convolutions():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), Experts())
    assert convolutions(model).names == ["0"]
    with pytest.raises(TypeError, match="'1' is a Experts, not a convolution; convolutions: 0"):
        filters(model, "1")


def test_weights_that_each_image_makes_anew_are_refused():
    with pytest.raises(TypeError, match="its class PerImage has other weights for each image"):
        filters(nn.Sequential(PerImage(1, 1, 1)), "0")


def test_a_batch_norm_with_an_activation_in_it_is_not_folded():
    plain, more = (nn.Sequential(nn.Conv2d(1, 1, 1), norm) for norm in (nn.BatchNorm2d(1), WithAnActivation(1)))
    assert (batch_norms(plain), batch_norms(more)) == ({"0": "1"}, {})


@pytest.mark.filterwarnings("ignore")
def test_weights_that_fsdp_keeps_in_shards_are_whole_where_one_process_has_them_all():
    dist = pytest.importorskip("torch.distributed")
    fsdp = pytest.importorskip("torch.distributed.fsdp")
    if not dist.is_available() or not hasattr(fsdp, "fully_shard"):
        pytest.skip("needs fully_shard")
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU())
    weights, image = model[0].weight.detach().clone(), torch.rand(1, 3, 3)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        mesh = dist.device_mesh.init_device_mesh("cpu", (1,))
        fsdp.fully_shard(model[0], mesh=mesh)
        fsdp.fully_shard(model, mesh=mesh)
        found = filters(model, "0")
        assert type(found.weights) is torch.Tensor and torch.equal(found.weights, weights)
        assert explain(model, image, "0", 1, (0, 0)).agrees
    finally:
        dist.destroy_process_group()


def test_a_batch_norm_that_takes_the_statistics_of_each_batch_cannot_be_folded():
    class Kept(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].train()
            return self

    model = Kept(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    assert filters(model, "0").norm_layer == ""
    with pytest.raises(ValueError, match="'0' cannot be folded: '1' takes the statistics of each batch"):
        filters(model, "0", folded=True)
