"""Squared norms of the gradients that each example gives one parameter, from factors of these gradients.

A parameter's gradient is a sum of parts, one for each time that it is used. A part is a sum over positions t of
products, `Σ_t l_t ⊗ r_t`, or it is known as a whole. Parts are added before the norm is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

BLOCK = 1 << 21  # numbers that a block of examples may fill, which then stay near the processor
Sizes: TypeAlias = tuple[int, int, int]
"""Positions t of a part, and the rows o and columns i of one of its groups."""


@dataclass
class Outer:
    """`G_i = Σ_t left_it ⊗ right_it` of a linear layer: `left [b, t, o]`, `right [b, t, i]`."""

    left: Tensor
    right: Tensor
    groups: int = 1

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, part: slice) -> "Outer":
        return Outer(self.left[part], self.right[part])

    def factors(self) -> tuple[Tensor, Tensor]:
        """`[b g, t, o]` and `[b g, t, i]` for g groups."""
        return self.left, self.right

    @property
    def sizes(self) -> Sizes:
        return self.left.shape[1], self.left.shape[2], self.right.shape[2]

    def matrix(self, shape: Sequence[int]) -> Tensor:
        """`G`, `[b, *shape]`."""
        return _product(*self.factors(), shape)


@dataclass
class Windows:
    """`G_i = Σ_t delta_it ⊗ window_it` of a convolution of `inputs [b, i, h, w]`, with `delta [b, o, h', w']`."""

    inputs: Tensor
    delta: Tensor
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, part: slice) -> "Windows":
        return Windows(
            self.inputs[part], self.delta[part], self.kernel, self.stride, self.padding, self.dilation, self.groups
        )

    def factors(self) -> tuple[Tensor, Tensor]:
        """`[b g, t, o / g]` and `[b g, t, i / g · k]`, where t are places of the output."""
        places, rows, columns = self.sizes
        windows = functional.unfold(self.inputs, self.kernel, self.dilation, self.padding, self.stride)
        left, right = self.delta.reshape(-1, rows, places), windows.reshape(-1, columns, places)
        return left.transpose(1, 2), right.transpose(1, 2)

    @property
    def sizes(self) -> Sizes:
        places, (high, wide) = self.delta.shape[2] * self.delta.shape[3], self.kernel
        return places, self.delta.shape[1] // self.groups, self.inputs.shape[1] // self.groups * high * wide

    def matrix(self, shape: Sequence[int]) -> Tensor:
        """`G`, `[b, *shape]`.

        On a processor one convolution of which each example is a group is about twice as fast as products of windows.
        """
        if self.inputs.device.type != "cpu":
            return _product(*self.factors(), shape)
        inputs, delta, count = self.inputs.flatten(0, 1)[None], self.delta.flatten(0, 1)[None], len(self)
        size = (count * self.delta.shape[1], self.inputs.shape[1] // self.groups, *self.kernel)
        groups, how = count * self.groups, (self.stride, self.padding, self.dilation)
        found: Tensor = conv2d_weight(inputs, size, delta, *how, groups)
        return found.reshape(-1, *shape)


@dataclass
class Rows:
    """`G_i = Σ_t e(index_it) ⊗ right_it` of an embedding: `index int64 [b, t]`, `right [b, t, d]`."""

    index: Tensor
    right: Tensor
    groups: int = 1

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, part: slice) -> "Rows":
        return Rows(self.index[part], self.right[part])

    def matrix(self, shape: Sequence[int]) -> Tensor:
        """`G`, `[b, *shape]`."""
        place = self.index + shape[0] * torch.arange(len(self), device=self.index.device)[:, None]
        found = self.right.new_zeros(len(self) * shape[0], shape[1])
        return found.index_add_(0, place.flatten(), self.right.flatten(0, 1)).view(-1, *shape)


@dataclass
class Whole:
    """`G_i` itself, `[b, …]` in the shape of the parameter."""

    gradient: Tensor
    groups: int = 1

    def __len__(self) -> int:
        return len(self.gradient)

    def __getitem__(self, part: slice) -> "Whole":
        return Whole(self.gradient[part])

    def matrix(self, shape: Sequence[int]) -> Tensor:
        """`G`, `[b, *shape]`."""
        return self.gradient.reshape(-1, *shape)


Part: TypeAlias = Outer | Windows | Rows | Whole


def squared_norms(parts: Sequence[Part], shape: Sequence[int]) -> Tensor:
    """`‖Σ G_i‖²`, `float64 [b]`, of all parts of one parameter, which has this shape.

    Of the two exact ways the cheaper is taken. `Σ_ts (l_t·l_s)(r_t·r_s)` takes `t² (o + i)` products and never has a
    gradient; the gradient of one example takes `t o i`. Examples are done in blocks, so that memory is `BLOCK` numbers
    or what one example needs.
    """
    if all(isinstance(part, Rows) for part in parts):
        return _of_rows([part for part in parts if isinstance(part, Rows)])
    if all(isinstance(part, Whole) for part in parts):
        return _by_matrix(parts, shape)
    first, only = parts[0], len(parts) == 1
    if only and isinstance(first, Outer) and first.sizes[0] == 1:
        return _square(first.left) * _square(first.right)
    products, numbers = _cost(parts, shape)
    step = max(1, BLOCK // numbers)
    blocks = ([part[start : start + step] for part in parts] for start in range(0, len(first), step))
    return torch.cat([_by_products(block) if products else _by_matrix(block, shape) for block in blocks])


def _cost(parts: Sequence[Part], shape: Sequence[int]) -> tuple[bool, int]:
    """Whether products of positions are cheaper than the gradient, and how many numbers an example then fills."""
    sizes = [(p.right.shape[1], *shape) if isinstance(p, Rows) else p.sizes for p in parts if not isinstance(p, Whole)]
    groups, places, (_, rows, columns) = parts[0].groups, sum(size[0] for size in sizes), sizes[0]
    products = len(sizes) == len(parts) and places * (rows + columns) < rows * columns
    return products, groups * (places * (rows + columns) + (2 * places**2 if products else 0)) + prod(shape)


def _product(left: Tensor, right: Tensor, shape: Sequence[int]) -> Tensor:
    """`Σ_t l_t ⊗ r_t` with the groups of an example one below the other, in the shape of the parameter."""
    return torch.bmm(left.transpose(1, 2), right).reshape(-1, *shape)


def _by_matrix(parts: Sequence[Part], shape: Sequence[int]) -> Tensor:
    total = parts[0].matrix(shape)
    for part in parts[1:]:
        total = total + part.matrix(shape)
    return _square(total)


def _by_products(parts: Sequence[Part]) -> Tensor:
    """The sum over pairs of positions, where those of an embedding's rows meet others by their index."""
    count = len(parts[0])
    rows = [part for part in parts if isinstance(part, Rows)]
    pairs = [part.factors() for part in parts if isinstance(part, Outer | Windows)]
    left, right = (torch.cat(each, 1) if len(pairs) > 1 else each[0] for each in zip(*pairs, strict=True))
    found = _dot(torch.bmm(left, left.transpose(1, 2)), torch.bmm(right, right.transpose(1, 2)), count)
    if rows:
        found = found + _of_rows(rows)
    for part in rows:
        met = left.gather(2, part.index[:, None].expand(-1, left.shape[1], -1))
        found = found + 2 * _dot(met, torch.bmm(right, part.right.transpose(1, 2)), count)
    return found.clamp(min=0)


def _of_rows(parts: Sequence[Rows]) -> Tensor:
    """Rows of one example that have one index are added, then all are squared: `O(t d)`."""
    index, right = (torch.cat(each, 1) for each in zip(*((p.index, p.right) for p in parts), strict=True))
    example = torch.arange(len(index), device=index.device)[:, None].expand_as(index)
    keys = torch.stack([example.flatten(), index.flatten()])
    pairs, inverse = torch.unique(keys, dim=1, return_inverse=True)
    sums = right.new_zeros(pairs.shape[1], right.shape[2]).index_add_(0, inverse, right.flatten(0, 1))
    found = torch.zeros(len(index), dtype=torch.float64, device=index.device)
    return found.index_add_(0, pairs[0], _square(sums))


def _dot(one: Tensor, other: Tensor, count: int) -> Tensor:
    return (one * other).reshape(count, -1).sum(1, dtype=torch.float64)


def _square(x: Tensor) -> Tensor:
    """`‖x_i‖²`, `float64 [b]`."""
    norms: Tensor = torch.linalg.vector_norm(x.reshape(len(x), -1), dim=1)
    return norms.double().square()
