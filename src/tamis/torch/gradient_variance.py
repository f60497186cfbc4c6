"""VoG: how much the gradient of each input changes while a model trains."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from tamis import refusals
from tamis.engine.console import Console
from tamis.measure.gradient_norms import places_of
from tamis.ops.hardness import class_deviations
from tamis.torch.batches import Collate, in_mode, in_order, moved, outputs
from tamis.torch.measuring import check_classes

Floats = NDArray[np.float64]


def vog(
    checkpoints: Sequence[nn.Module | Mapping[str, Tensor]],
    model: nn.Module,
    dataset: Any,
    *,
    activation: Literal["logit", "prob"] = "logit",
    normalise: Literal["z", "abs", "none"] = "none",
    batch: int = 256,
    collate: Collate | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> Floats:
    """How much the input's gradient of each example changes over checkpoints of one training.

    With `S_t = ∂A_y(x; θ_t) / ∂x`, where A_y is the logit of the label:

        VoG = mean over the numbers of x of √((1/T) Σ_t (S_t − μ)²),  μ = (1/T) Σ_t S_t

    Args:
        checkpoints: T ≥ 2 state dicts, or models, in any order; early ones and late ones say different things.
        model: takes them all, and inputs of floats: for text, those of a model that is given vectors of tokens. Where
            inputs are a dict with `attention_mask`, the mean is over positions that it does not mask.
        dataset: rows `(input, label)`, or dicts with `labels`.
        activation: "prob" takes the probability instead, as the authors' script does.
        normalise: "z" for deviations from the mean of the class, over the standard deviation in it; "abs" for their
            size; "none" for VoG itself, as the method `vog` takes it.
        batch: examples at a time, which bounds memory.
        collate: makes a batch of rows, as a `DataLoader` does.
        device: where to compute, else where the model is.
        progress: whether to tell how far it is.

    Returns:
        `float64 [n]` in the order of the dataset; high is hard. T backward passes; memory for the T checkpoints, and
        for two float64 of each input number of a batch.

    Raises `Refused` for fewer than two checkpoints or such as do not fit the model, and for inputs of integers. Warns
    of classes whose examples are all equal, where a deviation is 0.

    Loses to random when less than about half is kept.

    Examples:
        >>> import torch
        >>> model, data = torch.nn.Linear(1, 2), [(torch.ones(1), 0), (torch.zeros(1), 1)]
        >>> states = [{"weight": torch.full((2, 1), w), "bias": torch.zeros(2)} for w in (1.0, 3.0)]
        >>> vog(states, model, data, progress=False).tolist()
        [1.0, 1.0]

    Source: Agarwal, D'souza and Hooker 2022, Estimating Example Difficulty using Variance of Gradients.
    """
    for name, value, accepted in (
        ("activation", activation, ("logit", "prob")), ("normalise", normalise, ("z", "abs", "none"))
    ):  # fmt: skip
        if value not in accepted:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value!r}", accepted=", ".join(map(repr, accepted)))
    if len(checkpoints) < 2:
        raise refusals.VOG_CHECKPOINTS("checkpoints", count=len(checkpoints))
    scores, classes, row = [], [], 0
    batches = in_order(dataset, batch, collate)
    with in_mode(model, "eval", device) as place:
        states = [_fitting(one, model, number, place) for number, one in enumerate(checkpoints)]
        total = -(-len(dataset) // batch)
        for inputs, labels in Console(quiet=not progress).progress(batches, total, "vog", unit="batch"):
            scores.append(_deviations(model, states, moved(inputs, place), moved(labels, place), activation, row))
            classes.append(np.asarray(labels).reshape(-1))
            row += len(scores[-1])
    found = np.concatenate(scores)
    return found if normalise == "none" else _within_classes(found, np.concatenate(classes), normalise == "abs")


def _fitting(given: Any, model: nn.Module, number: int, place: torch.device) -> dict[str, Tensor]:
    """A checkpoint's tensor for every place of the model, without graph."""
    state = given.state_dict() if isinstance(given, nn.Module) else given
    where, kept = f"checkpoint {number}", set(model.state_dict())
    if not isinstance(state, Mapping):
        raise refusals.VOG_OTHER_MODEL(where, said=f"it is a {type(state).__name__}")
    found = {}
    for name, own in places_of(model).items():
        if name in kept:
            if name not in state:
                raise refusals.VOG_OTHER_MODEL(where, said=f"it has no {name!r}")
            if state[name].shape != own.shape:
                shapes = f"{list(state[name].shape)} where the model has {list(own.shape)}"
                raise refusals.VOG_OTHER_MODEL(where, said=f"its {name!r} is {shapes}")
            found[name] = state[name].detach().to(place)
    return found


def _deviations(
    model: nn.Module, states: list[dict[str, Tensor]], inputs: Any, labels: Any, activation: str, row: int
) -> Floats:
    """VoG of one batch, whose first example is number `row`."""
    leaves = [x for x in pytree.tree_leaves(inputs) if isinstance(x, Tensor)]
    floats = [x for x in leaves if x.is_floating_point()]
    if len(floats) != 1:
        kinds = ", ".join(str(x.dtype) for x in leaves)
        raise refusals.VOG_INPUTS("dataset", found=kinds or type(inputs).__name__)
    x = floats[0].detach().requires_grad_()
    given = pytree.tree_map(lambda one: x if one is floats[0] else one, inputs)
    mean = torch.zeros_like(x, dtype=torch.float64)
    squares = torch.zeros_like(mean)
    for t, gradient in enumerate(_gradients(model, states, given, x, labels, activation, row), 1):
        off = gradient.double() - mean
        mean += off / t
        squares += off * (gradient.double() - mean)
    each = (squares / len(states)).sqrt()
    mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
    if mask is not None and mask.shape == x.shape[:2]:
        real = mask.bool().double()
        found = (each.flatten(2).mean(2) * real).sum(1) / real.sum(1)
    else:
        found = each.flatten(1).mean(1)
    scores: Floats = found.cpu().numpy()
    if not np.isfinite(scores).all():
        raise refusals.MEASURE_NOT_FINITE("checkpoints", what="gradient", row=row + int(np.argmin(np.isfinite(scores))))
    return scores


def _gradients(
    model: nn.Module, states: list[dict[str, Tensor]], inputs: Any, x: Tensor, labels: Any, activation: str, row: int
) -> Iterator[Tensor]:
    """`S_t` for each checkpoint, each a fresh one."""
    caller = _Outputs(model)
    for state in states:
        places = {f"model.{name}": one for name, one in state.items()}
        with torch.enable_grad():
            logits = torch.func.functional_call(caller, places, (inputs,), tie_weights=False)
            check_classes(logits, labels, row)
            if logits.dim() != 2 or labels.shape != logits.shape[:1] or labels.is_floating_point():
                raise refusals.MEASURE_LOGITS("outputs", found=list(logits.shape), labels=list(labels.shape))
            values = logits.softmax(1) if activation == "prob" else logits
            yield torch.autograd.grad(values.gather(1, labels[:, None]).sum(), x)[0]


class _Outputs(nn.Module):
    """A model that is called as inputs want it, whose parameters `torch.func` can replace."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training

    def forward(self, inputs: Any) -> Any:
        return outputs(self.model, inputs)


def _within_classes(scores: Floats, classes: NDArray[np.int64], size: bool) -> Floats:
    _, inverse = np.unique(classes, return_inverse=True)
    low, high = np.full(inverse.max() + 1, np.inf), np.full(inverse.max() + 1, -np.inf)
    np.minimum.at(low, inverse, scores)
    np.maximum.at(high, inverse, scores)
    if (low == high).any():
        warnings.warn(
            f"{np.count_nonzero(low == high):,} classes have one example, or equal ones, whose deviation is set to 0",
            stacklevel=3,
        )
    found = class_deviations(scores, classes)
    return np.abs(found) if size else found
