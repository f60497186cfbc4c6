"""TAROT: the nearest neighbours of each example of a target in whitened space, layer by layer, and how many of them."""

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.aggregation import round_robin
from tamis.ops.matches import Matches
from tamis.ops.nearest_layers import cut, estimated
from tamis.ops.transport import mean_distance
from tamis.ops.whitening import directions, whitened
from tamis.registry import method
from tamis.vocabulary import Order


@method(
    paper="TAROT: Targeted Data Selection via Optimal Transport",
    no=155,
    year=2025,
    family="target",
    cost="O(n d² + n t (d + log n)); for the budget auto also hundreds of problems of transport of s rows",
    memory="4 n d + 24 d² + max(24 min(n, solve_rows)² + 60 n, 376 n)",
    bytes=lambda n, d, k, solve_rows=2000, **_: (
        4 * n * d + 24 * d * d + max(24 * min(n, solve_rows) ** 2 + 60 * n, 376 * n)
    ),
    streams=False,
    own_size=True,
    loses="when the budget outgrows what the pool has of the target's kind, or noise fills most of the features",
)
def tarot(
    embedding: NDArray[np.float32],
    target_embedding: NDArray[np.float32],
    count: int,
    key: NDArray[np.uint64],
    start: NDArray[np.int64] | None = None,
    *,
    ridge: float = 1e-5,
    target_share: float | None = None,
    epsilon: float = 0.02,
    solve_rows: int = 2000,
) -> Order:
    """Layers of nearest neighbours: the first of each of the target's examples, then the second of each, and so on.

    With X the rows of pool and target, each less their mean, vectors are whitened and brought to length 1:

        Σ = Xᵀ X / (N + M) + r tr(Σ) / d I = L Lᵀ;  φ = X L⁻ᵀ / |X L⁻ᵀ|;  d_w = √(2 − 2 cos)

    so that neither large nor repeated features decide alone. All of a layer that fits is kept; of the layer that the
    budget cuts, the rows with the smallest dual potential f in the transport of what would then be kept onto the target
    (a large f marks a row far from what the target still lacks). Each example of the target has its equal share.

    The budget `auto` keeps as many as the target asks for: the target is divided into ten; for each tenth layers of its
    neighbours with positive cosines are added while they come nearer to the other nine, and the union is kept.

    Args:
        embedding: `float32 [n, d]`; in the paper the projected gradients of a model, averaged over its checkpoints.
        target_embedding: `float32 [t, d]`, made in the same way.
        count: how many rows the budget keeps; 0 asks for the estimate.
        key: `uint64 [n]`, `hash(seed, id)`.
        start: places of rows that one has already, which stay in their layers and do not count.
        ridge: r.
        target_share: the weight of the target in mean and Σ, from 0 to less than 1; each row has the same without it. A
            half makes the very direction in which the target differs count less, and found fewer rows of its kind.
        epsilon: of the entropy, relative to the mean distance.
        solve_rows: transport is solved for at most so many rows and examples; the f of others follow from it.

    Returns:
        An `Order` of all rows, whose first `count` are the choice, or with `size` for the estimate. A gain is the
        cosine with the example that a row is the neighbour of, high is near. A smaller budget is a prefix but for the
        layer that is cut. `O(n d² + n t (d + log n))` time.

    Raises `Refused` where POT is missing and a layer is cut or the size asked for.

    Loses to random when the budget outgrows what the pool has of the target's kind.

    Where the official code departs, this is as intended: it uses the last checkpoint in place of the average; it keeps
    the first set that is worse when it looks for the size (here: the best, by doubling and bisection rather than one by
    one); in the layer that is cut it keeps the largest potentials; it whitens in float16 with an absolute
    ridge; it stops at 2,000 neighbours; and it may repeat rows a negative number of times (here: no weights).

    Examples:
        >>> pool = np.array([[9, 0], [8, 1], [0, 9], [1, 8], [-9, -9], [-8, -9]], np.float32)
        >>> wanted = np.array([[8.5, 0.5], [0.5, 8.5]], np.float32)
        >>> order = tarot(pool, wanted, 2, np.arange(6, dtype=np.uint64))
        >>> sorted(order.rows[:2].tolist()), order.reasons[0]
        ([0, 2], 'neighbour 1 of query 0')

    Source: Feng et al. 2025, TAROT: Targeted Data Selection via Optimal Transport; github.com/vita-epfl/TAROT.
    """
    for name, value, accepted, right in (
        ("ridge", ridge, "above 0, such as 1e-5", ridge > 0),
        ("target_share", target_share, "0 or more, and less than 1", target_share is None or 0 <= target_share < 1),
        ("epsilon", epsilon, "above 0, such as 0.02", epsilon > 0),
        ("solve_rows", solve_rows, "1 or more", solve_rows >= 1),
    ):
        if not right:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"{name}={value}", accepted=accepted)
    x, y = map(directions, whitened(embedding, target_embedding, ridge=ridge, share=target_share))
    near, scale = round_robin(Matches(x, y), strict=True), epsilon * mean_distance(x, y, key)
    if count:
        if start is not None and len(start):
            count = int(np.searchsorted(np.cumsum(~np.isin(near.rows, start)), count)) + 1
        places, size = cut(x, y, near, count, key, epsilon=scale, solve_rows=solve_rows), None
    else:
        wanted = np.zeros(len(x), np.bool_)
        wanted[estimated(x, y, key, epsilon=scale, solve_rows=solve_rows)] = True
        places, size = np.argsort(~wanted[near.rows], kind="stable"), int(np.count_nonzero(wanted))
    layer = near.turns // len(y) + 1
    said = [f"neighbour {layer[place]} of query {near.columns[place]}" for place in places]
    return Order(near.rows[places], near.gains[places], said, size=size)
