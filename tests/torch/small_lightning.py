"""A small model and trainer of Lightning with the door to it, for tests."""

import importlib
import logging

import torch
from torch.utils.data import DataLoader, TensorDataset

from tamis.torch import RS2, InfoBatch, LightningCallback

N, EPOCHS, SIZE = 46, 4, 4
DRAW = torch.Generator().manual_seed(0)
INPUTS = torch.randn(N, 5, generator=DRAW)
LABELS = (INPUTS.sum(1) > 0).long()
DATA = TensorDataset(INPUTS, LABELS, torch.arange(N))
NAMES = ("lightning.pytorch", "pytorch_lightning")
QUIET = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
MAKE = {
    "rs2": lambda: RS2(N, 0.5, seed=3),
    "infobatch": lambda: InfoBatch(N, 0.9, epochs=EPOCHS, seed=3),
}


def parts(name):
    """A trainer and the classes of a model and of callbacks that save, of one of the names that Lightning has."""
    library = importlib.import_module(name)
    logging.getLogger(name).setLevel(logging.ERROR)

    class Network(library.LightningModule):
        def __init__(self, sampler):
            super().__init__()
            torch.manual_seed(1)
            self.net, self.sampler, self.seen, self.validated = torch.nn.Linear(5, 2), sampler, [], 0

        def on_train_start(self):
            state = self.trainer.callbacks[0].state_dict()["sampler"]
            self.place = state["epoch"], state["position"]

        def training_step(self, batch, number):
            inputs, labels, ids = batch
            self.seen.append((self.trainer.current_epoch, ids.tolist()))
            logits = self.net(inputs)
            losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
            loss = self.sampler.loss(ids, losses) if hasattr(self.sampler, "loss") else losses.mean()
            return {"loss": loss, "ids": ids, "logits": logits, "labels": labels, "losses": losses}

        def test_step(self, batch, number):
            self.tested = True

        def validation_step(self, batch, number):
            self.validated += 1

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.1)

    class AtEnd(library.callbacks.ModelCheckpoint):
        """Before the end of an epoch is reached, but after its last step; another class for a key of its own."""

    return library, Network, (library.callbacks.ModelCheckpoint, AtEnd)


def fit(
    folder,
    sampler,
    recorder,
    *,
    name=NAMES[0],
    resume=None,
    workers=0,
    batches=False,
    drop=False,
    size=SIZE,
    save=True,
    **more,
):
    library, Network, (Steps, AtEnd) = parts(name)
    more = {"max_epochs": EPOCHS, "reload_dataloaders_every_n_epochs": int(isinstance(sampler, InfoBatch)), **more}
    saving = [
        Steps(folder, filename="{step}", every_n_train_steps=2, save_top_k=-1),
        AtEnd(folder, filename="end-{epoch}", save_top_k=-1, save_on_train_epoch_end=False),
        Steps(folder, filename="over-{epoch}", save_top_k=-1, save_on_train_epoch_end=True),
    ]
    trainer = library.Trainer(
        callbacks=[LightningCallback(sampler, recorder), *saving * save], enable_checkpointing=save, **QUIET, **more
    )
    served = {"batch_size": size, "sampler": sampler, "drop_last": drop}
    served = {"batch_sampler": sampler.batches(size, drop)} if batches else served
    model = Network(sampler)
    trainer.fit(model, DataLoader(DATA, num_workers=workers, **served), DataLoader(DATA, 25), ckpt_path=resume)
    return model, trainer
