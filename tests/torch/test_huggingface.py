"""The door to Hugging Face: a run that was cut off goes on exactly, and steps and rates are what they should be."""

import os

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tamis.torch import RS2, InfoBatch, Recorder  # noqa: E402

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
