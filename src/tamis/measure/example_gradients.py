"""The gradient of each example's loss, projected parameter by parameter, so that no matrix `[n, p]` is made."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from tamis import refusals
from tamis.measure.adam_moments import Adam
from tamis.measure.gradient_norms import SAME, GradientNorms
from tamis.measure.layer_gradients import Part
from tamis.measure.parameter_uses import Use, find_uses
from tamis.ops.projection import Kind, Projection

Floats32 = NDArray[np.float32]
Loss: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""From a model and a batch to the loss of each example, `[b]`."""
Chosen: TypeAlias = Iterable[str] | Callable[[str, nn.Parameter], bool] | None
"""Names of parameters, or what tells whether one is wanted; None are all that require a gradient."""

ROOM = 1 << 23  # numbers that the gradients of one parameter may fill at a time
DROPOUT, BATCH_NORM = nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm
TOLD = 3  # examples that a warning names


def example_gradients(
    model: nn.Module,
    batch: Any,
    loss: Loss,
    *,
    projection: Projection | None,
    parameters: Chosen = None,
    adam: Adam | None = None,
    unit: bool = False,
    first: int = 0,
) -> Floats32:
    """Project the gradient of each example's loss; see `ExampleGradients`, which is faster for many batches.

    Examples:
        >>> model = nn.Linear(3, 2).eval()
        >>> x, y = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
        >>> loss = lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")
        >>> found = example_gradients(model, (x, y), loss, projection=projection_for(model, 4), unit=True)
        >>> found.shape, np.linalg.norm(found, axis=1).round(4).tolist()
        ((5, 4), [1.0, 1.0, 1.0, 1.0, 1.0])
    """
    measure = ExampleGradients(model, loss, projection=projection, parameters=parameters, adam=adam, unit=unit)
    return measure(batch, first)


def chosen_parameters(model: nn.Module, parameters: Chosen = None) -> dict[str, nn.Parameter]:
    """The parameters that are measured, in the order of `model.named_parameters()`, which is that of the p columns.

    A parameter that is shared is one, under its first name. Raises `Refused` for names that the model has not, and for
    parameters that require no gradient.

    Examples:
        >>> model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
        >>> list(chosen_parameters(model, lambda name, parameter: parameter.ndim == 2))
        ['0.weight', '1.weight']
    """
    every = dict(model.named_parameters())
    if parameters is None:
        found = {name: one for name, one in every.items() if one.requires_grad}
    elif callable(parameters):
        found = {name: one for name, one in every.items() if parameters(name, one)}
    else:
        wanted = set(parameters)
        for name in sorted(wanted - set(every)):
            some = ", ".join([*every][:8]) + (", …" if len(every) > 8 else "")
            raise refusals.NAME_UNKNOWN(f"parameter {name!r}", sort="parameter", near="", known=some)
        found = {name: one for name, one in every.items() if name in wanted}
    for name, one in found.items():
        if not one.requires_grad:
            raise refusals.GRADIENT_FROZEN(f"parameter {name!r}")
    if not found:
        raise refusals.GRADIENT_UNUSED(type(model).__name__, count=0)
    return found


def projection_for(
    model: nn.Module, d: int, *, parameters: Chosen = None, kind: Kind = "rademacher", seed: int = 0
) -> Projection:
    """The projection to d numbers of as many columns as the chosen parameters have numbers.

    Examples:
        >>> projection_for(nn.Linear(3, 2), 4).p
        8
    """
    return Projection(sum(one.numel() for one in chosen_parameters(model, parameters).values()), d, kind, seed)


class ExampleGradients:
    """Projected gradients of single examples, batch after batch, with what was learned of the model on the way.

        φ(z) = P ∇ℓ(z; θ)   or, with Adam's moments,   φ(z) = P Γ(z; θ),   divided by its norm if `unit`

    One forward and one backward pass of the whole batch give inputs and output gradients of layers; the gradient of
    each parameter is made of them for some examples at a time, and projected. What is known in no such way is done by
    `torch.func`, or one example after another, and a warning names the layer once. The first batch of each size is
    compared with two of its examples alone.

    Args:
        model: all of it has to be in `eval` mode, and is left as it is.
        loss: the loss of each example `[b]`, of the model and a batch. Whether it is the sum or the mean over tokens
            decides whether long texts have long gradients.
        projection: of p columns, as many as the parameters have numbers; None keeps them all, for small models.
        parameters: which, as of `chosen_parameters`, such as the weights of adapters.
        adam: moments of training, which make the gradients Adam's direction.
        unit: divide by the norm, so that inner products are cosines, and short answers do not have the longest rows.

    Results for other batch sizes differ by rounding. Memory is that of a backward pass, and three times the gradient
    of the largest parameter for as many examples as `ROOM` (32 MB) holds, at least one. The p columns are the
    parameters in the order of `model.named_parameters()`, each in its own order, in float32. Time is about that of the
    passes, of making n p numbers, and of the projection. A large embedding table takes as long as any other parameter
    of its size, though few of its rows learn: leave it out if it is not what is to be compared.

    Source: Xia et al. 2024, LESS; Park et al. 2023, TRAK: Attributing Model Behavior at Scale.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        *,
        projection: Projection | None,
        parameters: Chosen = None,
        adam: Adam | None = None,
        unit: bool = False,
    ) -> None:
        self.model, self.projection, self.adam, self.unit = model, projection, adam, unit
        self.parameters = chosen_parameters(model, parameters)
        self.p = sum(one.numel() for one in self.parameters.values())
        if projection is not None and projection.p != self.p:
            wanted = f"p={self.p}, the numbers of the chosen parameters"
            raise refusals.PARAMETER_OUT_OF_RANGE(f"projection of p={projection.p}", accepted=wanted)
        if adam is not None:
            adam.check(self.parameters)
        self._walk = GradientNorms(model, lambda model, inputs, _: (loss(model, inputs), None))
        self._walk.parameters = dict(self.parameters)
        self._compared: set[int] = set()
        self._one_by_one = False

    def __call__(self, batch: Any, first: int = 0) -> Floats32:
        """`float32 [b, d]` of a batch: tensors in tuples, lists or dicts with the examples on their first axis.

        Args:
            batch: what `loss` is given.
            first: the number of its first example, for what is said of one.

        Raises:
            Refused: if a module is in training mode, a loss or gradient is not finite, or no parameter has a part in
                the loss. Of examples whose gradient is 0 a warning tells; they are 0 in the result, with `adam` too.
        """
        _refuse_training(self.model)
        with torch.enable_grad():
            losses, _ = self._walk.forward(batch, ())
            _refuse_not_finite(losses.detach().cpu().numpy(), "loss", first)
            uses = find_uses(losses, self.parameters.values()) if losses.grad_fn is not None else []
            if not uses:
                raise refusals.GRADIENT_UNUSED(type(self.model).__name__, count=len(self.parameters))
            parts = self._parts(losses, uses, batch)
        found = self._projected(parts, batch, len(losses), first)
        _refuse_not_finite(found, "gradient", first)
        if self.unit:
            norms = np.linalg.norm(found, axis=1, keepdims=True)
            found /= np.where(norms > 0, norms, 1)
        return found

    def _parts(self, losses: Tensor, uses: list[Use], batch: Any) -> dict[str, list[Part]]:
        """What is known by layer, and is the gradient that examples have alone."""
        parts, unknown = self._walk.parts(losses, uses)
        count = len(losses)
        if count not in self._compared and parts:
            self._compared.add(count)
            order = losses.detach().argsort()  # examples without a loss may have no gradient to compare
            unknown += self._unlike(parts, batch, sorted({int(order[-1]), int(order[count // 2])}))
        if unknown:
            self._walk.fall_back(unknown, "gradients")
        return {name: of for name, of in parts.items() if name not in self._walk.slow}

    def _unlike(self, parts: Mapping[str, list[Part]], batch: Any, rows: Iterable[int]) -> list[str]:
        """The parameters whose gradients by layer are not those of these examples alone."""
        found = set()
        for row in rows:
            alone = self._alone(row, batch, parts)
            near = 1e-5 * float(torch.stack([one.norm() for one in alone.values()]).norm())
            for name, wanted in alone.items():
                with torch.no_grad():
                    away = (_sum(parts[name], slice(row, row + 1), wanted.shape)[0] - wanted).norm()
                if not float(away) <= SAME * float(wanted.norm()) + near and wanted.isfinite().all():
                    found.add(name)
        return [name for name in parts if name in found]

    def _alone(self, row: int, batch: Any, names: Iterable[str]) -> dict[str, Tensor]:
        """Gradients of one example, by autograd."""
        chosen = {name: self.parameters[name] for name in names}
        one = pytree.tree_map_only(Tensor, lambda x: x[row : row + 1], batch)
        with torch.enable_grad():
            loss = self._walk.forward(one, ())[0].sum()
            found = torch.autograd.grad(loss, list(chosen.values()), allow_unused=True, materialize_grads=True)
        return {name: one.float() for name, one in zip(chosen, found, strict=True)}

    def _projected(self, parts: Mapping[str, list[Part]], batch: Any, count: int, first: int) -> Floats32:
        out = np.zeros((count, self.projection.d if self.projection else self.p), np.float32)
        moved = np.zeros(count, bool)
        starts = dict(zip(self.parameters, accumulate(self._sizes(self.parameters), initial=0), strict=False))
        slow = [name for name in self.parameters if name in self._walk.slow]
        for names in (*([name] for name in self.parameters if name not in slow), *([slow] if slow else [])):
            step = max(1, ROOM // sum(self._sizes(names)))
            for low in range(0, count, step):
                rows = slice(low, min(low + step, count))
                for name, gradient in self._gradients(names, parts, batch, rows).items():
                    if not moved[rows].all():
                        moved[rows] |= (gradient != 0).reshape(len(gradient), -1).any(1).cpu().numpy()
                    if self.adam is not None:
                        gradient = self.adam.direction(name, gradient)
                    piece = gradient.reshape(len(gradient), -1).cpu().numpy()
                    if self.projection is None:
                        out[rows, starts[name] : starts[name] + piece.shape[1]] = piece
                    else:
                        self.projection.add(piece, starts[name], out[rows])
        out[~moved] = 0  # not the direction of the moments alone
        _warn_of_zeros(np.flatnonzero(~moved), first)
        return out

    def _sizes(self, names: Iterable[str]) -> list[int]:
        return [self.parameters[name].numel() for name in names]

    @torch.no_grad()
    def _gradients(
        self, names: list[str], parts: Mapping[str, list[Part]], batch: Any, rows: slice
    ) -> dict[str, Tensor]:
        """Gradients of some examples, `float32 [b, *shape]` by name: of one parameter, or of all that are slow."""
        first, count = self.parameters[names[0]], rows.stop - rows.start
        if names[0] in parts:
            return {names[0]: _sum(parts[names[0]], rows, first.shape).float().reshape(count, *first.shape)}
        if names[0] not in self._walk.slow:
            return {names[0]: torch.zeros(count, *first.shape)}
        some = pytree.tree_map_only(Tensor, lambda x: x[rows], batch)
        if not self._one_by_one:
            try:
                found = self._walk.mapped(dict, {name: self.parameters[name] for name in names}, some, ())
                return {name: one.float() for name, one in found.items()}
            except (RuntimeError, NotImplementedError, TypeError, ValueError):
                self._one_by_one = True
        alone = [self._alone(row, some, names) for row in range(count)]
        return {name: torch.stack([one[name] for one in alone]) for name in names}


def _sum(parts: list[Part], rows: slice, shape: torch.Size) -> Tensor:
    total = parts[0][rows].matrix(shape)
    for part in parts[1:]:
        total = total + part[rows].matrix(shape)
    return total


def _refuse_training(model: nn.Module) -> None:
    """Refuse modes in which gradients may be a matter of chance or of the other examples."""
    training = [(name, module) for name, module in model.named_modules() if module.training]
    if training:
        name, module = next((each for each in training if isinstance(each[1], (DROPOUT, BATCH_NORM))), training[0])
        layer = repr(name) if name else "it"
        raise refusals.MEASURE_TRAINING_MODE(type(model).__name__, layer=layer, kind=type(module).__name__)
    for name, module in model.named_modules():
        if isinstance(module, BATCH_NORM) and module.running_mean is None:
            kind = type(module).__name__
            raise refusals.MEASURE_BATCH_STATISTICS(type(model).__name__, layer=name, kind=kind)


def _refuse_not_finite(values: NDArray[Any], what: str, first: int) -> None:
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
    if len(bad):
        raise refusals.MEASURE_NOT_FINITE("example_gradients", what=what, row=first + int(bad[0]))


def _warn_of_zeros(rows: NDArray[np.int64], first: int) -> None:
    if len(rows):
        some = ", ".join(f"{first + row:,}" for row in rows[:TOLD])
        more = f" and {len(rows) - TOLD:,} more" if len(rows) > TOLD else ""
        examples = "example" if len(rows) == 1 else "examples"
        warnings.warn(f"the gradient of {examples} {some}{more} is 0, so that it has no direction", stacklevel=4)
