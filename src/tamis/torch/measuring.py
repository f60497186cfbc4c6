"""What a trained model makes of each example of a dataset."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tamis import refusals
from tamis.engine.console import Console
from tamis.measure.gradient_norms import GradientNorms
from tamis.ops.dynamics import SIGNALS, Scores, signals_of
from tamis.registry import nearest
from tamis.torch.batches import Collate, Mode, in_mode, in_order, moved, outputs

NAMES = (*SIGNALS, "grand", "grand_last", "probs", "embedding")
UNCOUNTED = -100
BLOCK = 1 << 21  # logits that are looked at together

Array = NDArray[Any]
Loss = Callable[[Any, Any], Tensor]


class Measured(Scores):
    """What was measured, by name; `choices` says how: mode, loss, that of sequences, and layers without a fast way."""

    choices: dict[str, Any]


def measure(
    model: nn.Module,
    dataset: Any,
    *,
    what: str | Sequence[str] = ("el2n", "grand"),
    loss: Loss | None = None,
    sequence: Literal["mean", "sum"] = "mean",
    batch: int = 256,
    mode: Mode = "eval",
    collate: Collate | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Measured:
    """Scores of each example by a trained model, in the order of the dataset.

    With logits z, `p = softmax(z)`, the label y and all parameters θ that require a gradient:

    | name | | high is |
    |---|---|---|
    | `loss` | ℓ: −ln p_y, or what `loss` gives | hard |
    | `el2n` | ‖p − e_y‖ | hard |
    | `grand` | ‖∂ℓ/∂θ‖ | hard |
    | `grand_last` | ‖∂ℓ/∂θ‖ over the linear layer nearest to the loss | hard |
    | `entropy` | −Σ_c p_c ln p_c | hard |
    | `margin`, `prob_margin` | z_y − max_{c≠y} z_c, and of p | easy |
    | `prob`, `correct` | p_y, and whether z_y is the largest | easy |
    | `probs`, `embedding` | p `float32 [n, k]`, and what the last linear layer sees, `float32 [n, d]` | |

    GraNd is exact and takes no gradient of single examples, see `tamis.measure.gradient_norms`. Average scores over
    several models, each trained for a few epochs from another seed: the paper takes ten or more.

    Args:
        model: takes inputs and gives logits `[b, k]`, or `[b, t, k]` for sequences, alone, first in a tuple or as
            `.logits`. Its mode and device are put back.
        dataset: rows `(inputs, label)`, or dicts with `labels` whose other entries name the model's arguments. Labels
            are integers from 0 to k − 1, in sequences one a position; −100 is not counted. For a model that tells the
            next token, shift them.
        what: one or several of the names above.
        loss: of outputs and labels, one number an example; cross entropy if it is left out.
        sequence: whether the loss of a sequence is the mean or the sum over its positions. Other scores are means.
        batch: examples at a time, which bounds memory.
        mode: "train" only for models where that changes nothing.
        collate: makes a batch of rows, as a `DataLoader` does.
        device: where to compute, else where the model is.
        progress: whether to tell how far it is.

    Returns:
        Arrays by name, `float64 [n]` where nothing else is said. A forward for all but GraNd, which takes less than a
        forward and a backward; memory for one batch, for GraNd with all layers' outputs and their gradients.

    Raises `Refused` for rows without labels, labels that are no classes, fewer than two classes, losses that are not
    one number an example, numbers that are not finite, and layers with which examples depend on chance or on each
    other.

    EL2N and GraNd lose to random when less than about a third is kept, and when labels are wrong.

    Examples:
        >>> import torch
        >>> x, model = torch.eye(4), torch.nn.Linear(4, 10)
        >>> _ = torch.nn.init.zeros_(model.weight), torch.nn.init.zeros_(model.bias)
        >>> found = measure(model, torch.utils.data.TensorDataset(x, torch.arange(4)), progress=False)
        >>> found["el2n"].round(4).tolist(), found["grand"].round(4).tolist()
        ([0.9487, 0.9487, 0.9487, 0.9487], [1.3416, 1.3416, 1.3416, 1.3416])

    Source: Paul, Ganguli and Dziugaite 2021, Deep Learning on a Data Diet: Finding Important Examples Early in
    Training.
    """
    names = [what] if isinstance(what, str) else list(dict.fromkeys(what))
    for name in names:
        if name not in NAMES:
            near, known = nearest(name, dict.fromkeys(NAMES)), ", ".join(NAMES)
            raise refusals.NAME_UNKNOWN(f"what={name!r}", sort="measure", near=near, known=known)
    if sequence not in ("mean", "sum"):
        raise refusals.PARAMETER_OUT_OF_RANGE(f"sequence={sequence!r}", accepted="'mean' or 'sum'")
    batches = in_order(dataset, batch, collate)
    losses = _Losses(loss, sequence)
    norms = GradientNorms(model, losses)
    found: dict[str, list[Array]] = {name: [] for name in names}
    with in_mode(model, mode, device) as place, _last_inputs(model, losses.seen, "embedding" in names):
        total, row = -(-len(dataset) // batch), 0
        for inputs, labels in Console(quiet=not progress).progress(batches, total, "measure", unit="batch"):
            losses.row = row
            some = _of_batch(norms, moved(inputs, place), moved(labels, place), names, row)
            for name in names:
                found[name].append(some[name])
            row += len(some["loss"])
    measured = Measured({name: np.concatenate(parts) for name, parts in found.items()})
    measured.choices = {
        "mode": mode,
        "loss": "cross entropy" if loss is None else getattr(loss, "__name__", type(loss).__name__),
        "sequence": sequence,
        "slow": sorted(norms.slow),
    }
    return measured


class _Losses:
    """The loss of each example, with the logits and what the last linear layer saw."""

    def __init__(self, loss: Loss | None, sequence: str) -> None:
        self.loss, self.sequence = loss, sequence
        self.row: int | None = None  # the number of the first example of a batch that has not been looked at yet
        self.seen: list[Tensor] = []

    def __call__(self, model: nn.Module, inputs: Any, labels: Any) -> tuple[Tensor, Any]:
        logits = outputs(model, inputs)
        return (self.loss or self.cross_entropy)(logits, labels), (logits, *self.seen)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Of `[b, k]` and `[b]`, or the mean or sum of those of `[b, t, k]` and `[b, t]`."""
        if self.row is not None:
            check_classes(logits, labels, self.row)
            self.row = None
        if logits.dim() == 2:
            return functional.cross_entropy(logits, labels, reduction="none")
        each = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=UNCOUNTED)
        return each.sum(1) if self.sequence == "sum" else each.sum(1) / (labels != UNCOUNTED).sum(1)


def _of_batch(norms: GradientNorms, inputs: Any, labels: Any, names: list[str], row: int) -> dict[str, Array]:
    """All that is asked for of one batch, whose first example is number `row`."""
    found: dict[str, Array] = {}
    losses: Any = None
    gradients: dict[str, Tensor] = {}
    for name, call in (("grand", norms), ("grand_last", norms.last)):
        if name in names:
            gradients[name], losses, more = call(inputs, labels)
    if losses is None:
        with torch.inference_mode():
            losses, more = norms.forward(inputs, labels)
    logits, *seen = more
    found["loss"] = _finite(losses, "loss", row)
    found |= {name: _finite(gradient, "gradient", row) for name, gradient in gradients.items()}
    wanted = [name for name in names if name in SIGNALS and name != "loss"]
    if wanted:
        check_classes(logits, labels, row)
        signals = _signals(logits, labels, row)
        found |= {name: signals[:, SIGNALS.index(name)] for name in wanted}
    for name in ("probs", "embedding"):
        if name in names:
            found[name] = _vectors(name, logits, labels, seen, row, type(norms.model).__name__)
    return found


def _signals(logits: Tensor, labels: Tensor, row: int) -> Array:
    """`signals_of`, as means over positions that count."""
    if logits.dim() == 2:
        return signals_of(_finite(logits, "output", row), labels.cpu().numpy())
    counted = labels != UNCOUNTED
    example = counted.nonzero()[:, 0].cpu().numpy()
    flat, own = logits[counted], labels[counted].cpu().numpy()
    if not bool(flat.isfinite().all()):
        _finite(torch.where(counted[..., None], logits, 0.0), "output", row)
    step = max(1, BLOCK // flat.shape[1])
    parts = [signals_of(_numpy(flat[at : at + step]), own[at : at + step]) for at in range(0, len(flat), step)]
    total = np.zeros((len(labels), len(SIGNALS)))
    np.add.at(total, example, np.concatenate(parts))
    return total / np.bincount(example, minlength=len(labels))[:, None]


def _vectors(name: str, logits: Tensor, labels: Any, seen: list[Tensor], row: int, model: str) -> Array:
    if name == "probs":
        check_classes(logits, labels, row)
        if logits.dim() == 3:
            raise refusals.MEASURE_NOT_OF_SEQUENCES("what='probs'", positions=logits.shape[1], name=name)
        return _finite(logits.double().softmax(1), "output", row).astype(np.float32)
    if not seen:
        raise refusals.MEASURE_WITHOUT_LINEAR(model, what="that could be the last", name=name)
    x = seen[-1]
    if len(x) != len(labels):
        raise refusals.MEASURE_WITHOUT_LINEAR(model, what="whose inputs are one vector an example", name=name)
    if x.dim() > 2 and isinstance(labels, Tensor) and labels.shape == x.shape[:2]:
        counted = (labels != UNCOUNTED)[..., None]
        x = (x.double() * counted).sum(1) / counted.sum(1)
    elif x.dim() > 2:
        x = x.double().flatten(1, -2).mean(1)
    return _finite(x, "embedding", row).astype(np.float32)


@contextmanager
def _last_inputs(model: nn.Module, seen: list[Tensor], asked: bool) -> Iterator[None]:
    """While it lasts, `seen` holds the inputs of the linear layer that was called last."""

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen[:] = [inputs[0].detach()]

    linear = [module for module in model.modules() if isinstance(module, nn.Linear)] if asked else []
    hooks = [module.register_forward_pre_hook(keep) for module in linear]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def check_classes(logits: Any, labels: Any, row: int) -> None:
    """Refuse what is no classification: of examples, or of each position of sequences."""
    shapes = tuple(list(x.shape) if isinstance(x, Tensor) else type(x).__name__ for x in (logits, labels))
    alike = isinstance(logits, Tensor) and isinstance(labels, Tensor) and logits.shape[:-1] == labels.shape
    if not alike or logits.dim() not in (2, 3) or logits.shape[-1] < 2:
        raise refusals.MEASURE_LOGITS("outputs", found=shapes[0], labels=shapes[1])
    last, is_sequence = logits.shape[-1] - 1, logits.dim() == 3
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise refusals.MEASURE_LABELS("dataset", row=row, said=f"is of type {labels.dtype}", last=last)
    wrong = (labels < 0) | (labels > last)
    if is_sequence:
        wrong &= labels != UNCOUNTED
    if bool(wrong.any()):
        at = wrong.nonzero()[0]
        raise refusals.MEASURE_LABELS("dataset", row=row + int(at[0]), said=f"is {int(labels[tuple(at)])}", last=last)
    if is_sequence and bool((labels == UNCOUNTED).all(1).any()):
        at = row + int((labels == UNCOUNTED).all(1).int().argmax())
        raise refusals.MEASURE_LABELS("dataset", row=at, said="is -100 at every position", last=last)


def _numpy(x: Tensor) -> Array:
    return np.asarray(x.detach().double().cpu().numpy())


def _finite(x: Tensor, what: str, row: int) -> Array:
    """As float64 on the host; the first example that has a number that is not finite is refused."""
    found = _numpy(x)
    bad = ~np.isfinite(found.reshape(len(found), -1)).all(1)
    if bad.any():
        raise refusals.MEASURE_NOT_FINITE("model", what=what, row=row + int(np.argmax(bad)))
    return found
