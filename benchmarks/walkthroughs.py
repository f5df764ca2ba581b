"""The trainings of the walkthroughs, in full, against the figures that were published for them.

Command  `python benchmarks/walkthroughs.py [mnist | fashion | ants]`, with the data sets in `$CNNWIDGETS_DATA` or
         downloaded; `--epochs N` for a shorter run. Prints tables; those of the full runs stand in results.md.

mnist    LeNet-5, SGD 0.003, batch 128 in order, 20 epochs, seed 42 set after the model was built. As published, the
         validation loader is a random 30 % of the training images themselves; beside it a clean split (train on 70 %,
         validate on the other 30 %) and the 10,000 test images. Three initial weights, as the published were unseeded.
fashion  Both LeNet-5 variants, Adam 0.001, batch 64, 30 epochs: test loss and accuracy at the end, and at the epoch
         whose validation loss was lowest. Published for Keras.
ants     ResNet-18 with a new last layer, all layers trained or that one alone, SGD 0.001 with momentum 0.9, a tenth of
         the rate after each seven epochs, 5 epochs; batches of 32 instead of the published 100.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Sequence

import torch
from _table import markdown, where
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

import cnnwidgets as cw
from cnnwidgets.training.loop.loop import Score, evaluate

SEED = 42


def trained(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: DataLoader,
    valid: DataLoader,
    epochs: int,
    scheduler: object = None,
) -> tuple[cw.Trainer, dict[str, torch.Tensor], int]:
    """The trainer after its last epoch, and the weights and number of the epoch with the lowest validation loss."""
    trainer = cw.Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler, progress=False)
    trainer.set_loaders(train, valid)
    trainer.set_seed(SEED)
    best, number = float("inf"), -1
    weights: dict[str, torch.Tensor] = {}
    for epoch in range(epochs):
        trainer.train(1)
        loss = trainer.history.epochs[-1].valid_loss
        if loss is not None and loss < best:
            best, number, weights = loss, epoch, copy.deepcopy(model.state_dict())
    return trainer, weights, number


def score(trainer: cw.Trainer, dataset: Dataset) -> Score:
    """Loss and accuracy on a data set that the training did not see."""
    found = evaluate(trainer.model, DataLoader(dataset, 256), trainer.loss_fn)
    assert found is not None
    return found


def mnist(epochs: int) -> None:
    """LeNet-5 on MNIST."""
    published = {0: (2.29349, 2.28632), 1: (2.27442, 2.25871), 2: (2.22077, 2.15503), 3: (1.85172, 1.27419)}
    published |= {4: (0.82061, 0.59110), 5: (0.50765, 0.45872), 9: (0.30512, 0.29665), 14: (0.21989, 0.21282)}
    published |= {19: (0.17142, 0.16408)}
    train, test = cw.data.mnist(), cw.data.mnist(train=False)
    generator = torch.Generator().manual_seed(SEED)
    seventy, thirty = random_split(train, [0.7, 0.3], generator)
    rows, ends = [], []
    for name, learns, seed in [*(("as published", train, seed) for seed in (0, 1, 2)), ("clean split", seventy, 0)]:
        torch.manual_seed(seed)
        model = cw.models.lenet5()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.003)
        start = time.perf_counter()
        trainer, *_ = trained(model, optimizer, DataLoader(learns, 128), DataLoader(thirty, 128), epochs)
        took = time.perf_counter() - start
        last, unseen = trainer.history.epochs[-1], score(trainer, test)
        losses = [f"{loss:.4f}" for loss in (last.train_loss, last.valid_loss, unseen.loss)]
        ends.append([f"{name}, initial weights {seed}", *losses, f"{unseen.accuracy:.2%}", f"{took:.0f} s"])
        if seed == 1:
            for epoch in trainer.history.epochs:
                if epoch.epoch in published:
                    numbers = *published[epoch.epoch], epoch.train_loss, epoch.valid_loss
                    rows.append([epoch.epoch, *(f"{number:.4f}" for number in numbers)])
    print(markdown(["split", "train loss", "valid loss", "test loss", "test accuracy", "time"], ends))
    print(markdown(["epoch", "published train", "valid", "ours train (initial weights 1)", "valid"], rows))


def fashion(epochs: int) -> None:
    """Both LeNet-5 variants on Fashion-MNIST."""
    train, test = cw.data.fashion_mnist(), cw.data.fashion_mnist(train=False)
    learns, valid = random_split(train, [0.9, 0.1], torch.Generator().manual_seed(SEED))
    rows = []
    for padding, learnt in (("valid", train), ("valid", learns), ("same", train)):
        torch.manual_seed(0)
        model = cw.models.lenet5_variant(padding)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        start = time.perf_counter()
        loaders = DataLoader(learnt, 64, shuffle=True), DataLoader(valid, 256)
        trainer, weights, best = trained(model, optimizer, *loaders, epochs)
        took = time.perf_counter() - start
        first, last, end = trainer.history.epochs[0], trainer.history.epochs[-1], score(trainer, test)
        row = [f"{padding}, {len(learnt):,} images"]
        row += [f"{part.train_loss:.4f} / {part.train_accuracy:.4f}" for part in (first, last)]
        row.append(f"{end.loss:.4f} / {end.accuracy:.4f}")
        if learnt is learns:  # else the validation images were trained on, and choose nothing
            model.load_state_dict(weights)
            chosen = score(trainer, test)
            row.append(f"epoch {best}: {chosen.loss:.4f} / {chosen.accuracy:.4f}")
        else:
            row.append("")
        rows.append([*row, f"{took:.0f} s"])
    head = ["variant", "first epoch loss / accuracy", "last epoch", "test", "test at the best epoch", "time"]
    print(markdown(head, rows))


def ants(epochs: int) -> None:
    """ResNet-18 learns ants from bees."""
    rows = []
    for part in ("all", "last"):
        torch.manual_seed(0)
        model = cw.models.with_new_head(cw.models.pretrained("resnet18").model, 2, train=part)
        learning = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.SGD(learning, lr=0.001, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 7, 0.1)
        train = DataLoader(cw.data.hymenoptera(augment=True), 32, shuffle=True)
        valid = DataLoader(cw.data.hymenoptera(train=False), 32)
        start = time.perf_counter()
        trainer, *_ = trained(model, optimizer, train, valid, epochs, scheduler)
        took = time.perf_counter() - start
        for epoch in trainer.history.epochs:
            rows.append(
                [
                    f"{part} layers" if part == "all" else "last layer",
                    epoch.epoch,
                    f"{epoch.train_loss:.4f} / {epoch.train_accuracy:.4f}",
                    f"{epoch.valid_loss:.4f} / {epoch.valid_accuracy:.4f}",
                    f"{took / epochs:.0f} s",
                ]
            )
    print(markdown(["trained", "epoch", "train loss / accuracy", "validation", "time"], rows))


PARTS: dict[str, tuple[Callable[[int], None], int]] = {
    "mnist": (mnist, 20),
    "fashion": (fashion, 30),
    "ants": (ants, 5),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", choices=list(PARTS), default=[])
    parser.add_argument("--epochs", type=int)
    chosen = parser.parse_args(arguments)
    print(where("torch", "torchvision"))
    for name in chosen.parts or PARTS:
        run, epochs = PARTS[name]
        print(f"\n{run.__doc__}\n")
        run(chosen.epochs or epochs)


if __name__ == "__main__":
    main()
