"""Every view of the package is held to the contract, and what breaks it is found and said."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
import torch
import traitlets as T
from torch import nn
from torch.utils.data import DataLoader

import cnnwidgets as cw
from cnnwidgets import views
from cnnwidgets.testing import ContractError, check_view

PAGE = Path(__file__).parents[1] / "docs" / "pages" / "howto" / "my_view.md"


def network() -> nn.Sequential:
    """Two convolutions, a pooling and a linear layer, for 1 x 8 x 8 images and 3 classes."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"], layers["relu"] = nn.Conv2d(1, 2, 3), nn.ReLU()
    layers["more"], layers["pool"] = nn.Conv2d(2, 3, 3), nn.AdaptiveMaxPool2d(2)
    layers["flat"], layers["fc"] = nn.Flatten(), nn.Linear(12, 3)
    return nn.Sequential(layers)


def images() -> list[tuple[torch.Tensor, int]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(1, 8, 8, generator=generator), at % 3) for at in range(6)]


def trainer(folder: Path) -> cw.Trainer:
    model = network()
    trainer = cw.Trainer(model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), 0.1), progress=False)
    trainer.set_loaders(DataLoader(images(), 3), DataLoader(images(), 3))
    trainer.recorder = cw.Recorder(model, ["conv"], [image for image, _ in images()[:2]], folder / "film")
    trainer.train(1)
    return trainer


MAKES: dict[str, Callable[[Path], cw.ModelView]] = {
    "ActivationView": lambda folder: cw.ActivationView(network(), images()),
    "AttributionView": lambda folder: cw.AttributionView(network(), images(), methods=["saliency"]),
    "ChannelsView": lambda folder: cw.ChannelsView(cw.scan(network(), images(), progress=False)),
    "CompareFrames": lambda folder: cw.CompareFrames(trainer(folder).recorder.recording),
    "CompareView": lambda folder: cw.CompareView([network(), network()], images()),
    "ConvolutionView": lambda folder: cw.ConvolutionView(network(), images()),
    "EmbeddingView": lambda folder: cw.EmbeddingView(network(), images(), "fc", method="pca"),
    "ExamplesView": lambda folder: cw.ExamplesView(network(), images()),
    "ExploreView": lambda folder: cw.ExploreView(network(), images()),
    "FilmView": lambda folder: cw.FilmView(trainer(folder).recorder.recording),
    "FilterView": lambda folder: cw.FilterView(network(), images()),
    "InterventionView": lambda folder: cw.InterventionView(network(), images(), off=(1,)),
    "KernelPlayground": lambda folder: cw.KernelPlayground(),
    "MaximizeView": lambda folder: cw.MaximizeView(network(), images(), steps=3),
    "ModelSummary": lambda folder: cw.ModelSummary(network(), images()[0][0]),
    "OcclusionView": lambda folder: cw.OcclusionView(network(), images(), window=4, stride=4),
    "ReceptiveFieldView": lambda folder: cw.ReceptiveFieldView(network(), images()),
    "SignatureView": lambda folder: cw.SignatureView(network(), images(), "fc", count=2),
    "TrainingView": lambda folder: cw.TrainingView(trainer(folder), images()),
}


@pytest.mark.parametrize("name", [*views.__all__, "ExploreView"])
def test_every_view_keeps_the_contract(name, tmp_path_factory):
    check_view(lambda: MAKES[name](tmp_path_factory.mktemp("view")))


def test_the_view_of_the_how_to_keeps_it_too():
    names: dict[str, object] = {"__name__": "__main__"}
    block, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, PAGE.name, "exec"), names)
    check_view(lambda: names["ChannelStats"](network(), images(), images=2))


# ---------------------------------------------------------------------- what breaks it


class Plain(cw.ImageView):
    """The mean of a layer, and nothing wrong."""

    digits = T.Enum((1, 2, 3), 2, help="digits of the mean").tag(display=True)

    def controls(self):
        return [self.layer_control(), self.image_control()]

    def compute(self):
        self.mean = float(self.snapshot.output(self.layer).mean())

    def panels(self):
        return [cw.Panel(f"{self.layer} · image {self.snapshot.index}", lines=[f"{self.mean:.{self.digits}f}"])]


class Runs(Plain):
    def panels(self):
        self.subject.module(self.item.image[None])
        return super().panels()


class Hooks(Plain):
    def compute(self):
        super().compute()
        self.subject.module.register_forward_hook(lambda *_: None)


class Trains(Plain):
    def compute(self):
        super().compute()
        with torch.no_grad():
            self.subject.module.conv.weight += 1


class Notes(Plain):
    def compute(self):
        super().compute()
        held = vars(self.subject.module.conv).setdefault("notes", {"seen": []})
        held["seen"].append(self.mean)


class Freezes(Plain):
    def compute(self):
        super().compute()
        self.subject.module.fc.bias.requires_grad_(self.subject.module.fc.bias.requires_grad is False)


class Draws(Plain):
    def compute(self):
        super().compute()
        self.mean += float(torch.rand(()))


class Forgets(Plain):
    def close(self):
        self._closed = True


class Accepts(Plain):
    anything = T.Any(0, help="whatever").tag(display=True)


class Moves(Plain):
    moves = 0

    def panels(self):
        self.moves += 1
        return [cw.Panel(f"drawn {self.moves} times")]


class Differs(Plain):
    def picture(self, *, dark=False):
        return torch.zeros(2, 2, 3, dtype=torch.uint8).numpy() + (1 if dark else 0)

    def save(self, path, *, dark=False):
        return cw.Panel and super().save(path, dark=not dark)


class Injects(Plain):
    def build_note(self):
        return self.subject.items.class_name(0)

    def controls(self):
        import ipywidgets as W

        return [*super().controls(), W.HTML(self.build_note())]


BROKEN = {
    Runs: "digits is a display trait, and digits=1 ran the model",
    Hooks: r"looking changed model\._forward_hooks\[1\]",
    Trains: r"looking changed model\._modules\[conv\]\._parameters\[weight\]",
    Notes: r"looking changed model\._modules\[conv\]\.notes\[seen\]\[\d+\]",
    Freezes: r"looking changed model\._modules\[fc\]\._parameters\[bias\]",
    Draws: "looking changed random numbers",
    Forgets: "leaves .* widgets open",
    Accepts: "anything accepts any object",
    Moves: "another picture|refused value",
    Differs: "save\\(\\) writes another picture",
    Injects: "looks like HTML",
}


def test_a_view_that_does_nothing_wrong_passes():
    check_view(lambda: Plain(network(), images()))


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_view_that_breaks_a_rule_is_told_which(kind):
    with pytest.raises(
        ContractError, match=f"{kind.__name__}: .*{BROKEN[kind]}" if kind is not Moves else BROKEN[kind]
    ):
        check_view(lambda: kind(network(), images()))


def test_only_a_view_can_be_checked():
    with pytest.raises(TypeError, match=r"make\(\) must give a ModelView, not Sequential"):
        check_view(network)


# ---------------------------------------------------------------------- what the base says itself


def test_a_view_without_panels_is_refused_in_words():
    class Empty(cw.ModelView):
        pass

    with pytest.raises(TypeError, match="Empty describes no panels: write panels"):
        Empty()


def test_a_trait_without_a_role_is_refused_in_words():
    class Untagged(Plain):
        note = T.Unicode()

    with pytest.raises(TypeError, match="the trait 'note' of Untagged has no role"):
        Untagged(network(), images())


def test_a_slider_that_is_no_trait_is_refused_in_words():
    class Sliding(Plain):
        sliders: ClassVar[dict[str, str]] = {"image": "Image"}

    with pytest.raises(TypeError, match="sliders of Sliding names 'image', which is no trait of it"):
        Sliding(network(), images())


def test_what_an_exported_page_is_to_paint_is_a_trait():
    class Painting(Plain):
        painted = ("colours",)

    with pytest.raises(TypeError, match="painted of Painting names 'colours', which is no trait of it"):
        Painting(network(), images())


def test_a_trait_of_which_choices_knows_nothing_is_refused_in_words(tmp_path):
    class Wide(Plain):
        sliders: ClassVar[dict[str, str]] = {"width": "Width"}
        width = T.Float(1.0, help="of a line").tag(display=True)

    view = Wide(network(), images())
    with pytest.raises(LookupError, match=r"Wide\.choices says nothing of 'width': extend it"):
        view.to_html(tmp_path / "view.html")


def test_panels_that_give_nothing_are_refused_in_words(widgets):
    class Nothing(Plain):
        def panels(self):
            return []

    before = widgets()
    with pytest.raises(ValueError, match=r"Nothing.panels\(\) gave no panel"):
        Nothing(network(), images())
    assert widgets() == before


def test_a_layer_that_compute_does_not_look_at_is_looked_at_all_the_same():
    view = Plain(network(), images(), layer="conv")
    view.layer = "fc"
    assert view.layer_row.name == "fc"
    assert view.panel("0.0").heading == "fc · image 0"
