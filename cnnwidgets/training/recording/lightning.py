"""Recording a training that PyTorch Lightning runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...late import imported
from .recorder import Recorder


def lightning_callback(recorder: Recorder) -> Any:
    """A Lightning callback that records: `lightning.Trainer(callbacks=[lightning_callback(recorder)])`.

    Parameters
    ----------
    recorder : Recorder
        Created with the LightningModule, or with a network inside it; layer names are relative to that module.

    Returns
    -------
    lightning.pytorch.Callback
        For one training on one device.

    Raises
    ------
    ImportError
        Neither `lightning` nor `pytorch_lightning` is installed.
    """
    try:
        base = imported("lightning.pytorch").Callback
    except ImportError:
        base = imported("pytorch_lightning").Callback

    class Record(base):  # type: ignore[misc, valid-type]
        def on_train_start(self, trainer: Any, module: Any) -> None:
            recorder.__enter__()

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            batches = trainer.num_training_batches  # infinite if the loader has no length
            of = int(batches) if batches != float("inf") else None
            recorder.step(trainer.current_epoch, batch_idx, of=of, loss=_loss(trainer, module, outputs))

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            recorder.end_epoch(trainer.current_epoch)

        def on_train_end(self, trainer: Any, module: Any) -> None:
            recorder.__exit__(None, None, None)

        def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
            recorder.__exit__(type(exception), exception, exception.__traceback__)

    return Record()


def _loss(trainer: Any, module: Any, outputs: Any) -> Any:
    """Loss of a batch, as the training step gave it; None where it gave none.

    Lightning hands on an empty dict where the step returned None (manual optimisation, a batch that is skipped), and
    with automatic optimisation divides the loss by the number of batches whose gradients are accumulated.
    """
    loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    if loss is None or not getattr(module, "automatic_optimization", True):
        return loss
    return loss * (getattr(trainer, "accumulate_grad_batches", None) or 1)
