"""pretrained(): the right file, the whole file and nothing but tensors; never random weights."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision
from PIL import Image
from torch import nn

from cnnwidgets.data import photos
from cnnwidgets.models import pretrained

SMALL = "squeezenet1_1"


def state_of(name, **options):
    return torchvision.models.get_model(name, weights=None, **options).state_dict()


def same(model: nn.Module, state) -> bool:
    mine = model.state_dict()
    return mine.keys() == state.keys() and all(torch.equal(mine[key], state[key]) for key in state)


@pytest.fixture
def written(tmp_path):
    """Write a state dict with `torch.save`: `written(state)` is its path."""

    def write(content, name="weights.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """torchvision's folder of downloads, empty, and no CNNWIDGETS_DATA."""
    monkeypatch.delenv("CNNWIDGETS_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def published(monkeypatch):
    """A state dict as if torchvision had published it: `published(state)` gives its bytes and its file name."""

    def publish(state) -> tuple[bytes, str]:
        file = io.BytesIO()
        torch.save(state, file)
        name = f"{SMALL}-{hashlib.sha256(file.getvalue()).hexdigest()[:8]}.pth"
        official = torchvision.models.get_model_weights(SMALL).DEFAULT.value
        monkeypatch.setattr(official, "url", f"https://weights.example/models/{name}")
        return file.getvalue(), name

    return publish


@pytest.fixture
def served(monkeypatch):
    """Let every address give these bytes: `served(content)`; returns the list of what was asked for."""

    def serve(content: bytes) -> list[str]:
        addresses = []

        class Answer(io.BytesIO):
            def info(self):
                return Message()

        def answer(request, *args, **kwargs):
            addresses.append(request.full_url)
            return Answer(content)

        monkeypatch.setattr(torch.hub, "urlopen", answer)
        return addresses

    return serve


def test_resnet18_with_real_weights_names_most_of_the_photos(data_root, monkeypatch):
    monkeypatch.setenv("CNNWIDGETS_DATA", str(data_root))
    net = pretrained("resnet18")
    assert net.source == data_root / "weights" / "resnet18-imagenet-pq.pth"
    samples = photos(data_root / "imagenet-samples", transform=net.transform)
    images, labels = torch.stack([image for image, _ in samples]), torch.tensor(samples.labels)
    with torch.no_grad():
        right = [net.model(batch).argmax(1) for batch in images.split(14)]
    assert (torch.cat(right) == labels).sum() >= 50
    assert len(samples) == 70


def test_the_class_names_transform_and_normalisation_are_those_of_the_weights(written):
    net = pretrained(SMALL, written(state_of(SMALL)))
    assert (len(net.classes), net.classes[:2], net.classes[281]) == (1000, ["tench", "goldfish"], "tabby")
    assert net.normalization == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    image = net.transform(Image.new("RGB", (400, 300), (255, 0, 51)))
    assert tuple(image.shape) == (3, 224, 224)
    colour = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    assert image[:, 100, 100].tolist() == pytest.approx(colour)


def test_a_state_dict_of_ones_own_is_loaded_bit_for_bit_and_said_to_be_the_source(written):
    state = state_of(SMALL)
    file = written(state)
    net = pretrained(SMALL, weights=str(file))
    assert same(net.model, state)
    assert net.source == file
    assert repr(net) == f"Pretrained(squeezenet1_1, 1,000 classes, weights from {file})"


def test_safetensors_are_loaded_bit_for_bit(tmp_path):
    state = state_of("mnasnet0_5")  # this one asks for a version, which safetensors does not keep
    safetensors.torch.save_file(state, tmp_path / "mine.safetensors")
    assert same(pretrained("mnasnet0_5", tmp_path / "mine.safetensors").model, state)


def test_the_model_is_in_evaluation_mode_can_be_trained_and_is_float32_whatever_the_file(written):
    half = {key: value.half() for key, value in state_of(SMALL).items()}
    model = pretrained(SMALL, written(half)).model
    assert not any(part.training for part in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert torch.equal(model.features[0].bias, half["features.0.bias"].float())


def test_random_numbers_stay_as_they_were(written):
    file = written(state_of(SMALL))
    before = torch.get_rng_state()
    pretrained(SMALL, file)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_saved_from_a_data_parallel_model_fit(written):
    state = state_of(SMALL)
    assert same(pretrained(SMALL, written({f"module.{key}": value for key, value in state.items()})).model, state)


def test_models_that_torchvision_builds_in_another_way_for_its_weights_are_built_so(written):
    google = state_of("googlenet", init_weights=False)  # the file has auxiliary heads, the model gets none
    assert sum(key.startswith("aux") for key in google) > 0
    net = pretrained("googlenet", written(google))
    assert same(net.model, {key: value for key, value in google.items() if not key.startswith("aux")})
    assert net.model.transform_input
    dense = state_of("densenet121")  # the file has the names of an older version
    old = {key.replace("norm1.w", "norm.1.w").replace("conv2", "conv.2"): value for key, value in dense.items()}
    assert sum(key not in dense for key in old) == 2 * 58  # two for each of 6 + 12 + 24 + 16 layers
    assert same(pretrained("densenet121", written(old)).model, dense)


@pytest.mark.filterwarnings("ignore")  # torch's own, about quantisation
def test_a_quantised_model_gets_its_quantised_weights(written):
    state = state_of("quantized_shufflenet_v2_x0_5", quantize=True)
    model = pretrained("quantized_shufflenet_v2_x0_5", written(state)).model
    assert model.conv1[0].weight().dtype == torch.qint8
    assert torch.equal(model.conv1[0].weight().int_repr(), state["conv1.0.weight"].int_repr())


@pytest.mark.parametrize("name", ["deeplabv3_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_segmentation_and_detection_models_get_their_classes(name, written):
    options = {"aux_loss": True} if name[0] == "d" else {}  # the file has an auxiliary head
    net = pretrained(name, written(state_of(name, weights_backbone=None, **options)))
    assert len(net.classes) == {"d": 21, "f": 91}[name[0]]
    assert (net.normalization is None) == (name[0] == "f")  # a detector normalises within


def test_another_models_file_is_refused_and_the_keys_are_listed_in_short(written):
    file = written(state_of("squeezenet1_1"))
    with pytest.raises(ValueError) as caught:
        pretrained("alexnet", file)
    assert str(caught.value).splitlines() == [
        f"{file} does not fit alexnet:",
        # of alexnet's 8 layers with weight and bias, SqueezeNet has only features.0 and classifier.1
        "  missing keys: features.3.weight, features.3.bias, features.6.weight, features.6.bias, features.8.weight"
        " ... and 7 more",
        "  unexpected keys: features.3.squeeze.weight, features.3.squeeze.bias, features.3.expand1x1.weight, "
        "features.3.expand1x1.bias, features.3.expand3x3.weight ... and 43 more",
        "  other shapes: features.0.weight (64 x 3 x 3 x 3 instead of 64 x 3 x 11 x 11), "
        "classifier.1.weight (1000 x 512 x 1 x 1 instead of 4096 x 9216), classifier.1.bias (1000 instead of 4096)",
    ]


def test_another_number_of_classes_shows_as_shapes(written):
    file = written(state_of(SMALL, num_classes=2))
    with pytest.raises(ValueError) as caught:
        pretrained(SMALL, file)
    assert str(caught.value).splitlines()[1:] == [
        "  other shapes: classifier.1.weight (2 x 512 x 1 x 1 instead of 1000 x 512 x 1 x 1), "
        "classifier.1.bias (2 instead of 1000)"
    ]


def test_a_checkpoint_around_the_state_dict_is_named_with_the_way_out(written):
    with pytest.raises(ValueError, match=r"holds epoch, net: a checkpoint.*torch\.save\(checkpoint\['net'\], path\)"):
        pretrained(SMALL, written({"epoch": 3, "net": state_of(SMALL)}))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content, 2))])
def test_code_in_a_file_is_refused_and_does_not_run(tmp_path, save):
    save({"features.0.weight": Evil(str(tmp_path / "it ran"))}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"evil\.pth is not loaded: it holds more than tensors \(\w+\.mkdir\)"):
        pretrained(SMALL, tmp_path / "evil.pth")
    assert not (tmp_path / "it ran").exists()


def test_a_whole_model_in_a_file_is_refused_with_the_way_out(written):
    with pytest.raises(
        ValueError, match=r"SqueezeNet\).*Save the state dict: torch\.save\(model\.state_dict\(\), path"
    ):
        pretrained(SMALL, written(torchvision.models.squeezenet1_1()))


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("keep", [slice(0, 0), slice(0, 1000), slice(0, -1000)], ids=["empty", "head", "tail off"])
def test_a_file_that_broke_off_is_named_as_damaged(tmp_path, name, keep):
    state = state_of(SMALL)
    file = tmp_path / name
    (safetensors.torch.save_file if file.suffix == ".safetensors" else torch.save)(state, file)
    file.write_bytes(file.read_bytes()[keep])
    with pytest.raises(ValueError, match=rf"{name} is damaged or"):
        pretrained(SMALL, file)


def test_a_page_in_place_of_the_file_is_named_as_damaged(tmp_path):
    (tmp_path / "w.pth").write_text("<html>404 not found</html>")
    with pytest.raises(ValueError, match=r"w\.pth is damaged or was not written by torch\.save"):
        pretrained(SMALL, tmp_path / "w.pth")


def test_a_single_tensor_is_no_state_dict(written):
    with pytest.raises(ValueError, match="holds a Tensor, not a state dict"):
        pretrained(SMALL, written(torch.zeros(2)))


def test_a_path_without_a_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file '.*nothing\.pth': weights must be the path"):
        pretrained(SMALL, tmp_path / "nothing.pth")


def test_an_unknown_model_is_answered_with_the_nearest_and_where_the_list_is():
    with pytest.raises(LookupError, match=r"no model 'resnet81'; did you mean 'resnet18'\?.*list_models\(\) lists all"):
        pretrained("resnet81")
    with pytest.raises(LookupError, match="no model None"):
        pretrained(None)


def test_a_file_in_the_data_folder_is_taken_and_nothing_is_asked_for(tmp_path, monkeypatch, hub, asked):
    folder = tmp_path / "data" / "weights"
    folder.mkdir(parents=True)
    state = state_of(SMALL)
    torch.save(state_of("squeezenet1_0"), folder / "squeezenet1_0-other.pth")
    torch.save(state, folder / f"{SMALL}-mine.pth")
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "data"))
    net = pretrained("SqueezeNet1_1")
    assert same(net.model, state)
    assert net.source == folder / f"{SMALL}-mine.pth"
    assert (asked, hub.exists()) == ([], False)


def test_offline_the_error_says_what_was_tried_and_what_to_do(tmp_path, monkeypatch, hub, asked):
    monkeypatch.setenv("CNNWIDGETS_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError) as caught:
        pretrained("alexnet")
    address = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
    message = str(caught.value)
    assert message.splitlines()[:4] == [
        "There are no weights for alexnet.",
        "Looked for: alexnet.pth, alexnet-*.pth, alexnet.safetensors, alexnet-*.safetensors in "
        f"{tmp_path / 'data' / 'weights'}",
        f"Looked for: {hub / 'alexnet-owt-7be5be79.pth'}",
        f"Tried to download {address}, which failed: <urlopen error the network is unplugged>",
    ]
    assert "pretrained('alexnet', weights='path/of/alexnet-owt-7be5be79.pth')" in message
    assert asked == [address]
    assert list(hub.iterdir()) == []


def test_a_download_is_kept_where_torchvision_keeps_it_and_asked_for_once(hub, published, served):
    state = state_of(SMALL)
    content, name = published(state)
    addresses = served(content)
    for _ in range(2):
        net = pretrained(SMALL)
        assert same(net.model, state)
        assert net.source == hub / name
    assert addresses == [f"https://weights.example/models/{name}"]


def test_a_download_that_broke_off_is_noticed_and_not_kept(hub, published, served):
    content, name = published(state_of(SMALL))
    served(content[:-1000])
    with pytest.raises(FileNotFoundError, match=f"{name}, but what arrived is damaged and was not kept: invalid hash"):
        pretrained(SMALL)
    assert list(hub.iterdir()) == []


def test_a_kept_download_that_changed_later_is_noticed_and_not_used(hub, published, asked):
    content, name = published(state_of(SMALL))
    hub.mkdir(parents=True)
    changed = np.frombuffer(content, np.uint8).copy()
    changed[len(changed) // 2] ^= 1  # one bit of one weight: it would load
    (hub / name).write_bytes(changed.tobytes())
    with pytest.raises(ValueError, match=rf"{name} is damaged: its SHA-256 begins with .*Delete it"):
        pretrained(SMALL)
    assert asked == []
