"""Networks that others wrote, built with random weights: of timm, and of libraries of other fields."""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Make = Callable[[], tuple[nn.Module, Tensor, Callable[[Any], Any] | None]]
FOR = r"(For[A-Z][a-z]+[A-Z][a-z]+|Model)$"
LARGEST = 30_000_000
"""Parameters of the largest architecture of timm that is walked."""


def of_timm(count: int) -> dict[str, Make]:
    """So many architectures of timm, the smallest of each family first, then the next of each."""
    import timm
    from timm.models import _registry

    families: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, size in _sizes(timm).items():
        if size <= LARGEST:
            families[_registry._model_to_module[name]].append((size, name))
    rounds = zip_longest(*(sorted(names) for names in families.values()))
    chosen = [entry[1] for turn in rounds for entry in turn if entry is not None][:count]
    return {f"timm:{name}": timm_model(name) for name in sorted(chosen)}


def timm_model(name: str) -> Make:
    """An architecture of timm, and an image of the size that it is made for."""

    def make() -> tuple[nn.Module, Tensor, None]:
        import timm

        model = timm.create_model(name, pretrained=False)
        return model, torch.rand(tuple(model.pretrained_cfg["input_size"])), None

    return make


def _sizes(timm: Any) -> dict[str, int]:
    """Parameters of each architecture; counted once for each version of timm, which takes minutes."""
    known = Path(tempfile.gettempdir()) / f"cnnwidgets-timm-{version('timm')}.json"
    if known.exists():
        return dict(json.loads(known.read_text()))
    sizes = {}
    for name in timm.list_models():
        try:
            with torch.device("meta"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = timm.create_model(name, pretrained=False)
        except Exception:  # computes with numbers while it is built
            model = timm.create_model(name, pretrained=False)
        sizes[name] = sum(parameter.numel() for parameter in model.parameters())
    known.write_text(json.dumps(sizes))
    return sizes


def of_others() -> dict[str, Make]:
    """Networks of other libraries, built from configurations; those of a library that is not there are left out."""
    found: dict[str, Make] = {}
    for add in (_transformers, _segmentation, _monai, _open_clip, _escnn, _spiking, _ultralytics):
        try:
            found |= add()
        except ImportError as error:
            print(f"left out: {error}")
    return found


def _transformers() -> dict[str, Make]:
    import transformers as hf

    def pixels(image: Tensor) -> dict[str, Tensor]:
        return {"pixel_values": image[None]}

    def build(kind: str, side: int, **options: Any) -> Make:
        def make() -> tuple[nn.Module, Tensor, Callable[[Any], Any]]:
            config = getattr(hf, re.sub(FOR, "Config", kind))(**options)
            return getattr(hf, kind)(config), torch.rand(3, side, side), pixels

        return make

    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    vit = {**small, "image_size": 64, "patch_size": 16}
    swin = {"image_size": 64, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}
    stages = {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1]}
    made = {
        "ViTForImageClassification": build("ViTForImageClassification", 64, **vit),
        "DeiTForImageClassification": build("DeiTForImageClassification", 64, **vit),
        "BeitForImageClassification": build("BeitForImageClassification", 64, **vit),
        "Data2VecVisionForImageClassification": build("Data2VecVisionForImageClassification", 64, **vit),
        "Dinov2ForImageClassification": build("Dinov2ForImageClassification", 64, **vit),
        "ViTMAEModel": build("ViTMAEModel", 64, **vit),
        "ViTMSNForImageClassification": build("ViTMSNForImageClassification", 64, **vit),
        "SwinForImageClassification": build("SwinForImageClassification", 64, **swin),
        "Swinv2ForImageClassification": build("Swinv2ForImageClassification", 64, **swin),
        "ConvNextForImageClassification": build("ConvNextForImageClassification", 64, **stages),
        "ConvNextV2ForImageClassification": build("ConvNextV2ForImageClassification", 64, **stages),
        "ResNetForImageClassification": build("ResNetForImageClassification", 64, embedding_size=16, **stages),
        "RegNetForImageClassification": build(
            "RegNetForImageClassification", 64, embedding_size=16, groups_width=16, **stages
        ),
        "PoolFormerForImageClassification": build("PoolFormerForImageClassification", 64, **stages),
        "LevitForImageClassification": build("LevitForImageClassification", 224),
        "MobileNetV1ForImageClassification": build("MobileNetV1ForImageClassification", 64),
        "MobileNetV2ForImageClassification": build("MobileNetV2ForImageClassification", 64),
        "EfficientNetForImageClassification": build("EfficientNetForImageClassification", 64),
        "SegformerForSemanticSegmentation": build("SegformerForSemanticSegmentation", 64),
        "CvtForImageClassification": build("CvtForImageClassification", 64),
        "FocalNetForImageClassification": build("FocalNetForImageClassification", 64, image_size=64, embed_dim=16),
        "BitForImageClassification": build("BitForImageClassification", 64, num_groups=8, embedding_size=16, **stages),
        "DPTForDepthEstimation": build("DPTForDepthEstimation", 64, **{**vit, "num_hidden_layers": 4},
                                       backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 16, 24, 32],
                                       fusion_hidden_size=16, is_hybrid=False),
    }  # fmt: skip
    return {f"transformers:{name}": make for name, make in made.items() if hasattr(hf, name)}


def _segmentation() -> dict[str, Make]:
    import segmentation_models_pytorch as smp

    def build(kind: str) -> Make:
        return lambda: (getattr(smp, kind)("resnet18", encoder_weights=None), torch.rand(3, 64, 64), None)

    return {f"smp:{kind}": build(kind) for kind in ("Unet", "FPN", "DeepLabV3Plus", "PSPNet", "Linknet", "MAnet")}


def _monai() -> dict[str, Make]:
    import monai.networks.nets as nets

    made: dict[str, Make] = {
        "UNet": lambda: (nets.UNet(2, 1, 2, (8, 16, 32), (2, 2)), torch.rand(1, 32, 32), None),
        "DenseNet": lambda: (nets.DenseNet121(2, 1, 3), torch.rand(1, 64, 64), None),
        "SegResNet": lambda: (nets.SegResNet(2, 8, 1, 2), torch.rand(1, 32, 32), None),
        "BasicUNet": lambda: (nets.BasicUNet(2, 1, 2), torch.rand(1, 32, 32), None),
        "UNet of volumes": lambda: (nets.UNet(3, 1, 2, (8, 16), (2,)), torch.rand(1, 1, 16, 16, 16), None),
    }
    return {f"monai:{name}": make for name, make in made.items()}


def _open_clip() -> dict[str, Make]:
    import open_clip

    def build(name: str) -> Make:
        return lambda: (open_clip.create_model(name, pretrained=None).visual, torch.rand(3, 224, 224), None)

    return {f"open_clip:{name}": build(name) for name in ("RN50", "ViT-B-32")}


def _escnn() -> dict[str, Make]:
    from escnn import gspaces
    from escnn import nn as equivariant

    def make() -> tuple[nn.Module, Tensor, Callable[[Any], Any]]:
        space = gspaces.rot2dOnR2(4)
        given = equivariant.FieldType(space, 3 * [space.trivial_repr])
        maps = equivariant.FieldType(space, 4 * [space.regular_repr])
        model = equivariant.SequentialModule(
            equivariant.R2Conv(given, maps, 3, padding=1), equivariant.InnerBatchNorm(maps), equivariant.ReLU(maps),
            equivariant.R2Conv(maps, maps, 3, padding=1), equivariant.GroupPooling(maps),
        )  # fmt: skip
        return model, torch.rand(3, 24, 24), lambda image: equivariant.GeometricTensor(image[None], given)

    return {"escnn:rotations": make}


def _spiking() -> dict[str, Make]:
    from spikingjelly.activation_based import layer, neuron

    def make() -> tuple[nn.Module, Tensor, None]:
        model = nn.Sequential(
            layer.Conv2d(3, 8, 3, padding=1), neuron.LIFNode(), layer.MaxPool2d(2), layer.Conv2d(8, 8, 3),
            neuron.IFNode(), nn.Flatten(), nn.Linear(8 * 10 * 10, 5),
        )  # fmt: skip
        return model, torch.rand(3, 24, 24), None

    return {"spikingjelly:convolutions": make}


def _ultralytics() -> dict[str, Make]:
    from ultralytics.nn.tasks import ClassificationModel, DetectionModel

    return {
        "ultralytics:yolov8n": lambda: (DetectionModel("yolov8n.yaml", verbose=False), torch.rand(3, 64, 64), None),
        "ultralytics:yolov8n-cls": lambda: (
            ClassificationModel("yolov8n-cls.yaml", verbose=False),
            torch.rand(3, 64, 64),
            None,
        ),
    }
