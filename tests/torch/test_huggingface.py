"""The door to Hugging Face: a run that was cut off goes on exactly, and steps and rates are what they should be."""

import os

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tamis.torch import RS2, FullData, InfoBatch, Recorder  # noqa: E402

from .small_trainers import CLASSES, EPOCHS, SAMPLERS, SIZE, N, same, trainer, weights  # noqa: E402


@pytest.mark.parametrize(
    ("name", "accumulated", "workers"), [("rs2", 1, 0), ("rs2", 2, 1), ("infobatch", 1, 0), ("infobatch", 2, 0)]
)
def test_a_run_that_was_cut_off_goes_on_exactly(name, accumulated, workers, tmp_path):
    more = {"gradient_accumulation_steps": accumulated, "dataloader_num_workers": workers}
    recorder = Recorder(N, CLASSES)
    whole = trainer(tmp_path, SAMPLERS[name](), recorder, save_strategy="steps", save_steps=5 // accumulated, **more)
    whole.train()
    epochs = [[id for at, ids in whole.seen if at == epoch for id in ids] for epoch in range(EPOCHS)]
    assert all(len(one) == len({*one}) for one in epochs)
    if name == "rs2":
        sampler = SAMPLERS[name]()
        assert epochs == [list(sampler) for _ in range(EPOCHS)]
    middles = 0
    for folder in sorted(tmp_path.glob("checkpoint-*"))[: 2 if workers else None]:
        known = Recorder(N, CLASSES)
        again = trainer(tmp_path / "again", SAMPLERS[name](), known, **more)
        again.train(resume_from_checkpoint=str(folder))
        served = getattr(again, "seen", [])
        place = len(whole.seen) - len(served)
        assert served == whole.seen[place:]
        middles += bool(served) and whole.seen[place - 1][0] == served[0][0]
        assert same(recorder.scores(), known.scores())
        assert all(map(torch.equal, weights(whole), weights(again)))
    assert middles > 0


@pytest.mark.parametrize("accumulated", [1, 2])
def test_steps_and_rates_where_epochs_are_unlike(accumulated, tmp_path):
    steps = []

    class Counting(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **rest):
            steps.append((round(state.epoch, 6), rest["lr_scheduler"].get_last_lr()[0]))

    sampler = InfoBatch(N, 0.9, epochs=EPOCHS)
    one = trainer(tmp_path, sampler, gradient_accumulation_steps=accumulated)
    one.add_callback(Counting())
    one.train()
    places, rates = np.array(steps).T
    np.testing.assert_allclose(rates, 0.01 * (1 - places / EPOCHS), atol=1e-6)
    assert places[-1] == EPOCHS and {1.0, 2.0, 3.0} <= {*places.tolist()}
    assert len(one.seen) < EPOCHS * -(-N // SIZE) and len(places) == one.state.global_step
    limited = trainer(tmp_path, InfoBatch(N, 0.9, epochs=EPOCHS), max_steps=60)
    limited.train()
    assert limited.state.global_step == 60


@pytest.mark.parametrize("accumulated", [1, 2])
def test_a_part_of_an_epoch_at_the_end(accumulated, tmp_path):
    more = {"save_strategy": "steps", "num_train_epochs": 2.5, "gradient_accumulation_steps": accumulated}
    one = trainer(tmp_path, InfoBatch(N, 0.9, epochs=3), save_steps=2, **more)
    one.train()
    assert 2.5 <= one.state.epoch < 2.5 + accumulated / one._steps and one.lr_scheduler.get_last_lr()[0] == 0
    last = one.state.global_step
    assert (tmp_path / f"checkpoint-{last}").is_dir(), "the Trainer saves when it has ended"
    again = trainer(tmp_path / "other", InfoBatch(N, 0.9, epochs=3), save_steps=99, **more)
    again.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{(last - 1) // 2 * 2}"))
    assert again.state.global_step == last and again.seen == one.seen[-len(again.seen) :]
    assert (tmp_path / "other" / f"checkpoint-{last}").is_dir()


def test_a_trainer_that_trained_goes_on_from_a_checkpoint(tmp_path):
    """Its sampler knows losses, and so the first epoch is short when the Trainer counts the steps of all."""
    recorder = Recorder(N, CLASSES)
    one = trainer(tmp_path, InfoBatch(N, 0.9, epochs=EPOCHS), recorder, save_strategy="steps", save_steps=5)
    one.train()
    whole, known = len(one.seen), recorder.scores()
    one.train(resume_from_checkpoint=str(tmp_path / "checkpoint-5"))
    assert one.seen[whole:] == one.seen[5:whole]
    assert (recorder.dynamics.state["visits"] == np.bincount([id for _, ids in one.seen[:whole] for id in ids])).all()
    np.testing.assert_allclose(recorder.scores()["el2n"], known["el2n"], rtol=1e-4)


@pytest.mark.parametrize("more", [{"gradient_accumulation_steps": 3}, {"dataloader_drop_last": True}])
def test_visits_of_short_batches(more, tmp_path):
    recorder, sampler = Recorder(N, CLASSES), RS2(N, 0.5, seed=3)
    one = trainer(tmp_path, sampler, recorder, max_steps=5, **more)
    one.train()
    wanted = [*RS2(N, 0.5, seed=3)]
    first = [id for epoch, ids in one.seen for id in ids if epoch == 0]
    assert first == (wanted[:20] if "dataloader_drop_last" in more else wanted)
    visits = np.bincount([id for _, ids in one.seen for id in ids], minlength=N)
    assert (recorder.dynamics.state["visits"] == visits).all()


def test_epochs_of_a_history(tmp_path):
    """Draws that know nothing of each other: the visits of an example do not tell the epoch."""
    recorder = Recorder(N, CLASSES, history=tmp_path / "history")
    one = trainer(tmp_path, RS2(N, 0.5, seed=3, replacement=True), recorder)
    one.train()
    recorder.state_dict()  # which writes
    seen = np.isfinite(np.load(tmp_path / "history" / "margins.npy"))
    wanted = np.zeros_like(seen)
    for epoch, ids in one.seen:
        wanted[ids, epoch] = True
    np.testing.assert_array_equal(seen, wanted)


def test_settings_of_the_trainer(tmp_path):
    seeded = trainer(tmp_path, num_train_epochs=1, data_seed=7, save_strategy="steps", save_steps=5)
    seeded.train()
    assert [id for _, ids in seeded.seen for id in ids] == [*FullData(N, seed=7)]
    again = trainer(tmp_path, num_train_epochs=1, data_seed=7, ignore_data_skip=True)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-5"))
    assert again.seen[0] == seeded.seen[0], "it begins the epoch anew"


def test_training_is_what_it_was(tmp_path):
    class Plain(transformers.Trainer):
        def _get_train_sampler(self, train_dataset=None):
            return RS2(N, 0.5, seed=3)

    given = {"gradient_accumulation_steps": 2, "eval_strategy": "epoch"}
    plain = trainer(tmp_path, kind=Plain, **given)
    plain.train()
    selecting = trainer(tmp_path, RS2(N, 0.5, seed=3), Recorder(N, CLASSES), **given)
    selecting.train()
    assert all(map(torch.equal, weights(plain), weights(selecting)))
    alone = trainer(tmp_path, num_train_epochs=1)  # without a sampler: all rows
    alone.recorder = Recorder(N, CLASSES)
    alone.train()
    assert (alone.recorder.dynamics.state["visits"] == 1).all()
