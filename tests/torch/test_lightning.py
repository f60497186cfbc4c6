"""The door to Lightning: a run that was cut off goes on exactly, wherever in an epoch its checkpoint was saved."""

import importlib
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.torch import RS2, InfoBatch, LightningCallback, Recorder  # noqa: E402

N, EPOCHS, SIZE = 46, 4, 4
DRAW = torch.Generator().manual_seed(0)
INPUTS = torch.randn(N, 5, generator=DRAW)
LABELS = (INPUTS.sum(1) > 0).long()
DATA = TensorDataset(INPUTS, LABELS, torch.arange(N))
NAMES = ("lightning.pytorch", "pytorch_lightning")
MAKE = {
    "rs2": lambda: RS2(N, 0.5, seed=3),
    "infobatch": lambda: InfoBatch(N, 0.9, epochs=EPOCHS, seed=3),
}

pytestmark = pytest.mark.filterwarnings("ignore")


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
            self.place = self.trainer.callbacks[0].state_dict()["sampler"]["position"]

        def training_step(self, batch, number):
            inputs, labels, ids = batch
            self.seen.append((self.trainer.current_epoch, ids.tolist()))
            logits = self.net(inputs)
            losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
            loss = self.sampler.loss(ids, losses) if hasattr(self.sampler, "loss") else losses.mean()
            return {"loss": loss, "ids": ids, "logits": logits, "labels": labels, "losses": losses}

        def validation_step(self, batch, number):
            self.validated += 1

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.1)

    class AtEnd(library.callbacks.ModelCheckpoint):
        """Before the end of an epoch is reached, but after its last step; another class for a key of its own."""

    return library, Network, (library.callbacks.ModelCheckpoint, AtEnd)


def fit(
    folder, sampler, recorder, *, name=NAMES[0], resume=None, workers=0, batches=False, drop=False, save=True, **more
):
    library, Network, (Steps, AtEnd) = parts(name)
    more = {"max_epochs": EPOCHS, "reload_dataloaders_every_n_epochs": int(isinstance(sampler, InfoBatch)), **more}
    saving = [
        Steps(folder, filename="{step}", every_n_train_steps=2, save_top_k=-1),
        AtEnd(folder, filename="end-{epoch}", save_top_k=-1, save_on_train_epoch_end=False),
    ]
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    trainer = library.Trainer(
        callbacks=[LightningCallback(sampler, recorder), *saving * save], enable_checkpointing=save, **quiet, **more
    )
    served = {"batch_size": SIZE, "sampler": sampler, "drop_last": drop}
    served = {"batch_sampler": sampler.batches(SIZE, drop)} if batches else served
    model = Network(sampler)
    trainer.fit(model, DataLoader(DATA, num_workers=workers, **served), DataLoader(DATA, 25), ckpt_path=resume)
    return model, trainer


@pytest.mark.parametrize(
    ("kind", "accumulated", "more"),
    [
        ("rs2", 1, {}),
        ("rs2", 2, {"workers": 1}),
        ("rs2", 2, {"batches": True, "name": NAMES[1]}),
        ("infobatch", 1, {}),
        ("infobatch", 1, {"drop": True}),
        ("infobatch", 2, {}),
        ("infobatch", 2, {"batches": True, "name": NAMES[1]}),
    ],
)
def test_a_run_that_was_cut_off_goes_on_exactly(kind, accumulated, more, tmp_path):
    if "name" in more:
        pytest.importorskip(more["name"])
    recorder, more = Recorder(N, classes=2), {"accumulate_grad_batches": accumulated, **more}
    whole, trainer = fit(tmp_path, MAKE[kind](), recorder, **more)
    epochs = [[id for at, ids in whole.seen if at == epoch for id in ids] for epoch in range(EPOCHS)]
    assert all(len(one) == len({*one}) for one in epochs)
    if kind == "rs2":
        sampler = MAKE[kind]()
        assert epochs == [list(sampler) for _ in range(EPOCHS)]
    assert not more.get("drop") or all(len(ids) == SIZE for _, ids in whole.seen)
    lengths = [-(-len(one) // SIZE) for one in epochs]
    assert trainer.global_step == sum(-(-length // accumulated) for length in lengths)
    assert whole.validated == 2 * (EPOCHS + 1), "an epoch that is shorter than the first was not validated"
    saved = sorted(tmp_path.glob("*.ckpt"))
    middles = 0
    for path in saved if not more.get("workers") else saved[::3]:
        known = Recorder(N, classes=2)
        again, resumed = fit(tmp_path, MAKE[kind](), known, resume=path, save=False, **more)
        place = len(whole.seen) - len(again.seen)
        assert again.seen == whole.seen[place:], path.name
        if again.seen and whole.seen[place - 1][0] == again.seen[0][0]:
            middles += 1
            assert again.place == sum(len(ids) for epoch, ids in whole.seen[:place] if epoch == again.seen[0][0])
        assert resumed.global_step == trainer.global_step
        left, right = recorder.scores(), known.scores()
        assert all(np.array_equal(left[one], right[one], equal_nan=True) for one in left)
        assert all(map(torch.equal, whole.state_dict().values(), again.state_dict().values()))
    assert middles > 0


def test_no_false_alarm(tmp_path):
    fit(tmp_path, MAKE["rs2"](), None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit(tmp_path, MAKE["rs2"](), None, resume=tmp_path / "step=2.ckpt", save=False)
    assert [one for one in told if "resuming from a checkpoint" in str(one.message)] == []


def test_losses_alone(tmp_path):
    recorder = Recorder(N)
    fit(tmp_path, MAKE["rs2"](), recorder, save=False, max_epochs=2)
    assert (recorder.dynamics.state["visits"] == 1).all() and np.isfinite(recorder.scores()["loss"]).all()


def test_what_is_refused(tmp_path):
    def refused(said, sampler, recorder=None, **more):
        with pytest.raises(Refused, match=said):
            fit(tmp_path / "other", sampler, recorder, save=False, **more)

    refused("reload_dataloaders_every_n_epochs=0", MAKE["infobatch"](), reload_dataloaders_every_n_epochs=0)
    refused("RS2: it is of world=2", RS2(N, 0.5, rank=0, world=2, even=True))
    refused("RS2: it is of 9 examples", RS2(9, 0.9))
    refused("train_dataloader: it does not draw from the sampler", MAKE["rs2"](), overfit_batches=2)
    fit(tmp_path, MAKE["rs2"](), None, max_epochs=1)
    saved = tmp_path / "step=2.ckpt"
    refused("no state of a recorder", MAKE["rs2"](), Recorder(N), resume=saved)
    refused("saved with seed=3", RS2(N, 0.5), resume=saved)
    callback = LightningCallback(MAKE["rs2"](), Recorder(N, classes=2))
    with pytest.raises(Refused, match="it returned Tensor, without 'ids'"):
        callback.on_train_batch_end(None, None, torch.ones(()), None, 0)


def test_nothing_is_imported_before_it_is_used():
    code = "import sys, tamis.torch; tamis.torch.RS2; print({'lightning', 'transformers'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
