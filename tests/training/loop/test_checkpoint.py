"""A training in a file: whole or not at all."""

from __future__ import annotations

import errno

import pytest
import torch
from torch import nn

from cnnwidgets.training.loop import checkpoint
from cnnwidgets.training.loop.trainer import Trainer


def test_a_file_that_is_none_is_refused_in_plain_words(trainer, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        trainer.load(tmp_path / "nothing.pt")
    (tmp_path / "text.pt").write_text("a letter")
    with pytest.raises(ValueError, match="damaged, or not a checkpoint"):
        trainer.load(tmp_path / "text.pt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"is not a checkpoint of Trainer.save"):
        trainer.load(tmp_path / "weights.pt")


def test_half_a_file_is_refused(trainer, tmp_path):
    path = trainer.save(tmp_path / "training.pt")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="damaged"):
        trainer.load(path)


def test_a_number_that_changed_in_the_file_is_refused_before_anything_is_taken_over(trainer, line, tmp_path):
    line[0].weight.data.fill_(1.2345678)
    path = trainer.save(tmp_path / "training.pt")
    data = bytearray(path.read_bytes())
    data[data.index(line[0].weight.detach().numpy().tobytes())] ^= 1
    path.write_bytes(data)
    line[0].weight.data.fill_(7.0)
    with pytest.raises(ValueError, match=r"is damaged: the checksum of .*/data/0 in it is wrong"):
        trainer.load(path)
    assert line[0].weight.item() == 7


def test_every_byte_that_changed_is_told_or_changes_nothing(trainer, tmp_path):
    path = trainer.save(tmp_path / "training.pt")
    whole, state = path.read_bytes(), checkpoint.read(path)
    for at in range(0, len(whole), max(1, len(whole) // 200)):
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        path.write_bytes(data)
        try:
            assert repr(checkpoint.read(path)) == repr(state)  # dates and padding
        except ValueError as error:
            assert "damaged" in str(error)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "cnnwidgets training 2"}, "of another version of cnnwidgets: it is 'cnnwidgets training 2'"),
        ({"format": "a letter 1"}, "is not a checkpoint"),
        ({"history": None}, "is damaged: it has no history"),
    ],
)
def test_a_later_version_or_one_that_lacks_something_is_refused(trainer, tmp_path, change, said):
    path = trainer.save(tmp_path / "training.pt")
    state = checkpoint.read(path) | change
    torch.save({key: value for key, value in state.items() if value is not None}, path)
    with pytest.raises(ValueError, match=said):
        trainer.load(path)


def test_what_a_later_version_added_is_left_out(trainer, tmp_path):
    path = trainer.save(tmp_path / "training.pt")
    torch.save(checkpoint.read(path) | {"sound": "loud"}, path)
    trainer.load(path)


def test_another_model_is_refused_before_anything_is_taken_over(trainer, tmp_path):
    path = trainer.save(tmp_path / "training.pt")
    other = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 3))
    before = other[0].weight.item()
    stranger = Trainer(other, nn.MSELoss(), torch.optim.SGD(other.parameters(), lr=1.0))
    with pytest.raises(ValueError, match=r"another model: '1.weight' is \(3, 1\) in the model, not there"):
        stranger.load(path)
    assert other[0].weight.item() == before


def test_another_optimizer_or_scheduler_is_refused(trainer, line, tmp_path):
    path = trainer.save(tmp_path / "training.pt")
    adam = torch.optim.Adam(line.parameters())
    with pytest.raises(ValueError, match="optimizer SGD; here it is Adam"):
        Trainer(line, nn.MSELoss(), adam).load(path)
    sgd = torch.optim.SGD(line.parameters(), lr=0.1)
    step = torch.optim.lr_scheduler.StepLR(sgd, 1)
    with pytest.raises(ValueError, match="scheduler none; here it is StepLR"):
        Trainer(line, nn.MSELoss(), sgd, step).load(path)


def test_what_cannot_be_written_leaves_the_old_file(trainer, tmp_path, monkeypatch):
    path = trainer.save(tmp_path / "training.pt")
    before = path.read_bytes()

    def full(state, file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        trainer.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_written_after_each_epoch_and_when_the_training_is_stopped(trainer, tmp_path):
    trainer.checkpoint = tmp_path / "new folder" / "training.pt"
    trainer.train(1)
    assert checkpoint.read(trainer.checkpoint)["position"][:3] == [1, 0, 2]
    trainer.listeners.append(lambda step: trainer.stop())
    trainer.train(1)
    assert checkpoint.read(trainer.checkpoint)["position"][:4] == [1, 1, 3, 2]


def test_nan_leaves_the_last_good_checkpoint(trainer, batches, tmp_path):
    trainer.checkpoint = tmp_path / "training.pt"
    trainer.train(1)
    before = trainer.checkpoint.read_bytes()
    batches[1] = (torch.tensor([[float("nan")]]), torch.zeros(1, 1))
    with pytest.raises(FloatingPointError, match="step 3"):
        trainer.train(1)
    assert trainer.checkpoint.read_bytes() == before
