"""Every word that a method may use: needs, which the engine fills by name, and kinds, which say what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Score = Annotated[NDArray[np.float64], "Score"]
"""One float64 per example `[n]`; what high means is the method's pole."""

Match = Annotated[NDArray[np.float64], "Match"]
"""One float64 per example and target `[n, m]`; high is near."""


class Admitted(NamedTuple):
    """Scores `float64 [n]` or `[n, m]`, and `bool [n]`: which rows the method lets be chosen at all."""

    scores: NDArray[np.float64]
    admitted: NDArray[np.bool_]


AdmittedMatch = Annotated[Admitted, "Match"]
"""A `Match` that is not defined for, or not meant for, every row."""


class Order(NamedTuple):
    """Rows best first, extendable past the budget, so that a smaller budget is a prefix."""

    rows: NDArray[np.int64]
    gains: NDArray[np.float64] | None = None
    reasons: list[str] | None = None


@runtime_checkable
class Schedule(Protocol):
    """A choice that changes while a model trains: pure functions of a state, called once an epoch.

    Rows are places `0 … n - 1` among those that the method was given. A class that inherits from this one has to say
    only what differs.
    """

    def start(self, count: int) -> Any:
        """The state before the first epoch, where at most `count` rows may be visited in each; `count` itself here."""
        return count

    def draw(
        self, state: Any, epoch: int, key: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
        """The rows that an epoch visits, in that order, and the weight of each visit; None is a weight of 1.

        `key`, `uint64 [n]`, is the same in every epoch and the only source of chance.
        """
        ...

    def update(self, state: Any, rows: NDArray[np.int64], signals: Mapping[str, NDArray[np.float32]]) -> Any:
        """The state after an epoch: `signals` has what the model made of `rows` when it visited them, as `loss`."""
        return state


KINDS = ("Score", "Match", "Order", "Schedule")
POLES = (("hard", "easy"), ("good", "bad"), ("near", "far"), ("novel", "known"), ("noisy", "clean"))
QUALIFIERS = ("target_", "prior_", "conditional_", "reference_", "null_")


@dataclass(frozen=True)
class Word:
    """One need: what an argument of this name receives, and what would supply it."""

    name: str
    shape: str
    dtype: str
    meaning: str
    supply: str


WORDS = {
    word.name: word
    for word in (
        Word("key", "[n]", "uint64", "hash(seed, id), or hash(seed, row) without ids", "the engine"),
        Word("rng", "", "numpy.random.Generator", "a generator seeded by the request", "the engine"),
        Word("text", "[n]", "Arrow string array", "the text of each example", "--text COLUMN"),
        Word("length", "[n]", "int64", "characters (code points) of the text", "--text COLUMN"),
        Word("score", "[n]", "float64", "a number per example, finite", "--score COLUMN"),
        Word("label", "[n]", "int64", "class, coded from 0 in order of appearance", "--label COLUMN"),
        Word("group", "[n]", "int64", "group, coded from 0 in order of appearance", "--group COLUMN"),
        Word("cost", "[n]", "float64", "what keeping the example costs, at least 0", "--cost COLUMN"),
        Word("embedding", "[n, d]", "float32", "a vector per example, finite", "--embedding COLUMN, 'f*' or FILE.npy"),
        Word("target_text", "[t]", "Arrow string array", "the texts of the target sample", "--target FILE"),
        Word("target_length", "[t]", "int64", "characters of the target's texts", "--target FILE"),
        Word("state", "", "the method's own", "what the method's `finish` made of the whole pool", "the method"),
    )
}
