"""A picture of every view, for the README and the site: `python docs/pictures.py`.

Writes the static pictures that the views themselves make to `docs/pages/pictures`; needs no browser and no download.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

import cnnwidgets as cw

FOLDER = Path(__file__).parent / "pages" / "pictures"


def views() -> Iterator[tuple[str, cw.ModelView]]:
    """Each view by the name of its page, on the LeNet-5 and the digits that come with the package."""
    torch.manual_seed(0)
    model, digits = cw.models.lenet5(pretrained=True), cw.data.digits()
    yield "explore", cw.explore(model, digits, index=3)
    lesson = cw.lessons.filters(model, digits, seed=3, count=1)
    lesson.answer(lesson.right)
    yield "lesson", lesson
    yield "activation", cw.ActivationView(model, digits, layer="func1", index=0, channel=2)
    scan = cw.scan(model, digits, ["C1", "S2", "C3", "func3", "F6"], progress=False)
    yield "examples", cw.ExamplesView(model, digits, scan, layer="C3", channel=2, index=3, example=2)
    yield "channels", cw.ChannelsView(scan, layer="C3", channel=12, target=3, chosen=(4, 8))
    yield "filter", cw.FilterView(model, digits, layer="C3", filter=3)
    yield "convolution", cw.ConvolutionView(model, digits, layer="C1", index=3, channel=4, pixel=(10, 14))
    yield "playground", cw.KernelPlayground()
    yield "receptive_field", cw.ReceptiveFieldView(model, digits, layer="C3", index=3, channel=12)
    yield "occlusion", cw.OcclusionView(model, digits, index=3, window=6, stride=2)
    yield "intervention", cw.InterventionView(model, digits, index=14, layer="C3", off=(1, 13))
    tuned = copy.deepcopy(model)
    with torch.no_grad():
        tuned.C3.weight += 0.1 * torch.randn(tuned.C3.weight.shape, generator=torch.Generator().manual_seed(0))
    yield "comparison", cw.compare([model, tuned], digits, index=3, layer="C3", channel=5, sample=64)
    yield "maximization", cw.MaximizeView(model, digits, layer="C3", channel=12, count=4)
    yield "attribution", cw.AttributionView(model, digits, index=3)
    yield "signature", cw.SignatureView(model, digits, layer="F6", targets=[1, 3, 5])
    yield "embedding", cw.EmbeddingView(model, digits, layer="F6", count=300)
    yield "summary", cw.ModelSummary(cw.models.lenet5_variant(), digits[0][0])
    learner = cw.models.lenet5()
    trainer = cw.Trainer(learner, nn.CrossEntropyLoss(), torch.optim.Adam(learner.parameters(), 2e-3), progress=False)
    batches = [digits[at] for at in range(1280)], [digits[at] for at in range(1280, 1797)]
    trainer.set_loaders(DataLoader(batches[0], 64), DataLoader(batches[1], 256))
    with tempfile.TemporaryDirectory() as folder:
        trainer.recorder = cw.Recorder(learner, ["C1", "C3"], batches[1][:8], Path(folder) / "film", every=5)
        trainer.train(3)
        yield "training", cw.TrainingView(trainer, layer="C1")
        yield "film", cw.FilmView(trainer.recorder.recording, layer="C1", frame=8, channel=1)
        yield "comparison_frames", cw.CompareFrames(trainer.recorder.recording, layer="C1", channel=1)


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, view in views():
        view.settle()  # the whole map of an occlusion, the whole ranking of an intervention, every step of a picture
        path = FOLDER / f"{name}.png"
        picture = Image.fromarray(view.picture())
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:,.0f} kB")
        view.close()


if __name__ == "__main__":
    main()
