"""What every schedule keeps: small checks of what it draws and what it is told, which `tamis.testing` runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tamis.errors import Refused
from tamis.vocabulary import Schedule

Ids: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = NDArray[np.uint64]
Drawn: TypeAlias = tuple[list[int], list[float]]
"""Examples by number in the order of their visits, and the weight of each visit."""

EPOCHS, SHARES = 5, (0.3, 0.55, 1.0)


@dataclass(frozen=True)
class Made:
    """How to make a schedule over `n` rows in any order: `of(order)` gives it, with the keys of the rows."""

    n: int
    of: Callable[[Ids], tuple[Schedule, Keys]]

    @property
    def rows(self) -> Ids:
        """The rows as they are stored."""
        return np.arange(self.n)

    @property
    def budgets(self) -> list[int]:
        """Budgets that it can have; a schedule may want all rows."""
        found = []
        for count in sorted({1, *(int(share * self.n) for share in SHARES)} - {0}):
            try:
                self.of(self.rows)[0].start(count)
                found.append(count)
            except Refused:
                assert count < self.n, "a budget of all rows is refused"
        return found


def losses_of(order: Ids, rows: Ids, epoch: int) -> NDArray[np.float32]:
    """What a model might make of rows: the same for an example wherever it is stored."""
    return ((order[rows] * 7919 + epoch * 31) % 101 + 0.5 * (order[rows] % 7)).astype(np.float32)


def drawn(schedule: Schedule, state: Any, epoch: int, key: Keys, order: Ids) -> Drawn:
    """One draw, checked to be one: `int64` rows of the pool, and a weight of at least 0 for each."""
    rows, weights = schedule.draw(state, epoch, key)
    assert isinstance(rows, np.ndarray) and rows.dtype == np.int64 and rows.ndim == 1, "rows are int64 [v]"
    assert len(rows) and rows.min() >= 0 and rows.max() < len(order), f"epoch {epoch} draws a row outside the pool"
    weights = np.ones(len(rows), np.float32) if weights is None else np.asarray(weights)
    assert weights.shape == rows.shape and weights.dtype == np.float32, "weights are float32, one a visit"
    assert np.isfinite(weights).all() and (weights >= 0).all(), "a weight is not a number of at least 0"
    return order[rows].tolist(), weights.tolist()


def told(schedule: Schedule, state: Any, rows: Ids, order: Ids, epoch: int) -> Any:
    """The state after the losses of these rows were told."""
    return schedule.update(state, rows, {"loss": losses_of(order, rows, epoch)})


def trained(made: Made, count: int, order: Ids) -> Iterator[Drawn]:
    """What each epoch draws in a training that tells losses."""
    schedule, key = made.of(order)
    place = np.argsort(order)
    state = schedule.start(count)
    for epoch in range(EPOCHS):
        found = drawn(schedule, state, epoch, key, order)
        assert len(found[0]) <= count, f"epoch {epoch} has {len(found[0])} visits of a budget of {count}"
        yield found
        state = told(schedule, state, place[found[0]], order, epoch)


def same_key_same_draw(made: Made) -> None:
    """Two trainings draw alike, and none more than the budget allows."""
    for count in made.budgets:
        one, two = (list(trained(made, count, made.rows)) for _ in range(2))
        assert one == two, f"two trainings with one key and a budget of {count} differ"


def epochs_differ(made: Made) -> None:
    """An epoch does not repeat the one before, where there is more than one row to visit."""
    for count in made.budgets:
        found = [rows for rows, _ in trained(made, count, made.rows)]
        alike = [epoch for epoch in range(1, EPOCHS) if found[epoch] == found[epoch - 1]]
        assert not alike or count == 1, f"with a budget of {count}, epoch {alike[:1]} is the one before again"


def storage_does_not_matter(made: Made) -> None:
    """The same examples are drawn in the same order, however the pool stores them."""
    for count in made.budgets:
        whole = list(trained(made, count, made.rows))
        for order in (made.rows[::-1].copy(), np.random.default_rng(0).permutation(made.n)):
            assert list(trained(made, count, order)) == whole, f"rows stored in another order, budget {count}"


def states_do_not_change(made: Made) -> None:
    """Neither a draw nor an update changes the state, the keys or the rows that it is given."""
    for count in made.budgets:
        schedule, key = made.of(made.rows)
        state, kept = schedule.start(count), key.copy()
        for epoch in range(EPOCHS):
            first = drawn(schedule, state, epoch, key, made.rows)
            rows = np.array(first[0], np.int64)
            later = told(schedule, state, rows, made.rows, epoch)
            assert rows.tolist() == first[0] and np.array_equal(key, kept), "a draw or an update changes its input"
            assert drawn(schedule, state, epoch, key, made.rows) == first, (
                f"epoch {epoch} changes the state it is given"
            )
            state = later


def state_is_all_there_is(made: Made) -> None:
    """Another process goes on from a state: what was drawn before is not kept anywhere else."""
    for count in made.budgets:
        whole = list(trained(made, count, made.rows))
        for epoch in range(EPOCHS):
            schedule, key = made.of(made.rows)
            state = schedule.start(count)
            for before in range(epoch):
                state = told(schedule, state, np.array(whole[before][0], np.int64), made.rows, before)
            assert drawn(schedule, state, epoch, key, made.rows) == whole[epoch], f"epoch {epoch} of another process"


SCHEDULE_CHECKS: dict[str, Callable[[Made], None]] = {
    found.__name__: found
    for found in (
        same_key_same_draw,
        epochs_differ,
        storage_does_not_matter,
        states_do_not_change,
        state_is_all_there_is,
    )
}
