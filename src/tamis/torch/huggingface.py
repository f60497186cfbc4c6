"""The door to the `Trainer` of Hugging Face transformers, of which nothing is imported here."""

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import IterableDataset, Sampler

from tamis import refusals
from tamis.torch.doors import check_kinds, check_same, check_sampler, load_state, needs, state_of
from tamis.torch.example_losses import Weigh, cross_entropies, divisor, logits_of, weighing
from tamis.torch.pruned import Pruned
from tamis.torch.recorder import Recorder
from tamis.torch.samplers import FullData
from tamis.torch.visits import Visits

needs("tamis.torch.TrainerMixin", "transformers", "hf")

FILE = "tamis.pt"
"""What a checkpoint's folder has beside the files of the `Trainer`."""
HOOKS = "_get_train_sampler _init_training_state _run_epoch _save_rng_state set_initial_training_values".split()


class TrainerMixin:
    """Gives the `Trainer` of transformers a sampler and a recorder of Tamis, which its checkpoints then hold as well.

    Mix it in before any `Trainer`; two arguments are added, and all else is as it was. Ids are rows of `train_dataset`
    as the sampler served them: the data set needs no column for them, and columns may be removed.

    A recorder for classes gets the logits and labels of each step. One without, as for language models, gets the loss
    of each example: the mean cross-entropy of its labels that are not -100. `InfoBatch`, `SeTa` and the weights of a
    selection work on that loss too; override `example_losses` for a model that is trained with another.

    A checkpoint saved in the middle of an epoch is gone on with exactly, with `resume_from_checkpoint` as always; it
    has to have the same batch size, gradient accumulation and number of processes. Where an epoch's number of steps
    changes, as with `InfoBatch`, a learning rate that is a function of the step falls with the part of the epochs that
    is over, so that it ends where it should; with `max_steps` it falls with the steps, and epochs go on until then.

    Args:
        train_sampler: of the rows of `train_dataset`; `FullData` of all, with the seed of the arguments, without it.
            With several processes make it once `TrainingArguments` are made, which sets the processes up.
        recorder: what is to see each step.

    Raises `Refused` for samplers of other data or processes, and settings that deal out batches in another way.

    Costs what the recorder does, a second computation of the loss where that of each example is needed, and one wait
    for the device a step then.

    Examples:
        >>> from transformers import Trainer
        >>> class SelectingTrainer(TrainerMixin, Trainer):
        ...     pass
        >>> # SelectingTrainer(model, args, train_dataset=data, train_sampler=RS2(len(data), 0.1), recorder=recorder)
    """

    args: Any
    model: Any
    state: Any
    train_dataset: Any

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        before = cls.__mro__[: cls.__mro__.index(TrainerMixin)]
        if any(hasattr(one, HOOKS[0]) and not issubclass(one, TrainerMixin) for one in before):
            why = "has TrainerMixin after the Trainer, where it does nothing"
            raise refusals.TRAINER_SETTING(cls.__name__, why=why, wanted="class T(TrainerMixin, Trainer)")

    def __init__(
        self, *given: Any, train_sampler: Visits | None = None, recorder: Recorder | None = None, **named: Any
    ) -> None:
        parent: Any = super()
        if missing := [name for name in HOOKS if not hasattr(parent, name)]:
            raise refusals.TRAINER_SETTING(
                type(self).__name__,
                why=f"has no {missing[0]} after TrainerMixin",
                wanted="class T(TrainerMixin, Trainer) with a Trainer of transformers 5.23 or one that is like it",
            )
        check_kinds(train_sampler, recorder)
        self.train_sampler, self.recorder = train_sampler, recorder
        self._served = Served(())
        self._ids: Tensor | None = None  # of the examples of a training step, while it lasts
        self._batches, self._steps, self._behind = 0, 0, 0
        parent.__init__(*given, **named)

    def example_losses(self, outputs: Any, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each example `[b]`, a mean over its items (labels or tokens), and how many these are `[b]`.

        The model's own loss has to be the mean over all items, up to what does not hang on the examples.

        Args:
            outputs: what the model returned.
            labels: as the model got them, `[b, …]`; -100 is not counted.
        """
        logits = logits_of(outputs)
        if labels.ndim > 1 and self._shifts:
            logits, labels = logits[:, :-1], labels[:, 1:]
        return cross_entropies(logits, labels)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """A step of the `Trainer`, of examples whose ids are known."""
        parent: Any = super()
        self._ids = self._next()
        try:
            return parent.training_step(model, inputs, num_items_in_batch)  # type: ignore[no-any-return]
        finally:
            self._ids = None
            self._batches += 1

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss of the `Trainer`; in training it is recorded, told, and weighted by the sampler."""
        parent: Any = super()
        weigh = weighing(self.train_sampler)
        if self._ids is None or (self.recorder is None and weigh is None):
            return parent.compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if (labels := inputs.get("labels")) is None:
            raise refusals.MEASURE_WITHOUT_LABELS("train_dataset", found=f"dicts with {', '.join(inputs)}")
        loss, outputs = parent.compute_loss(model, {**inputs}, True, num_items_in_batch)
        if self._records_logits:
            self.recorder.update(self._ids, logits_of(outputs), labels)  # type: ignore[union-attr]
        if weigh is not None or not self._records_logits:
            with torch.set_grad_enabled(weigh is not None):
                loss = loss + self._seen(self._ids, outputs, labels, loss.detach(), num_items_in_batch, weigh)
        return (loss, outputs) if return_outputs else loss

    def _seen(
        self, ids: Tensor, outputs: Any, labels: Tensor, loss: Tensor, items: Any, weigh: Weigh | None
    ) -> Tensor | float:
        """Record and tell the loss of each example; what weights add to the loss of all."""
        smoothing = self.args.label_smoothing_factor
        if smoothing and type(self).example_losses is TrainerMixin.example_losses:
            why = "makes the loss another one than the cross-entropy of each example"
            wanted = "0, or a Trainer that overrides example_losses"
            raise refusals.TRAINER_SETTING(f"label_smoothing_factor={smoothing}", why=why, wanted=wanted)
        losses, counts = self.example_losses(outputs, labels)
        sums, known = losses * counts, counts > 0
        # models divide by the items of this batch, or by those of all batches whose gradients are added up, whatever
        # they say; where several processes have items of the latter, the Trainer multiplies by their number
        ways = [float(counts.sum().clamp(min=1))]
        if items is not None:
            ways.append(float(items) / (self.args.world_size if self.args.average_tokens_across_devices else 1))
        sums = sums / divisor(float(loss), float(sums.detach().sum()), ways)
        seen = torch.where(known, losses.detach(), torch.nan)
        if self.recorder is not None and not self._records_logits:
            self.recorder.update(ids[known.cpu()], losses=seen[known])
        if isinstance(self.train_sampler, Pruned):
            self.train_sampler.update(ids, seen)
        return 0.0 if weigh is None else ((weigh(ids).to(sums.device) - 1) * sums).sum()

    @property
    def _shifts(self) -> bool:
        """Whether the model compares what it says at a place with the label of the next one."""
        if getattr(self, "_loss_shifts_labels", False):
            return True
        coded = getattr(getattr(self.model, "config", None), "is_encoder_decoder", False)
        return not coded and getattr(getattr(self.model, "loss_function", None), "__name__", "") == "ForCausalLMLoss"

    @property
    def _records_logits(self) -> bool:
        return self.recorder is not None and self.recorder.dynamics.classes is not None

    def _get_train_sampler(self, train_dataset: Any = None) -> "Served":
        data = self.train_dataset if train_dataset is None else train_dataset
        if self.train_sampler is None:
            seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
            rank, world = self.args.process_index, self.args.world_size
            self.train_sampler = FullData(len(data), seed=seed, rank=rank, world=world, even=world > 1)
        check_sampler(self.train_sampler, self.args.world_size, len(data))
        if self.recorder is not None and self.recorder.dynamics.n != len(data):
            raise refusals.SAMPLER_ROWS("Recorder", found=self.recorder.dynamics.n, wanted=len(data))
        self.train_sampler.set_epoch(0)
        self._served = Served(self.train_sampler)
        return self._served

    def _check(self, data: Any) -> None:
        """Refuse what deals out examples in another way than the sampler does."""
        args, dealt = self.args, self.args.accelerator_config
        for wrong, setting, wanted in (
            (args.train_sampling_strategy != "random", "train_sampling_strategy", "'random', which stands for it"),
            (not args.dataloader_in_order, "dataloader_in_order=False", "True"),
            (dealt.dispatch_batches, "accelerator_config: dispatch_batches=True", "False"),
            (dealt.split_batches, "accelerator_config: split_batches=True", "False"),
            (args.n_gpu > 1, f"{args.n_gpu} devices in one process", "each a process of its own, as torchrun does"),
        ):
            if wrong:
                why = "deals out examples in another way than the sampler"
                raise refusals.TRAINER_SETTING(setting, why=why, wanted=wanted)
        if isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
            raise refusals.MEASURE_DATASET("train_dataset", found=f"is a {type(data).__name__}, without numbered rows")

    def get_train_dataloader(self) -> Any:
        """The loader of the `Trainer`, of which each process has the part that its sampler gives it."""
        parent: Any = super()
        if self.train_dataset is not None:
            self._check(self.train_dataset)
        loader = parent.get_train_dataloader()
        dealer: Any = getattr(loader, "batch_sampler", None)
        if hasattr(dealer, "process_index"):  # accelerate's, which would deal out again what the sampler dealt out
            dealer.num_processes, dealer.process_index, dealer.even_batches = 1, 0, False
        return loader

    def set_initial_training_values(self, args: Any, dataloader: Any) -> Any:
        """Those of the `Trainer`; where epochs have unlike lengths, `max_steps` is not divided into epochs."""
        parent: Any = super()
        epochs, *others = parent.set_initial_training_values(args, dataloader)
        return (sys.maxsize if args.max_steps > 0 and isinstance(self.train_sampler, Pruned) else epochs, *others)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """That of the `Trainer`, which goes by the part of the epochs that is over where epochs have unlike lengths."""
        parent: Any = super()
        made = getattr(self, "lr_scheduler", None) is None
        found = parent.create_scheduler(num_training_steps, optimizer)
        if made and isinstance(self.train_sampler, Pruned) and self.args.max_steps <= 0 and isinstance(found, LambdaLR):
            found.lr_lambdas = [self._paced(rate, num_training_steps) for rate in found.lr_lambdas]
        return found

    def _paced(self, rate: Callable[[Any], float], steps: int) -> Callable[[Any], float]:
        def paced(_: Any) -> float:
            assert self.train_sampler is not None
            over = self.train_sampler.epoch + self._batches / max(self._steps, 1)
            return rate(min(steps * over / self.args.num_train_epochs, steps))

        return paced

    def _init_training_state(
        self,
        max_steps: Any,
        num_update_steps_per_epoch: Any,
        num_train_epochs: Any,
        resume_from_checkpoint: Any,
        trial: Any,
    ) -> tuple[int, int]:
        parent: Any = super()
        found: tuple[int, int] = parent._init_training_state(
            max_steps, num_update_steps_per_epoch, num_train_epochs, resume_from_checkpoint, trial
        )
        if resume_from_checkpoint is None:
            return found
        folder = Path(resume_from_checkpoint)
        if not (folder / FILE).is_file():
            raise refusals.CHECKPOINT_STATELESS(folder, what="sampler and recorder")
        state = torch.load(folder / FILE, map_location="cpu", weights_only=True)
        check_same(folder, state, self._sizes())
        load_state(folder, state, self.train_sampler, self.recorder)
        assert self.train_sampler is not None
        return self.train_sampler.epoch, 0 if self.args.ignore_data_skip else state["batches"]

    def _run_epoch(self, **given: Any) -> None:
        parent: Any = super()
        assert self.train_sampler is not None
        epoch, goes_on = given["epoch"], given["resume_from_checkpoint"] is not None
        self.train_sampler.set_epoch(epoch)
        if self.recorder is not None:
            self.recorder.set_epoch(epoch)
        self._steps = len(given["train_dataloader"])
        self._batches = given["steps_trained_in_current_epoch"] if goes_on and epoch == given["epochs_trained"] else 0
        self._behind = self._batches * self._size  # which the Trainer skips
        accumulated = self.args.gradient_accumulation_steps
        updates = max(math.ceil(self._steps / accumulated), 1)
        if isinstance(self.train_sampler, Pruned) and self.args.max_steps <= 0:
            # were all epochs that are left as long as this one, which in the last of them is the step that ends it
            before, left = self.state.global_step - self._batches // accumulated, self.args.num_train_epochs - epoch
            self.state.max_steps = before + math.ceil(left * updates)
        parent._run_epoch(**given | {"steps_in_epoch": self._steps, "num_update_steps_per_epoch": updates})

    def _save_rng_state(self, output_dir: str) -> None:
        parent: Any = super()
        parent._save_rng_state(output_dir)
        if self.args.should_save and self.train_sampler is not None:
            over = self._batches >= self._steps
            state = state_of(self.train_sampler, self.recorder, len(self.train_sampler) if over else 0)
            torch.save(state | {"batches": 0 if over else self._batches} | self._sizes(), Path(output_dir) / FILE)

    def _sizes(self) -> dict[str, int]:
        accumulated = self.args.gradient_accumulation_steps
        return {"per_device_train_batch_size": self._size, "gradient_accumulation_steps": accumulated}

    @property
    def _size(self) -> int:
        return int(getattr(self, "_train_batch_size", self.args.train_batch_size))

    def _next(self) -> Tensor:
        """The ids of the examples of the next step, on this process."""
        assert self.train_sampler is not None
        waiting = self._served.waiting
        for _ in range(self._behind):
            waiting.popleft()
        self._behind = 0
        left = len(self.train_sampler) - self._batches * self._size
        return torch.tensor([waiting.popleft() for _ in range(min(self._size, left))], dtype=torch.int64)


class Served(Sampler[int]):
    """What a sampler serves, kept until it was trained on."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler
        self.waiting: deque[int] = deque()

    def __iter__(self) -> Iterator[int]:
        self.waiting.clear()
        for one in self.sampler:
            self.waiting.append(one)
            yield one

    def __len__(self) -> int:
        return len(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """Have the sampler serve an epoch."""
        self.sampler.set_epoch(epoch)
