"""The door to the `Trainer` of Lightning, under either of its names."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from torch.utils import _pytree as pytree

from tamis import refusals
from tamis.torch.doors import check_kinds, check_same, check_sampler, load_state, needs, state_of
from tamis.torch.pruned import Pruned
from tamis.torch.recorder import Recorder
from tamis.torch.visits import Visits

needs("tamis.torch.LightningCallback", "lightning pytorch_lightning", "lightning")

NAMES = ("lightning.pytorch", "pytorch_lightning")
FALSE_ALARM = "You're resuming from a checkpoint that ended before the epoch ended"


def _base() -> Any:
    """The class of callbacks, of what is imported already if anything is; each name takes callbacks of the other."""
    there = [name for name in NAMES if name in sys.modules]
    name = there[0] if there else NAMES[importlib.util.find_spec("lightning") is None]
    return importlib.import_module(f"{name}.callbacks").Callback


class LightningCallback(_base()):  # type: ignore[misc]
    """Carries a sampler and a recorder of Tamis through training with Lightning, and in and out of its checkpoints.

    Give the sampler to the `DataLoader` as well, and have `training_step` return what the recorder gets, beside `loss`:
    a dict with `ids`, `logits` and `labels`, or `ids` and `losses` for a recorder without classes. With `InfoBatch` and
    `SeTa` that loss is `sampler.loss(ids, losses)`.

    A checkpoint saved in the middle of an epoch is gone on with exactly, also with workers that read ahead: Lightning
    counts batches, and the sampler serves those that are left. List it before callbacks of your own that save.

    Args:
        sampler: that of the `DataLoader`, or the one whose `batches` are its `batch_sampler`. With several processes it
            has to have their number, as `rank=`, `world=` and `even=True`, and the `Trainer` takes
            `use_distributed_sampler=False`.
        recorder: what is to see each step.

    Raises `Refused` for a loader that does not draw from the sampler, for several loaders, for samplers of other data
    or processes, and for `InfoBatch` and `SeTa` without `reload_dataloaders_every_n_epochs=1`, since their epochs have
    unlike lengths.

    Costs what the recorder does.

    Examples:
        >>> from tamis.torch import RS2, Recorder
        >>> callback = LightningCallback(RS2(1000, 0.1), Recorder(1000, classes=10))
        >>> # Trainer(callbacks=[callback]).fit(model, DataLoader(data, sampler=callback.sampler), ckpt_path=…)
        >>> sorted(callback.state_dict())
        ['batch_size', 'recorder', 'sampler']
    """

    def __init__(self, sampler: Visits | None = None, recorder: Recorder | None = None) -> None:
        super().__init__()
        check_kinds(sampler, recorder)
        self.sampler, self.recorder = sampler, recorder
        self._fits = True
        self._batches, self._all, self._size = 0, 0, 0  # of the epoch: trained on, there, and examples in each
        self._loaded: Mapping[str, Any] | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Note whether a model is about to be trained: a checkpoint that is tested must not turn statistics back."""
        self._fits = stage == "fit"

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds: the state of both."""
        done = self._batches * self._size
        if self.sampler is not None and self._batches >= self._all > 0:
            done = len(self.sampler)
        return state_of(self.sampler, self.recorder, done) | {"batch_size": self._size}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Have both go on from what a checkpoint holds, where a model is trained."""
        if not self._fits:
            return
        load_state("checkpoint", state_dict, self.sampler, self.recorder)
        self._loaded = state_dict
        if isinstance(self.sampler, Pruned):  # Lightning counts with the length of that epoch, also where it was over
            self.sampler.set_epoch(state_dict["sampler"]["epoch"])
        warnings.filterwarnings("ignore", message=FALSE_ALARM)  # the sampler goes on where the checkpoint was saved

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse what would serve other examples than the sampler does."""
        loader: Any = None if self.sampler is None else self._check(trainer, self.sampler)
        progress = trainer.fit_loop.epoch_loop.batch_progress.current
        if self._loaded is not None and self.sampler is not None:
            over = trainer.current_epoch != self._loaded["sampler"]["epoch"]
            self._batches = 0 if over else -(-self._loaded["sampler"]["position"] // self._size)
            self.sampler.set_epoch(trainer.current_epoch)
            if over:  # as many as Lightning takes for a whole epoch, however long the next one is
                progress.completed = max(progress.completed, len(loader))
        self._loaded, self._all = None, trainer.num_training_batches
        if self.recorder is not None:
            self.recorder.set_epoch(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Set the epoch."""
        self._batches, self._all = 0, trainer.num_training_batches
        if self.sampler is not None:
            self.sampler.set_epoch(trainer.current_epoch)
        if self.recorder is not None:
            self.recorder.set_epoch(trainer.current_epoch)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Record what `training_step` returned; None of it is how Lightning leaves out a step."""
        self._batches = batch_idx + 1
        left_out = outputs is None or (outputs == {} and pl_module.automatic_optimization)
        if self.recorder is not None and not left_out:
            self._record(self.recorder, outputs)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Have the sampler know the length of the next epoch before Lightning asks for it."""
        self._batches = 0
        if self.sampler is not None:
            self.sampler.set_epoch(trainer.current_epoch + 1)

    def _record(self, recorder: Recorder, outputs: Any) -> None:
        wanted = ("ids", "losses") if recorder.dynamics.classes is None else ("ids", "logits", "labels")
        found = outputs if isinstance(outputs, Mapping) else {type(outputs).__name__: outputs}
        for name in wanted:
            if name not in found:
                had, whole = ", ".join(map(str, found)) or "nothing", ", ".join(("loss", *wanted))
                raise refusals.STEP_WITHOUT("training_step", found=had, name=name, wanted=whole)
        recorder.update(found["ids"], **{name: found[name] for name in wanted[1:]})

    def _check(self, trainer: Any, sampler: Visits) -> Any:
        """The loader that draws from the sampler."""
        loaders = getattr(trainer.train_dataloader, "flattened", None) or pytree.tree_leaves(trainer.train_dataloader)
        drawing = [
            loader
            for loader in loaders
            for one in (getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None))
            if sampler in (one, getattr(one, "sampler", None))
        ]
        if not drawing:
            wanted = "DataLoader(…, sampler=sampler), and Trainer(use_distributed_sampler=False)"
            raise refusals.TRAINER_SETTING("train_dataloader", why="does not draw from the sampler", wanted=wanted)
        if len(loaders) > 1:
            why = f"has {len(loaders)} loaders, by whose lengths an epoch of the sampler is cut or begun again"
            raise refusals.TRAINER_SETTING("train_dataloader", why=why, wanted="the one that draws from the sampler")
        check_sampler(sampler, trainer.world_size, len(drawing[0].dataset))
        if isinstance(sampler, Pruned) and trainer.reload_dataloaders_every_n_epochs != 1:
            where = f"reload_dataloaders_every_n_epochs={trainer.reload_dataloaders_every_n_epochs}"
            why = f"has all epochs as long as the first, and those of {type(sampler).__name__} are not"
            raise refusals.TRAINER_SETTING(where, why=why, wanted="1")
        self._size = drawing[0].batch_size or drawing[0].batch_sampler.size
        if self._loaded is not None and self._loaded["batch_size"]:
            check_same("checkpoint", self._loaded, {"batch_size": self._size})
        return drawing[0]
