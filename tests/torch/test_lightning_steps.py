"""The door to Lightning: what is recorded, what a test leaves alone, and what is refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from torch.utils.data import DataLoader  # noqa: E402

from tamis.errors import Refused  # noqa: E402
from tamis.torch import RS2, LightningCallback, Recorder  # noqa: E402

from .small_lightning import DATA, EPOCHS, MAKE, NAMES, QUIET, SIZE, N, fit, parts  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def test_epochs_of_a_history(tmp_path):
    """Draws that know nothing of each other: the visits of an example do not tell the epoch."""
    recorder = Recorder(N, classes=2, history=tmp_path / "history")
    model, _ = fit(tmp_path, RS2(N, 0.5, seed=3, replacement=True), recorder, save=False)
    recorder.state_dict()  # which writes
    seen = np.isfinite(np.load(tmp_path / "history" / "margins.npy"))
    wanted = np.zeros_like(seen)
    for epoch, ids in model.seen:
        wanted[ids, epoch] = True
    np.testing.assert_array_equal(seen, wanted)


def test_a_checkpoint_that_is_tested_turns_nothing_back(tmp_path):
    recorder, sampler = Recorder(N, classes=2), MAKE["rs2"]()
    model, trainer = fit(tmp_path, sampler, recorder)
    known = recorder.dynamics.state["visits"].sum()
    trainer.test(model, DataLoader(DATA, 25), ckpt_path=tmp_path / "step=2.ckpt", verbose=False)
    assert model.tested and sampler.epoch == EPOCHS
    assert recorder.dynamics.state["visits"].sum() == known == EPOCHS * 23


def test_a_callback_that_went_on_begins_anew(tmp_path):
    fit(tmp_path, MAKE["rs2"](), None, max_epochs=1)
    library, Network, _ = parts(NAMES[0])
    sampler = MAKE["rs2"]()
    callback = LightningCallback(sampler)
    for size, resume, count in ((SIZE, tmp_path / "step=2.ckpt", 23 - 2 * SIZE), (5, None, 23)):
        model = Network(sampler)
        trainer = library.Trainer(max_epochs=1, callbacks=[callback], enable_checkpointing=False, **QUIET)
        trainer.fit(model, DataLoader(DATA, size, sampler=sampler), ckpt_path=resume)
        assert [id for _, ids in model.seen for id in ids] == [*MAKE["rs2"]()][-count:]


def test_steps_that_are_left_out_are_not_recorded():
    library, Network, _ = parts(NAMES[0])

    class Fitful(Network):
        def training_step(self, batch, number):
            return super().training_step(batch, number) if number % 2 else None

    recorder, sampler = Recorder(N, classes=2), MAKE["rs2"]()
    callback = LightningCallback(sampler, recorder)
    trainer = library.Trainer(max_epochs=1, callbacks=[callback], enable_checkpointing=False, **QUIET)
    trainer.fit(Fitful(sampler), DataLoader(DATA, SIZE, sampler=sampler))
    wanted = [id for place, id in enumerate(MAKE["rs2"]()) if place // SIZE % 2]
    assert np.flatnonzero(recorder.dynamics.state["visits"]).tolist() == sorted(wanted)
    manual = type("Manual", (), {"automatic_optimization": False})
    with pytest.raises(Refused, match="it returned nothing, without 'ids'"):
        callback.on_train_batch_end(None, manual, {}, None, 0)


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
    refused("sampler: it is a Recorder", Recorder(N))
    sampler, (library, Network, _) = MAKE["rs2"](), parts(NAMES[0])
    with pytest.raises(Refused, match="train_dataloader: it has 2 loaders"):
        loaders = [DataLoader(DATA, sampler=sampler), DataLoader(DATA)]
        library.Trainer(callbacks=[LightningCallback(sampler)], **QUIET).fit(Network(sampler), loaders)
    fit(tmp_path, MAKE["rs2"](), None, max_epochs=1)
    saved = tmp_path / "step=2.ckpt"
    refused("no state of a recorder", MAKE["rs2"](), Recorder(N), resume=saved)
    refused("saved with batch_size=4, and this is batch_size=5", MAKE["rs2"](), resume=saved, size=5)
    refused("saved with seed=3", RS2(N, 0.5), resume=saved)
    callback = LightningCallback(MAKE["rs2"](), Recorder(N, classes=2))
    with pytest.raises(Refused, match="it returned Tensor, without 'ids'"):
        callback.on_train_batch_end(None, None, torch.ones(()), None, 0)
