"""The door to Hugging Face: losses of examples, their weights, and what is refused."""

import os

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import tamis  # noqa: E402
from tamis.errors import Refused  # noqa: E402
from tamis.testing import make_pool  # noqa: E402
from tamis.torch import RS2, FromSelection, InfoBatch, Recorder, TrainerMixin  # noqa: E402
from tamis.torch.example_losses import cross_entropies, divisor  # noqa: E402

from .small_trainers import CLASSES, DRAW, ROWS, WORDS, Flow, N, Selecting, regressor, speaker, trainer  # noqa: E402


@pytest.mark.parametrize("accumulated", [1, 2])
def test_losses_of_sequences_are_recorded_told_and_weighted(accumulated, tmp_path):
    """Against the cross-entropy of every token, written out; the divisor is the Trainer's, of all that is added up."""
    labels = torch.where(torch.arange(6) < torch.randint(3, 7, (N, 1), generator=DRAW), WORDS, -100)
    rows = [{"input_ids": words, "labels": label} for words, label in zip(WORDS, labels, strict=True)]
    sampler, recorder, model = InfoBatch(N, 0.5, epochs=9), Recorder(N), speaker().eval()
    found, expected, heavy, own = [], [], [], np.full(N, np.nan)

    class Watched(Selecting):
        def compute_loss(self, model, inputs, *given, **named):
            loss = super().compute_loss(model, inputs, *given, **named)
            with torch.no_grad():
                logits = model(inputs["input_ids"]).logits[:, :-1].double()
            wanted = labels[self._ids][:, 1:]
            tokens = torch.nn.functional.cross_entropy(logits.mT, wanted, reduction="none")
            own[self._ids] = tokens.sum(1) / (wanted != -100).sum(1)
            weights = sampler.weights(self._ids)[:, None]
            heavy.append(float(weights.max()))
            expected.append(float((weights * tokens).sum() / named["num_items_in_batch"]))
            found.append(float(loss.detach()))
            return loss

    more = {"gradient_accumulation_steps": accumulated, "num_train_epochs": 2}
    one = trainer(tmp_path, sampler, recorder, kind=Selecting, model=model, rows=rows, **more)
    one.__class__ = Watched
    for module in model.modules():
        module.train = lambda mode=True, module=module: module  # no dropout
    one.train()
    assert {*heavy} == {1.0, 2.0}
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(sampler.losses, own, rtol=1e-5)
    assert np.isfinite(recorder.scores()["loss"]).all() and not sampler.marked.size


def test_weights_of_a_selection(tmp_path):
    pool = make_pool(N)
    chosen = tamis.select(pool, "random", budget=20)
    weighted = tamis.Selection(chosen.table.set_column(3, "weight", [np.full(20, 3, np.float32)]), chosen.manifest)
    losses = []
    for one in (chosen, weighted):
        selecting = trainer(tmp_path, FromSelection(one), num_train_epochs=1, learning_rate=0.0)
        selecting.train()
        losses.append(selecting.state.log_history[-1]["train_loss"])
        assert [id for _, ids in selecting.seen for id in ids] == chosen.rows.tolist()
    assert losses[1] == pytest.approx(3 * losses[0], rel=1e-5)


def test_examples_without_labels_and_terms_of_others(tmp_path):
    """An example whose labels are all -100 has no loss, and is kept; terms of the model outlive losses of examples."""
    labels = torch.where(torch.arange(N)[:, None] < 5, -100, WORDS)
    rows = [{"input_ids": words, "labels": label} for words, label in zip(WORDS, labels, strict=True)]
    sampler, recorder = InfoBatch(N, 0.9, epochs=9), Recorder(N)
    trainer(tmp_path, sampler, recorder, model=speaker(), rows=rows, num_train_epochs=3).train()
    assert sampler.marked.tolist() == [0, 1, 2, 3, 4] == np.flatnonzero(recorder.dynamics.state["visits"] == 0).tolist()
    assert divisor(0.01 + 0.002, 0.08, (8.0, 16.0)) == 8 and divisor(float("nan"), 0.08, (8.0,)) == 8
    with pytest.raises(Refused, match="override example_losses"):
        divisor(4.3, 32.0, (8.0, 16.0))


def test_losses_of_the_users_and_of_encoders_with_decoders(tmp_path):
    """A loss that is given to the Trainer, which takes the labels away; and labels that are not shifted."""
    config = transformers.T5Config(
        vocab_size=30, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, dropout_rate=0.0, decoder_start_token_id=0
    )
    rows = [{"input_ids": row, "labels": row} for row in WORDS]

    def own(outputs, labels, num_items_in_batch=None):
        items = torch.nn.functional.cross_entropy(outputs["logits"][:, :-1].mT, labels[:, 1:], reduction="none")
        called.append(len(items))
        return items.sum() / num_items_in_batch

    class Asking(Selecting):
        def compute_loss(self, model, inputs, *given, **named):
            loss, outputs = super().compute_loss(model, inputs, *given, **{**named, "return_outputs": True})
            assert outputs["logits"].shape[:2] == inputs["labels"].shape and loss.requires_grad
            return loss

    called = []
    for model, given, shift in ((transformers.T5ForConditionalGeneration(config), None, 0), (speaker().eval(), own, 1)):
        sampler = InfoBatch(N, 0.5, epochs=9)
        one = trainer(tmp_path, sampler, None, model=model, rows=rows, num_train_epochs=1, learning_rate=0.0)
        model.train = lambda mode=True, model=model: model  # no dropout
        one.__class__, one.compute_loss_func = Asking, given
        one.train()
        with torch.no_grad():
            logits = model(input_ids=WORDS, labels=WORDS)["logits"][:, : 6 - shift]
        tokens = torch.nn.functional.cross_entropy(logits.mT, WORDS[:, shift:], reduction="none")
        np.testing.assert_allclose(sampler.losses, tokens.mean(1), rtol=1e-5)
    assert sum(called) == N


def test_losses_of_half_precision():
    logits, labels = torch.randn(5, 7, 9, generator=DRAW).bfloat16(), torch.arange(35).reshape(5, 7) % 9
    wanted = torch.nn.functional.cross_entropy(logits.double().mT, labels, reduction="none").mean(1)
    torch.testing.assert_close(cross_entropies(logits, labels)[0].double(), wanted, rtol=1e-5, atol=0)


@pytest.mark.parametrize("given", [lambda loss, logits: {"loss": loss}, lambda loss, logits: (loss,)])
def test_models_without_logits(given, tmp_path):
    class Silent(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(6, CLASSES)

        def forward(self, input_ids, labels):
            logits = self.last(input_ids.float())
            return given(torch.nn.functional.cross_entropy(logits, labels), logits)

    for recorder in (Recorder(N), Recorder(N, CLASSES)):
        with pytest.raises(Refused, match="model: it returned loss, without 'logits'"):
            trainer(tmp_path, None, recorder, model=Silent()).train()


def test_what_is_refused(tmp_path):
    def refused(said, sampler=None, recorder=None, resume=None, **more):
        with pytest.raises(Refused, match=said):
            trainer(tmp_path / "other", sampler, recorder, **more).train(resume_from_checkpoint=resume)

    refused("RS2: it is of 9 examples", RS2(9, 0.5))
    pool = tamis.select(make_pool(N), "random", budget=20)
    refused("FromSelection: it is of 20 examples", FromSelection(pool, subset=True))
    refused("Recorder: it is of 9 examples", recorder=Recorder(9, CLASSES))
    refused("sampler: it is a Recorder, and none of the samplers", Recorder(N))
    refused("recorder: it is a RS2, and none of the recorders", recorder=RS2(N, 0.5))
    with pytest.raises(Refused, match="Late: it has TrainerMixin after the Trainer"):
        type("Late", (transformers.Trainer, TrainerMixin), {})
    refused("RS2: it is of world=2", RS2(N, 0.5, rank=0, world=2, even=True))
    refused("train_sampling_strategy", train_sampling_strategy="sequential")
    refused("train_dataset: it is a Flow, without numbered rows", rows=Flow(), max_steps=2)
    refused("dispatch_batches=True", accelerator_config={"dispatch_batches": True})
    refused("label_smoothing_factor=0.5", InfoBatch(N, epochs=9), label_smoothing_factor=0.5)
    refused("train_dataset: its examples are", recorder=Recorder(N), rows=[{"input_ids": row} for row in WORDS])
    numbers = [{**row, "labels": row["labels"] + 0.5} for row in ROWS]
    refused("give logits of two classes", recorder=Recorder(N), rows=numbers, model=regressor())
    trainer(tmp_path, RS2(N, 0.5), save_strategy="steps", save_steps=3).train()
    saved = str(tmp_path / "checkpoint-3")
    refused("per_device_train_batch_size=4", RS2(N, 0.5), resume=saved, per_device_train_batch_size=2)
    refused("saved with seed=0", RS2(N, 0.5, seed=1), resume=saved)
    refused("no state of a recorder", RS2(N, 0.5), Recorder(N), resume=saved)
    (tmp_path / "checkpoint-3" / "tamis.pt").unlink()
    refused("no state of sampler and recorder", RS2(N, 0.5), resume=saved)
