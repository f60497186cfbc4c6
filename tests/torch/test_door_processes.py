"""The doors in two processes: each serves its own part, all know all, and a run that was cut off goes on exactly."""

import json
import os
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

N = 46
SHARED = f"""
    import json, os, sys, warnings
    import torch
    from pathlib import Path
    from torch.nn import Linear
    from torch.nn.functional import cross_entropy
    from tamis.torch import RS2, InfoBatch, Recorder

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder, rank, world = sys.argv[1], int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    inputs = torch.randn({N}, 5, generator=torch.Generator().manual_seed(0))
    labels = (inputs.sum(1) > 0).long()

    def told(seen, recorder, model):
        learnt = [one.tolist() for one in model.parameters()]
        print("TOLD", json.dumps([seen, recorder.scores()["el2n"].tolist(), learnt]))

    def three(fit):
        fit(RS2({N}, 1.0, rank=rank, world=world, even=world > 1), None, folder + "/rs2")
        saved = folder + "/infobatch"
        fit(InfoBatch({N}, 0.9, epochs=4, rank=rank, world=world, even=world > 1), None, saved)
        middle = sorted(Path(saved).iterdir(), key=lambda path: path.stat().st_mtime)[1]  # in the second epoch
        fit(InfoBatch({N}, 0.9, epochs=4, rank=rank, world=world, even=world > 1), str(middle), folder + "/other")
"""
HUGGINGFACE = """
    from transformers import Trainer, TrainingArguments
    from tamis.torch import TrainerMixin

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = Linear(5, 2)

        def forward(self, x, labels):
            logits = self.last(x)
            return {"loss": cross_entropy(logits, labels), "logits": logits}

    class Selecting(TrainerMixin, Trainer):
        seen = ()

        def compute_loss(self, model, given, *rest, **named):
            assert torch.equal(given["x"], inputs[self._ids])
            self.seen = [*self.seen, self._ids.tolist()]
            return super().compute_loss(model, given, *rest, **named)

    def fit(sampler, resume, saved):
        torch.manual_seed(1)
        more = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "logging_strategy": "no", "max_grad_norm": 0}
        args = TrainingArguments(saved, per_device_train_batch_size=8 // world, gradient_accumulation_steps=2,
            num_train_epochs=4, learning_rate=0.1, save_strategy="steps", save_steps=2, optim="sgd", **more)
        rows = [{"x": one, "labels": label} for one, label in zip(inputs, labels)]
        recorder = Recorder(len(rows), classes=2)
        trainer = Selecting(Network(), args, train_dataset=rows, train_sampler=sampler, recorder=recorder)
        trainer.train(resume_from_checkpoint=resume)
        told(trainer.seen, recorder, trainer.model)

    if world > 1:
        TrainingArguments(folder, use_cpu=True, report_to=[]).device  # sets the processes up
    three(fit)
    if world > 1:
        torch.distributed.destroy_process_group()
"""
LIGHTNING = """
    import lightning.pytorch as lightning
    from tamis.torch import LightningCallback
    from torch.utils.data import DataLoader, TensorDataset

    class Network(lightning.LightningModule):
        def __init__(self, sampler):
            super().__init__()
            torch.manual_seed(1)
            self.last, self.sampler, self.seen = Linear(5, 2), sampler, []

        def training_step(self, batch, number):
            given, wanted, ids = batch
            self.seen.append(ids.tolist())
            logits = self.last(given)
            losses = cross_entropy(logits, wanted, reduction="none")
            loss = self.sampler.loss(ids, losses) if hasattr(self.sampler, "loss") else losses.mean()
            return {"loss": loss, "ids": ids, "logits": logits, "labels": wanted}

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    def fit(sampler, resume, saved, **more):
        recorder, model = Recorder(len(labels), classes=2), Network(sampler)
        save = lightning.callbacks.ModelCheckpoint(saved, filename="{step}", every_n_train_steps=2, save_top_k=-1)
        trainer = lightning.Trainer(max_epochs=4, accumulate_grad_batches=2, accelerator="cpu", devices=world,
            strategy="ddp" if world > 1 else "auto", callbacks=[LightningCallback(sampler, recorder), save],
            logger=False, enable_progress_bar=False, enable_model_summary=False, reload_dataloaders_every_n_epochs=1,
            **{"use_distributed_sampler": False, **more})
        data = TensorDataset(inputs, labels, torch.arange(len(labels)))
        trainer.fit(model, DataLoader(data, 8 // world, sampler=sampler), ckpt_path=resume)
        told(model.seen, recorder, model)

    three(fit)
    if world > 1:
        try:
            fit(RS2(len(labels), 1.0, rank=rank, world=world, even=True), None, folder, use_distributed_sampler=True)
        except Exception as no:
            print("TOLD", json.dumps(str(no)))
        torch.distributed.destroy_process_group()  # or a thread of gloo may end the process as it leaves
"""


def ran(code, folder, world):
    """What each of some processes told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "LOCAL_WORLD_SIZE": str(world)}
    if world > 1:
        shared |= {"TORCHELASTIC_RUN_ID": "here", "GROUP_RANK": "0"}
    code = textwrap.dedent(SHARED) + textwrap.dedent(code)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    told = [one.communicate(timeout=240)[0] for one in running]
    assert [one.returncode for one in running] == [0] * world
    return [[json.loads(line[5:]) for line in one.splitlines() if line.startswith("TOLD ")] for one in told]


@pytest.mark.parametrize(("package", "code"), [("transformers", HUGGINGFACE), ("lightning", LIGHTNING)])
def test_two_processes(package, code, tmp_path):
    pytest.importorskip(package)
    ((alone, *_),) = ran(code, tmp_path / "one", 1)
    (one, whole, again, *no), (two, *others) = ran(code, tmp_path / "two", 2)
    # what two serve in a step is what one serves, and so the model and what is known of it are the same
    steps = [[*zip(*both, strict=True)] for both in zip(one[0], two[0], strict=True)]
    assert [[id for pair in step for id in pair] for step in steps] == alone[0]
    assert one[1:] == two[1:]
    np.testing.assert_allclose(one[1], alone[1], rtol=1e-4)
    # InfoBatch knows the losses of both, and goes on in the middle of an epoch
    for first, resumed in ((whole, again), others[:2]):
        assert 0 < len(resumed[0]) < len(first[0]) and resumed[0] == first[0][-len(resumed[0]) :]
        assert resumed[1:] == first[1:] == whole[1:]
    served = [sorted([*left, *right]) for left, right in zip(whole[0], others[0][0], strict=True)]
    assert all(len({*step}) == len(step) for step in served) and sum(map(len, served)) < 4 * N
    assert ["use_distributed_sampler=False" in said for said in no] == [True] * (package == "lightning")
