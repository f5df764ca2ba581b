"""What it costs to change what a network computes, against bare passes of the same run.

    python benchmarks/interventions.py [--models lenet5 resnet18 vgg16] [--reps 10]
                                       [--what passes effects ranking memory ticks]

Random weights, one random image of 224 x 224, on the CPU. The runs of one row are interleaved, so that drift of the
machine hits both sides. The bare pass is the quickest there is: evaluation mode, `torch.inference_mode`.

- `passes`: a pass with two channels switched off; and one behind a layer of the last third, whose output is known.
- `effects`: those of all channels of a layer, against as many bare passes in the quickest batches.
- `ranking`: the time until there is a first ranking, of a network that nobody has looked at.
- `memory`: the peak of the memory against a bare pass of as many images.
- `ticks`: in a JupyterLab in Chromium, from the click on the tick of an InterventionView to the frame in which the
  scores are painted, and to that in which the last picture of the later layers is.
"""

from __future__ import annotations

import argparse
import copy
import time

import torch
import torchvision
from _table import median, print_times, verdict, where
from capture import interleaved, peak_bytes, ratio
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.compute.effects.tail import Tail

LAYERS = {
    "lenet5": ("C1", "S4", "C3"),
    "resnet18": ("layer1", "layer4.0.bn1", "layer4"),
    "vgg16": ("features.3", "features.22", "features.30"),
}
"""Of each network: a layer with the largest maps, one in the last third, and one whose channels are all tried."""
LARGE = ("resnet18", "vgg16")
MEASURED = {"passes": LARGE, "effects": LARGE, "ranking": LARGE, "memory": LARGE, "ticks": ("lenet5", "resnet18")}
"""Row -> the networks that it is measured of."""
BATCHES = (1, 4, 8, 16, 32)
RANKED = 8
"""Channels of a first ranking: as many as a view lists."""


TICK = """() => {
    const card = document.querySelector('.cnnw');
    const seen = selector => [...card.querySelectorAll(selector)].filter(each => each.getClientRects().length);
    const texts = () => seen('.cnnw-title, .cnnw-bars').map(each => each.textContent).join();
    const pictures = () => seen('img, image').map(each => each.href?.baseVal ?? each.src).join();
    const painted = () => new Promise(done => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    }));
    window.ticked = new Promise(done => {
        let start, scores, last, waiting, drawn = pictures();
        const text = texts();
        document.addEventListener('click', event => { start = event.timeStamp; }, {capture: true, once: true});
        const observer = new MutationObserver(() => {
            if (start === undefined) return;
            if (!scores && texts() !== text) scores = painted();
            if (pictures() !== drawn) { drawn = pictures(); last = painted(); }
            clearTimeout(waiting);
            waiting = setTimeout(async () => {
                observer.disconnect();
                done(scores && last && {scores: await scores - start, pictures: await last - start});
            }, 700);
        });
        observer.observe(card, {subtree: true, childList: true, attributes: true, characterData: true});
    });
}"""
"""JavaScript: times the next click, to the frame in which title and scores are others, which turn together, and to that
of the last new picture."""


def bare(model: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return model(images)


def passes(model: nn.Module, image: Tensor, name: str, reps: int) -> None:
    """A pass with two channels off, and one behind the layer alone."""
    first, late, _ = LAYERS[name]
    with cw.intervene(model, {late: cw.Ablate(channels=[3, 7])}) as intervention:
        bare(model, image)
    assert intervention.count == 1
    tail = Tail(model, image, late, score="logit", prepare=None)
    number = torch.tensor([0])

    def off(values: Tensor) -> None:
        values[:, [3, 7]] = 0

    def ablated(layer: str) -> None:
        with cw.intervene(model, {layer: cw.Ablate(channels=[3, 7])}):
            bare(model, image)

    tail(number, off)  # the first one runs whole too
    times = interleaved(
        reps,
        bare=lambda: bare(model, image),
        early=lambda: ablated(first),
        late=lambda: ablated(late),
        behind=lambda: tail(number, off),
    )
    print_times([*times.items()])
    verdict(f"{name}: two channels of {first} off, of a bare pass", ratio(times, "early"), 1.1)
    verdict(f"{name}: two channels of {late} off, of a bare pass", ratio(times, "late"), 1.1)
    verdict(f"{name}: what is behind {late} alone, of a bare pass", ratio(times, "behind"), 0.6)


def effects(model: nn.Module, image: Tensor, name: str, reps: int) -> None:
    """All channels of a layer against as many bare passes at their best batch."""
    layer = LAYERS[name][2]
    each: dict[int, list[float]] = {count: [] for count in BATCHES}
    all_of_them: list[float] = []
    for _ in range(reps):
        for count, times in each.items():
            images = image.repeat(count, 1, 1, 1)
            start = time.perf_counter()
            bare(model, images)
            times.append((time.perf_counter() - start) / count)
        start = time.perf_counter()
        ablator = cw.ChannelAblator(model, image, layer)
        for _ in ablator:
            pass
        all_of_them.append(time.perf_counter() - start)
    best = min(each, key=lambda count: min(each[count]))
    channels = ablator.total
    print(f"\n{name}, {layer}: {ablator.words}")
    print(f"bare passes are quickest {best} at a time, {1e3 * min(each[best]):.1f} ms each")
    share = min(all_of_them) / (channels * min(each[best]))
    verdict(f"{name}: effects of {channels} channels of {layer}, of {channels} bare passes", share, 0.5)


def ranking(model: nn.Module, image: Tensor, name: str, reps: int) -> None:
    """Until there is a first ranking of a network that nobody has looked at."""

    def first() -> None:
        ablator = cw.ChannelAblator(copy.deepcopy(model), image, LAYERS[name][2])
        while ablator.done < RANKED:
            ablator.step()

    times = interleaved(reps, bare=lambda: bare(model, image), copy=lambda: copy.deepcopy(model), first=first)
    print_times([*times.items()])
    seconds = (median(times["first"]) - median(times["copy"])) / 1e3
    verdict(f"{name}: until a first ranking", seconds, 0.5, unit=" s")
    print(f"{name}: until a first ranking, in bare passes of one image: {1e3 * seconds / median(times['bare']):.1f}")


def memory(model: nn.Module, image: Tensor, name: str) -> None:
    """Peaks against a bare pass of as many images."""
    first, late, layer = LAYERS[name]
    for each in (first, late):
        with cw.intervene(model, {each: cw.Ablate(channels=[3, 7])}):
            bare(model, image)  # the first one may ask for the layer table
            peak = peak_bytes(lambda: bare(model, image))
        verdict(f"{name}: peak with {each} edited, of a bare pass", peak / peak_bytes(lambda: bare(model, image)), 1.3)
    batch = 16
    peak = peak_bytes(lambda: cw.channel_effects(model, image, layer, batch_size=batch, progress=False))
    own = peak_bytes(lambda: bare(model, image.repeat(batch, 1, 1, 1)))
    verdict(f"{name}: peak of the effects, of a bare pass of {batch} images", peak / own, 1.3)


def ticks(name: str, reps: int) -> None:
    """From the click on the tick to the painted scores, and to the last picture of the later layers."""
    from _lab import in_kernel, lab_page  # needs a browser, which the other rows do not

    made = (
        "model, data = cw.models.lenet5(pretrained=True), cw.data.digits()"
        if name == "lenet5"
        else f"model, data = torchvision.models.get_model({name!r}, weights=None).eval(), torch.rand(2, 3, 224, 224)"
    )
    layer = LAYERS[name][2 if name == "lenet5" else 0]
    cell = f"""
import time
import torch
import torchvision
import cnnwidgets as cw

torch.manual_seed(0)
{made}
image = data[0][None] if isinstance(data, torch.Tensor) else data[0][0][None]
view = cw.InterventionView(model, data, layer={layer!r})
view.settle()
display(view)
"""
    bare_pass = """
with torch.inference_mode():
    model(image)
    start = time.perf_counter()
    model(image)
print(1e3 * (time.perf_counter() - start))
"""
    with lab_page(cell) as page:
        tick = page.get_by_label("off", exact=True).first
        for what, others in {"the first tick": "()", "another tick": "(0,)"}.items():
            times: dict[str, list[float]] = {"bare": [], "scores": [], "pictures": []}
            for rep in range(reps + 2):
                in_kernel(page, f"view.off = {others}; view.channel = {1 + rep % 15}")
                page.wait_for_timeout(1000)
                passed = float(in_kernel(page, bare_pass))
                page.evaluate(TICK)
                tick.click()
                found = page.evaluate("() => window.ticked")
                if rep >= 2 and found:
                    for key, value in {"bare": passed, **found}.items():
                        times[key].append(value)
            print(f"\n{name}, {what}")
            print_times([*times.items()])
            over = median(times["scores"]) - median(times["bare"])
            verdict(f"{name}: from the tick to the painted scores, over a bare pass", over, 60, unit=" ms")
            later = median(times["pictures"]) - median(times["scores"])
            verdict(f"{name}: from these to the last picture of the later layers", later, 100, unit=" ms")


def main() -> None:
    """Print the figures of each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=[*LAYERS], choices=[*LAYERS])
    parser.add_argument("--what", nargs="+", default=[*MEASURED], choices=[*MEASURED])
    parser.add_argument("--reps", type=int, default=10)
    options = parser.parse_args()
    print(where("torch", "torchvision"), f"{torch.get_num_threads()} threads")
    for name in options.models:
        rows = [what for what in options.what if name in MEASURED[what]]
        print(f"\n{name}")
        if "ticks" in rows:
            ticks(name, options.reps)
        if name == "lenet5":
            continue
        torch.manual_seed(0)
        model, image = torchvision.models.get_model(name, weights=None).eval(), torch.rand(1, 3, 224, 224)
        if "passes" in rows:
            passes(model, image, name, options.reps)
        if "effects" in rows:
            effects(model, image, name, max(2, options.reps // 5))
        if "ranking" in rows:
            ranking(model, image, name, max(2, options.reps // 2))
        if "memory" in rows:
            memory(model, image, name)


if __name__ == "__main__":
    main()
