"""The checks of schedules: those of a user pass, and each fault is found by the check that is about it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tamis import testing
from tamis.ops.permutation import by_keys, rekeyed
from tamis.testing_schedules import SCHEDULE_CHECKS, Made
from tamis.vocabulary import Schedule

N = 20


class Fresh(Schedule):
    """Another random subset in every epoch, as it should be."""

    def draw(self, state, epoch, key):
        return by_keys(rekeyed(key, epoch)).at(np.arange(state)), None


class Over(Fresh):
    def draw(self, state, epoch, key):
        return super().draw(min(state + 1, N), epoch, key)


class Outside(Fresh):
    def draw(self, state, epoch, key):
        return super().draw(state, epoch, key)[0] + 1, None


class Negative(Fresh):
    def draw(self, state, epoch, key):
        rows, _ = super().draw(state, epoch, key)
        return rows, np.full(len(rows), -1, np.float32)


class Unknown(Fresh):
    def draw(self, state, epoch, key):
        rows, _ = super().draw(state, epoch, key)
        return rows, np.full(len(rows), np.inf, np.float32)


class Ints32(Fresh):
    def draw(self, state, epoch, key):
        return super().draw(state, epoch, key)[0].astype(np.int32), None


class OfRows(Fresh):
    """Chance of the place in the pool."""

    def draw(self, state, epoch, key):
        return np.random.default_rng(epoch).permutation(len(key))[:state], None


class Same(Fresh):
    def draw(self, state, epoch, key):
        return super().draw(state, 0, key)


class OfLuck(Fresh):
    def draw(self, state, epoch, key):
        return np.random.default_rng().permutation(len(key))[:state], None


@dataclass
class Remembers(Fresh):
    """State of its own."""

    drawn: int = 0

    def draw(self, state, epoch, key):
        self.drawn += 1
        return super().draw(state, self.drawn, key)


class InPlace(Fresh):
    """Losses written into the state that it is given."""

    def start(self, count):
        return count, np.zeros(N)

    def draw(self, state, epoch, key):
        rows = np.lexsort((rekeyed(key, epoch), -state[1]))
        return rows[: state[0]], None

    def update(self, state, rows, signals):
        state[1][rows] -= signals["loss"]
        return state


class Broken(Fresh):
    """Rows that it is told of are sorted in place."""

    def update(self, state, rows, signals):
        rows.sort()
        return state


class Keys(Fresh):
    """Keys sorted in place."""

    def update(self, state, rows, signals):
        self.key.sort()
        return state

    def draw(self, state, epoch, key):
        self.key = key
        return super().draw(state, epoch, key)


FAULTS = {
    Unknown: "same_key_same_draw", Keys: "states_do_not_change",
    Over: "same_key_same_draw", Outside: "same_key_same_draw", Negative: "same_key_same_draw",
    Ints32: "same_key_same_draw", OfLuck: "same_key_same_draw", Same: "epochs_differ",
    OfRows: "storage_does_not_matter", InPlace: "states_do_not_change", Broken: "states_do_not_change",
    Remembers: "state_is_all_there_is",
}  # fmt: skip


def made(kind):
    key = np.random.default_rng(0).integers(0, 2**63, N, np.uint64)
    return Made(N, lambda order: (kind(), key[order]))


@pytest.mark.parametrize("check", SCHEDULE_CHECKS.values())
def test_what_is_right_passes(check):
    check(made(Fresh))


@pytest.mark.parametrize(("kind", "name"), FAULTS.items())
def test_faults_are_found(kind, name):
    with pytest.raises(AssertionError):
        SCHEDULE_CHECKS[name](made(kind))


def test_schedules_of_a_file():
    own = Path(__file__).parent / "evidence" / "fresh_subsets.py"
    for name in ("fresh_subsets", "hardest"):
        found = list(testing.checks(f"{own}:{name}"))
        assert [check.name for check in found] == [*SCHEDULE_CHECKS]
        for check in found:
            check()
