"""Where a forward pass used each parameter, read from the graph that autograd kept of it.

The graph knows every use, so that none can be missed: one that is shared, functional or inside of another layer. Each
kind of node for which the gradient by example is known is one function here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from tamis.measure.layer_gradients import Outer, Part, Rows, Whole, Windows

Node: TypeAlias = Any


class Unknown(Exception):
    """The gradient that each example gives this use of a parameter is not known in a faster way."""


@dataclass
class Use:
    """A parameter that enters `node` at `slot`, after the nodes of `path`, which turn it or change its type."""

    node: Node
    slot: int
    parameter: Tensor
    path: tuple[Node, ...]
    sums: list[Node] = field(default_factory=list)
    """Where what `node` made is added to something that may have more axes."""


PASSED = ("TBackward0", "ToCopyBackward0")
LIFTED = ("UnsqueezeBackward0",)
VIEWED = ("ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0")


def find_uses(losses: Tensor, parameters: Iterable[Tensor]) -> list[Use]:
    """All uses of the parameters on the way to `losses`, those nearest to the losses first."""
    wanted = {id(parameter): parameter for parameter in parameters}
    root: Node = losses.grad_fn
    uses, seen, queue = list[Use](), {root}, [root]
    above: dict[Node, list[Node]] = {}
    for node in queue:
        for slot, (below, _) in enumerate(node.next_functions):
            if below is None:
                continue
            above.setdefault(below, []).append(node)
            if below not in seen:
                seen.add(below)
                queue.append(below)
            path = []
            while below is not None and below.name() in PASSED:
                path.append(below)
                below = below.next_functions[0][0]
            parameter = wanted.get(id(getattr(below, "variable", None)))
            if parameter is not None and node.name() not in PASSED:
                uses.append(Use(node, slot, parameter, tuple(path)))
    for use in uses:
        if use.node.name() == "EmbeddingBackward0":
            use.sums = [node for node in _lifted(use.node, above) if node.name() == "AddBackward0"]
    return uses


def _lifted(node: Node, above: dict[Node, list[Node]]) -> list[Node]:
    """The nodes that take what a node made, past those that add an axis of size 1; none where several take it."""
    taken = above.get(node, [])
    while len(taken) == 1 and taken[0].name() in LIFTED:
        taken = above.get(taken[0], [])
    return taken if len(taken) == 1 else []


def added_to(node: Node, uses: Iterable[Use]) -> list[Node]:
    """The nodes that add a parameter to what a node made, as a linear layer does its bias to sequences in pieces."""
    found = []
    for use in uses:
        if use.node.name() == "AddBackward0" and use.parameter.dim() == 1:
            below = use.node.next_functions[1 - use.slot][0]
            while below is not None and below.name() in VIEWED:
                below = below.next_functions[0][0]
            found += [use.node] if below is node else []
    return found


@dataclass(frozen=True)
class Layout:
    """How examples lie: `count` of them, on the first axis, or on the second where `time_first`."""

    count: int
    time_first: bool = False

    def positions(self, x: Tensor, width: int) -> Tensor:
        """`[…, width]` as `[b, t, width]`."""
        flat = x.reshape(-1, width)
        if len(flat) % self.count:
            raise Unknown
        if self.time_first:
            return flat.view(-1, self.count, width).transpose(0, 1)
        return flat.view(self.count, -1, width)

    def first(self, x: Tensor) -> Tensor:
        """`x` itself, whose first axis has to be that of the examples."""
        if x.shape[0] != self.count:
            raise Unknown
        return x


Rule: TypeAlias = Callable[[Use, Tensor, Layout], Part]
"""From a use, the gradient of what its node made, and the layout to a part of the parameter's gradient."""


def _linear(use: Use, delta: Tensor, layout: Layout) -> Part:
    """`X Wᵀ + c`, or `X W` where the parameter was not turned."""
    node, addmm = use.node, use.node.name() == "AddmmBackward0"
    if addmm and (node._saved_alpha != 1 or node._saved_beta != 1):
        raise Unknown
    if addmm and use.slot == 0:
        return _added(use, delta, layout)
    if use.slot != len(node.next_functions) - 1:
        raise Unknown
    turned = sum(one.name() == "TBackward0" for one in use.path) % 2
    inputs = (node._saved_mat1 if addmm else node._saved_self).to(delta.dtype)
    left, right = (layout.positions(x, x.shape[1]) for x in (delta, inputs))
    return Outer(left, right) if turned else Outer(right, left)


def _added(use: Use, delta: Tensor, layout: Layout) -> Part:
    """A parameter that is added to all examples, or expanded to them, after their axes were aligned."""
    if getattr(use.node, "_saved_alpha", 1) != 1:
        raise Unknown
    return _broadcast(use, delta, layout)


def _multiplied(use: Use, delta: Tensor, layout: Layout) -> Part:
    """A parameter that multiplies all examples."""
    other = use.node._saved_other if use.slot == 0 else use.node._saved_self
    return _broadcast(use, delta * other, layout)


def _broadcast(use: Use, delta: Tensor, layout: Layout) -> Part:
    shape = use.parameter.shape
    if len(shape) == 1 and delta.shape[-1] == shape[0] and delta.dim() > 1:
        return Whole(layout.positions(delta, shape[0]).sum(1))
    if layout.time_first or len(shape) > delta.dim() or (len(shape) == delta.dim() and shape[0] != 1):
        raise Unknown
    aligned = (1,) * (delta.dim() - len(shape)) + tuple(shape)
    axes = [axis for axis in range(1, delta.dim()) if aligned[axis] == 1 and delta.shape[axis] != 1]
    return Whole(layout.first(delta).sum(axes, keepdim=True) if axes else layout.first(delta))


def _embedding(use: Use, delta: Tensor, layout: Layout) -> Part:
    """Rows that were looked up; those of `padding_idx` do not learn."""
    node, width = use.node, use.parameter.shape[1]
    if node._saved_scale_grad_by_freq:
        raise Unknown
    index = node._saved_indices
    if delta.numel() > index.numel() * width:  # the same rows for all examples
        if layout.time_first:
            raise Unknown
        right = layout.first(delta).reshape(layout.count, -1, width)
        index = index.reshape(1, -1).expand(layout.count, -1)
        if index.shape != right.shape[:2]:
            raise Unknown
    else:
        index = layout.positions(index, 1)[..., 0]
        right = layout.positions(delta, width)
    padding = node._saved_padding_idx
    if 0 <= padding < len(use.parameter):
        right = right * (index != padding)[..., None]
    return Rows(index, right)


def _convolution(use: Use, delta: Tensor, layout: Layout) -> Part:
    """In one or two dimensions, which are made two."""
    node = use.node
    inputs, delta = layout.first(node._saved_input).to(delta.dtype), layout.first(delta)
    if use.slot == 2:
        return Whole(delta.flatten(2).sum(2))
    if node._saved_transposed or use.slot != 1 or inputs.dim() not in (3, 4) or use.path:
        raise Unknown
    lift = 4 - inputs.dim()
    if lift:
        inputs, delta = inputs.unsqueeze(2), delta.unsqueeze(2)
    kernel, stride, padding, dilation = (
        (fill,) * lift + tuple(given)
        for fill, given in (
            (1, use.parameter.shape[2:]), (1, node._saved_stride), (0, node._saved_padding), (1, node._saved_dilation)
        )
    )  # fmt: skip
    return Windows(inputs, delta, kernel, stride, padding, dilation, node._saved_groups)


def _batch_norm(use: Use, delta: Tensor, layout: Layout) -> Part:
    """With running statistics, so that examples do not depend on each other."""
    node = use.node
    if node._saved_training:
        raise Unknown
    if use.slot == 1:
        mean, var = node._saved_running_mean, node._saved_running_var
        eps = node._saved_epsilon if node.name().startswith("Cudnn") else node._saved_eps
        delta = delta * functional.batch_norm(node._saved_input, mean, var, eps=eps)
    return Whole(layout.first(delta).flatten(2).sum(2) if delta.dim() > 2 else layout.first(delta))


def _layer_norm(use: Use, delta: Tensor, layout: Layout) -> Part:
    node = use.node
    if use.slot == 1:
        delta = delta * (node._saved_input - node._saved_result1) * node._saved_result2
    return Whole(layout.positions(delta, prod(node._saved_normalized_shape)).sum(1))


def _group_norm(use: Use, delta: Tensor, layout: Layout) -> Part:
    node = use.node
    inputs = layout.first(node._saved_input)
    delta = delta.reshape(layout.count, inputs.shape[1], -1)
    if use.slot == 1:
        grouped = inputs.reshape(layout.count, node._saved_group, -1)
        normal = (grouped - node._saved_result1[..., None]) * node._saved_result2[..., None]
        delta = delta * normal.reshape(delta.shape)
    return Whole(delta.sum(2))


RULES: dict[str, Rule] = {
    "AddmmBackward0": _linear,
    "MmBackward0": _linear,
    "AddBackward0": _added,
    "ExpandBackward0": _added,
    "MulBackward0": _multiplied,
    "EmbeddingBackward0": _embedding,
    "ConvolutionBackward0": _convolution,
    "CudnnBatchNormBackward0": _batch_norm,
    "NativeBatchNormBackward0": _batch_norm,
    "NativeLayerNormBackward0": _layer_norm,
    "NativeGroupNormBackward0": _group_norm,
}


def part_of(
    use: Use, deltas: dict[Node, Tensor | None], time_first: dict[Node, bool | None], count: int
) -> Part | None:
    """The part of the parameter's gradient that a use gives each of `count` examples; None where it gives nothing.

    Args:
        use: as of `find_uses`.
        deltas: the gradient of what nodes made; None where there is none.
        time_first: whether examples are on the second axis of it, as of the function of that name.
        count: b.

    Raises `Unknown` where no rule knows it.
    """
    node = use.node
    if node.name() not in RULES:
        raise Unknown
    delta = deltas[node]
    if delta is None:
        return None
    for above in use.sums:
        summed = deltas[above]
        if summed is not None and summed.numel() > delta.numel():
            node, delta = above, summed
    axis = time_first[node]
    if axis is None:
        raise Unknown
    try:
        part = RULES[use.node.name()](use, delta, Layout(count, axis))
    except (AttributeError, RuntimeError) as error:
        raise Unknown from error
    if part_size(part, use.parameter.shape) != use.parameter.numel():
        raise Unknown
    return part


def time_first(delta: Tensor | None, count: int, some: int) -> bool | None:
    """Whether examples lie on the second axis and not on the first, by the gradient of the losses of `some` of `count`.

    Where neither can be, it is None: examples depend on each other, or have no axis.
    """
    if delta is None or delta.dim() < 2:
        return False
    there = delta.abs() > 0  # which NaN is not
    if len(delta) == count and not there[some:].any():
        return False
    there = there.reshape(-1, delta.shape[-1]).any(1)
    if len(there) % count:
        return None
    if not there.view(count, -1)[some:].any():
        return False
    return None if there.view(-1, count)[:, some:].any() else True


def part_size(part: Part, shape: torch.Size) -> int:
    """How many numbers a gradient has that is made of a part."""
    if isinstance(part, Whole):
        return part.gradient[0].numel()
    if isinstance(part, Rows):
        return shape[0] * part.right.shape[2]
    _, rows, columns = part.sizes
    return part.groups * rows * columns
