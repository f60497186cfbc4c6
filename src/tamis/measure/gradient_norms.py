"""The norm of the loss's gradient for each example, exactly, without the gradients of single examples."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from tamis import refusals
from tamis.measure.layer_gradients import Part, squared_norms
from tamis.measure.parameter_uses import RULES, Node, Unknown, Use, added_to, find_uses, part_of, time_first

Objective: TypeAlias = Callable[[nn.Module, Any, Any], tuple[Tensor, Any]]
"""From a model, inputs and labels to the loss of each example, `[b]`, and what else is wanted of the forward pass."""

_Found = TypeVar("_Found")

SAME = 0.01  # how far norms by layer may be from those of an example alone, where float32 sums in another order
HALF = (torch.float16, torch.bfloat16)
ROOM = 1 << 25  # numbers that gradients of single examples may fill


class GradientNorms:
    """Norms of per-example gradients of a model: batch after batch, with what was learned about it on the way.

    `‖g_i‖² = Σ_θ ‖∂ℓ_i/∂θ‖²` over all parameters that require a gradient, each once, however often it is used. For a
    linear layer `∂ℓ_i/∂W = Σ_t δ_it a_itᵀ`, so that inputs a and gradients δ of outputs suffice, which one backward
    pass of the whole batch gives. The same holds for convolutions, normalisations and embeddings. What is known of no
    faster way is done by `torch.func`, or one example after another, and a warning names the layer once.

    The first batch of each size is compared with gradients of two of its examples alone. So examples that depend on
    each other, or that lie on another axis, cannot pass.

    Args:
        model: it is left as it is; put it into `eval` mode before.
        losses: gives `(losses [b], anything)` of the model, inputs and labels. Both are tensors, or dicts or tuples of
            tensors, with the examples on their first axis.

    `slow` names the layers without a faster way, by parameter.
    """

    def __init__(self, model: nn.Module, losses: Objective) -> None:
        self.model, self.losses = model, losses
        self.parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
        self.names = {id(one): name for name, one in self.parameters.items()}
        self.slow: set[str] = set()
        self._one_by_one = False
        self._compared: set[int] = set()
        self._axes: dict[tuple[str, ...], list[bool | None]] = {}

    def __call__(self, inputs: Any, labels: Any) -> tuple[Tensor, Tensor, Any]:
        """`float64 [b]` norms, the losses `[b]`, and what else the forward pass gave, all without a graph.

        Where a loss is not finite, all norms are NaN.

        About one forward and two thirds of a backward pass, and memory for the outputs of all layers and their
        gradients. Raises `Refused` for losses that are not one number an example.
        """
        with torch.enable_grad():
            losses, more = self.forward(inputs, labels)
            uses = find_uses(losses, self.parameters.values()) if losses.grad_fn is not None else []
            if not uses:
                raise refusals.MEASURE_NOTHING_LEARNS(type(self.model).__name__)
            if not bool(losses.isfinite().all()):
                return _without_graph((torch.full_like(losses, torch.nan, dtype=torch.float64), losses, more))
            squared, unknown = self._by_layer(losses, uses)
        if unknown:
            self.fall_back(unknown)
        if len(losses) > 1 and len(losses) not in self._compared:
            squared = self._checked(squared, losses, uses, inputs, labels)
            self._compared.add(len(losses))
        slow = self.slow & {self.names[id(use.parameter)] for use in uses}
        if slow:
            squared = squared + self._one_gradient_each(sorted(slow), inputs, labels)
        return _without_graph((squared.sqrt(), losses, more))

    def last(self, inputs: Any, labels: Any) -> tuple[Tensor, Tensor, Any]:
        """As a call, for the linear layer nearest to the loss alone, which takes no more than a forward pass."""
        with torch.enable_grad():
            losses, more = self.forward(inputs, labels)
            uses = find_uses(losses, self.parameters.values()) if losses.grad_fn is not None else []
            linear = [use.node for use in uses if use.node.name() in ("AddmmBackward0", "MmBackward0")]
            if not linear:
                raise refusals.MEASURE_WITHOUT_LINEAR(type(self.model).__name__, what="that learns", name="grand_last")
            layer = {linear[0], *added_to(linear[0], uses)}
            squared, unknown = self._by_layer(losses, [use for use in uses if use.node in layer])
            if unknown:
                what = "whose examples can be told apart"
                raise refusals.MEASURE_WITHOUT_LINEAR(type(self.model).__name__, what=what, name="grand_last")
        return _without_graph((squared.sqrt(), losses, more))

    def forward(self, inputs: Any, labels: Any) -> tuple[Tensor, Any]:
        """The losses `[b]`, and what else the forward pass gave."""
        losses, more = self.losses(self.model, inputs, labels)
        count = len(pytree.tree_leaves(inputs)[0])
        if not isinstance(losses, Tensor) or losses.shape != (count,):
            found = f"shape {list(losses.shape)}" if isinstance(losses, Tensor) else type(losses).__name__
            raise refusals.MEASURE_LOSS_SHAPE("the loss", found=found, count=count)
        return losses, more

    def _by_layer(self, losses: Tensor, uses: list[Use]) -> tuple[Tensor, list[str]]:
        """Squared norms over what is known by layer, and the names of parameters that are not."""
        total = torch.zeros(len(losses), dtype=torch.float64, device=losses.device)
        known, unknown = self.parts(losses, uses)
        with torch.no_grad():
            for name, parts in known.items():
                total += squared_norms(parts, self.parameters[name].shape)
        return total, unknown

    def parts(self, losses: Tensor, uses: list[Use]) -> tuple[dict[str, list[Part]], list[str]]:
        """The parts of each parameter's gradient that are known by layer, and the names of parameters that are not."""
        nodes = list(dict.fromkeys(node for use in uses for node in (use.node, *use.sums) if node.name() in RULES))
        deltas, turned = {}, {}
        if nodes:
            edges = [GradientEdge(node, 0) for node in nodes]
            turned = dict(zip(nodes, self._second(losses, nodes, edges), strict=True))
            found = torch.autograd.grad(losses.sum(), edges, retain_graph=True, allow_unused=True)
            deltas = {node: _at_least_single(one) for node, one in zip(nodes, found, strict=True)}
        by_parameter: dict[str, list[Use]] = {}
        known: dict[str, list[Part]] = {}
        unknown: list[str] = []
        for use in uses:
            by_parameter.setdefault(self.names[id(use.parameter)], []).append(use)
        for name, ways in by_parameter.items():
            if name in self.slow:
                continue
            try:
                with torch.no_grad():
                    parts = [part for way in ways if (part := part_of(way, deltas, turned, len(losses))) is not None]
                    if parts:
                        known[name] = parts
            except Unknown:
                unknown.append(name)
        return known, unknown

    def _second(self, losses: Tensor, nodes: list[Node], edges: list[GradientEdge]) -> list[bool | None]:
        """Whether examples lie on the second axis of what nodes make, not on the first; None where on neither.

        The gradient of half of the losses tells, which is 0 where other examples lie. It is taken once for each graph.
        """
        names, count = tuple(node.name() for node in nodes), len(losses)
        if count > 1 and names not in self._axes:
            half = torch.autograd.grad(losses[: count // 2].sum(), edges, retain_graph=True, allow_unused=True)
            self._axes[names] = [time_first(delta, count, count // 2) for delta in half]
        return self._axes.get(names, [False] * len(nodes))

    def _checked(self, squared: Tensor, losses: Tensor, uses: list[Use], inputs: Any, labels: Any) -> Tensor:
        """Squared norms that are those of examples alone: as found, or none of them."""
        names = dict.fromkeys(self.names[id(use.parameter)] for use in uses)
        wanted = [name for name in names if name not in self.slow]
        norms = squared.detach().sqrt()
        rows = sorted({int(norms.argmax()), int(norms.argsort()[len(norms) // 2])})
        tensors = [self.parameters[name] for name in wanted]
        alone = [self._alone(row, tensors, inputs, labels) ** 0.5 for row in rows] if wanted else []
        near = 1e-5 * float(norms.max())

        def is_same(found: Tensor) -> bool:
            return all(abs(float(found[r]) ** 0.5 - a) <= SAME * a + near for r, a in zip(rows, alone, strict=True))

        if not wanted or is_same(squared) or not bool(squared.isfinite().all()):
            return squared
        self.fall_back(wanted)
        return torch.zeros_like(squared)

    def _alone(self, row: int, tensors: Sequence[Tensor], inputs: Any, labels: Any) -> float:
        """The squared norm of one example's gradient, by autograd."""
        one_input, one_label = pytree.tree_map_only(Tensor, lambda x: x[row : row + 1], (inputs, labels))
        with torch.enable_grad():
            loss = self.forward(one_input, one_label)[0].sum()
            found = torch.autograd.grad(loss, tensors, allow_unused=True)
        return sum(float(one.double().square().sum()) for one in found if one is not None)

    def fall_back(self, names: list[str], what: str = "gradient norms") -> None:
        """Do these parameters one gradient an example from now on, and say so."""
        self.slow |= set(names)
        layers = dict.fromkeys(name.rpartition(".")[0] for name in names)
        kinds = [f"{layer or 'the model'} ({type(self.model.get_submodule(layer)).__name__})" for layer in layers]
        more = f" and {len(kinds) - 3:,} more" if len(kinds) > 3 else ""
        warnings.warn(
            f"{what} of {', '.join(kinds[:3])}{more} are taken from one gradient an example by torch.func, "
            "which is slow, since no faster exact way is known for what the model does with their parameters",
            stacklevel=2,
        )

    def _one_gradient_each(self, names: list[str], inputs: Any, labels: Any) -> Tensor:
        """Squared norms over some parameters by `torch.func`, or one after another where that cannot be."""
        chosen = {name: self.parameters[name] for name in names}
        if not self._one_by_one:
            try:
                found: Tensor = self.mapped(_sum_of_squares, chosen, inputs, labels)
                return found
            except (RuntimeError, NotImplementedError, TypeError, ValueError):
                self._one_by_one = True
        count = len(pytree.tree_leaves(inputs)[0])
        alone = [self._alone(row, list(chosen.values()), inputs, labels) for row in range(count)]
        return torch.tensor(alone, dtype=torch.float64, device=next(iter(chosen.values())).device)

    def mapped(self, of: Callable[[Any], Any], chosen: Mapping[str, Tensor], inputs: Any, labels: Any) -> Any:
        """What `of` makes of each example's gradients, which are a dict by name, by `torch.func`."""
        objective = _Objective(self.model, self.losses)
        places = places_of(self.model)
        names = {name: [place for place, found in places.items() if found is one] for name, one in chosen.items()}

        def found(inputs: Any, labels: Any) -> Any:
            one = pytree.tree_map_only(Tensor, lambda x: x.unsqueeze(0), (inputs, labels))
            return of(torch.func.grad(loss)({name: p.detach() for name, p in chosen.items()}, *one))

        def loss(parameters: dict[str, Tensor], inputs: Any, labels: Any) -> Any:
            given = {f"model.{place}": p for name, p in parameters.items() for place in names[name]}
            return torch.func.functional_call(objective, given, (inputs, labels), tie_weights=False)

        step = max(1, ROOM // sum(one.numel() for one in chosen.values()))
        with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):  # plain attention, for which there are rules
            warnings.filterwarnings("ignore", "There is a performance drop")
            return _without_graph(torch.func.vmap(found, chunk_size=step)(inputs, labels))


def _at_least_single(gradient: Tensor | None) -> Tensor | None:
    """In float32, where a model computes in half precision."""
    return gradient.float() if gradient is not None and gradient.dtype in HALF else gradient


def _sum_of_squares(gradients: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([gradient.double().square().sum() for gradient in gradients.values()]).sum()


def _without_graph(found: _Found) -> _Found:
    detached: _Found = pytree.tree_map_only(Tensor, Tensor.detach, found)
    return detached


def places_of(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by every place where they are kept; a module that is shared is one place.

    `functional_call` of torch is given these, since it would leave shared modules with the tensors that it puts there.
    """
    return {
        f"{path}.{name}".lstrip("."): one
        for path, module in model.named_modules()
        for name, one in (*module._parameters.items(), *module._buffers.items())
        if one is not None
    }


class _Objective(nn.Module):
    """The summed loss as a module, whose parameters `torch.func` can replace."""

    def __init__(self, model: nn.Module, losses: Objective) -> None:
        super().__init__()
        self.model, self.losses = model, losses
        self.training = model.training

    def forward(self, inputs: Any, labels: Any) -> Tensor:
        return self.losses(self.model, inputs, labels)[0].sum()
