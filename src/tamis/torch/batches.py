"""What measures a trained model shares: batches of a dataset in its order, and a model put into a mode and back."""

from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils.data import DataLoader, TensorDataset

from tamis import refusals

Collate: TypeAlias = Callable[[list[Any]], Any]
Mode: TypeAlias = Literal["eval", "train"]
BATCH_NORM = nn.modules.batchnorm._BatchNorm
DROPOUT = nn.modules.dropout._DropoutNd
DROPPING = (nn.MultiheadAttention, nn.RNNBase)
LABELS = ("labels", "label")


def in_order(dataset: Any, size: int, collate: Collate | None = None) -> Iterator[tuple[Any, Any]]:
    """Inputs and labels of `size` examples after another, in the order of the dataset.

    Its examples are pairs (input, label), triples with the number of the example, or dicts with `labels`.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(f"batch={size}", accepted="a number of examples, at least 1")
    if not isinstance(dataset, Sized) or not hasattr(dataset, "__getitem__") or isinstance(dataset, DataLoader):
        raise refusals.MEASURE_DATASET("dataset", found=f"is a {type(dataset).__name__}, whose rows have no number")
    if not len(dataset):
        raise refusals.MEASURE_DATASET("dataset", found="is empty")
    if type(dataset) is TensorDataset and collate is None:
        starts = range(0, len(dataset), size)
        return (_parted(tuple(x[start : start + size] for x in dataset.tensors), start) for start in starts)
    loader: Any = DataLoader(dataset, size, shuffle=False, collate_fn=collate)  # type: ignore[arg-type]
    return (_parted(batch, number * size) for number, batch in enumerate(loader))


def _parted(batch: Any, row: int) -> tuple[Any, Any]:
    if isinstance(batch, Mapping):
        name = next((name for name in LABELS if name in batch), None)
        if name is None:
            raise refusals.MEASURE_WITHOUT_LABELS("dataset", found=f"dicts with {', '.join(map(str, batch))}")
        return {key: value for key, value in batch.items() if key != name}, batch[name]
    if isinstance(batch, (tuple, list)) and len(batch) == 3 and _counts(batch[2], row):
        return batch[0], batch[1]
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        many = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
        raise refusals.MEASURE_WITHOUT_LABELS("dataset", found=f"{type(batch).__name__}s{many}")
    return batch[0], batch[1]


def _counts(ids: Any, row: int) -> bool:
    """Whether these are the numbers of the examples from `row` on, which a recorder wants beside them."""
    return isinstance(ids, Tensor) and ids.ndim == 1 and ids.tolist() == list(range(row, row + len(ids)))


def moved(given: Any, device: torch.device) -> Any:
    """Tensors in tuples, lists or dicts, on a device."""
    return pytree.tree_map_only(Tensor, lambda x: x.to(device), given)


def outputs(model: nn.Module, inputs: Any) -> Any:
    """What a model gives, called with names where inputs have them: its logits, if they are one part of it."""
    found = model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
    if isinstance(found, Mapping):
        return found["logits"] if "logits" in found else next(iter(found.values()))
    found = getattr(found, "logits", found)
    return found[0] if isinstance(found, (tuple, list)) else found


def device_of(model: nn.Module) -> torch.device:
    """Where the model's first parameter or buffer is."""
    return next((x.device for x in (*model.parameters(), *model.buffers())), torch.device("cpu"))


@contextmanager
def in_mode(model: nn.Module, mode: Mode, device: torch.device | str | None) -> Iterator[torch.device]:
    """While it lasts the model is in this mode and on this device; each of its modules is put back after.

    Raises `Refused` for layers that would make a measurement one of chance, or of the other examples of a batch.
    """
    if mode not in ("eval", "train"):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"mode={mode!r}", accepted="'eval' or 'train'")
    for name, module in model.named_modules():
        kind = type(module).__name__
        if isinstance(module, BATCH_NORM) and module.running_mean is None:
            raise refusals.MEASURE_BATCH_STATISTICS(type(model).__name__, layer=name, kind=kind)
        drops = isinstance(module, DROPOUT) or (isinstance(module, DROPPING) and module.dropout > 0)
        if mode == "train" and (drops or isinstance(module, BATCH_NORM)):
            what = "a matter of chance" if drops else "depend on the rest of the batch"
            raise refusals.MEASURE_IN_TRAINING("mode='train'", layer=name, kind=kind, what=what)
    before, home = {module: module.training for module in model.modules()}, device_of(model)
    try:
        model.train(mode == "train")
        place = torch.device(device) if device is not None else home
        if place != home:
            model.to(place)
        yield place
    finally:
        if device_of(model) != home:
            model.to(home)
        for module, training in before.items():
            module.training = training
