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


AdmittedScore = Annotated[Admitted, "Score"]
"""A `Score` of a method that may choose its own size: under the budget `auto` all that it admits is kept."""

AdmittedMatch = Annotated[Admitted, "Match"]
"""A `Match` that is not defined for, or not meant for, every row."""


@dataclass(frozen=True)
class Points:
    """Examples that a set of rows shall cover, more than the rows that one sees: read in blocks, as of a file.

    `vectors`, `[N, d]`, may be memory-mapped; `rows`, `int64 [p]`, are those of them that count, and `listed` is how
    many of the rows each of them can know.
    """

    vectors: NDArray[Any]
    rows: NDArray[np.int64]
    listed: int

    def __len__(self) -> int:
        return len(self.rows)

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """The vectors of points start … stop - 1, `float32`."""
        return np.ascontiguousarray(self.vectors[self.rows[start:stop]], np.float32)


class Order(NamedTuple):
    """Rows best first, extendable past the budget, so that a smaller budget is a prefix.

    `weights`, `float32`, and `reasons` stand beside the rows; `size` is how many the method itself would keep, which is
    what the budget `auto` takes.
    """

    rows: NDArray[np.int64]
    gains: NDArray[np.float64] | None = None
    reasons: list[str] | None = None
    weights: NDArray[np.float32] | None = None
    size: int | None = None


@runtime_checkable
class SetFunction(Protocol):
    """What a set of rows is worth, told as the gain of one more row given those taken so far.

    Rows are places `0 … size - 1` among those that the method was given. The engine asks for the best row that budget
    and limits leave open and takes it, again and again; the function knows neither. A class that inherits from this one
    has to say `size`, `gains` and `take`.
    """

    size: int
    submodular: bool = True
    """Whether gains only shrink as rows are taken: then lazy greedy is exact, and gain per cost makes sense."""
    monotone: bool = True
    """Whether gains are also those of a function of sets that never falls: then the greedy has a bound."""
    divided: bool = False
    """Whether `best` divides rows among groups before it compares gains: a bound is then among sets so divided."""
    admitted: NDArray[np.bool_] | None = None
    """`bool [size]`, the rows that may be taken at all; None for all of them."""

    def gains(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """The gain of each of `rows`, none of which is taken yet."""
        ...

    def take(self, row: int) -> str | None:
        """Take a row; what there is to say of why, if anything."""
        ...

    def best(self, open: NDArray[np.bool_], price: NDArray[np.float64] | None = None) -> tuple[int, float]:
        """The open row with the largest gain (per price, if given) and its gain, ties by row; at least one is open.

        Between calls with one and the same array `open`, rows are only closed; another array may open others.
        """
        rows = np.flatnonzero(open)
        gains = self.gains(rows)
        at = int(np.argmax(gains if price is None else gains / price[rows]))
        return int(rows[at]), float(gains[at])

    def fresh(self) -> "SetFunction":
        """The same function with no row taken; what was computed from the data alone is shared."""
        ...

    def weights(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """How much each of these rows, in the order they were taken, stands for; None where each counts once."""
        return None


class Tags(NamedTuple):
    """The tags of n rows: `codes[starts[i]:starts[i + 1]]` are those of row i, each once; `names` are the tags."""

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    names: list[str]


class Balance(NamedTuple):
    """Shares that the groups of a column should have: `codes int64 [n]`, -1 for others, and `shares float64 [g]`."""

    column: str
    groups: list[str]
    codes: NDArray[np.int64]
    shares: NDArray[np.float64]


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


KINDS = ("Score", "Match", "Order", "SetFunction", "Schedule")
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
        Word(
            "probs", "[n, k]", "float32", "class probabilities, which sum to 1", "--use probs=COLUMN, 'p*' or FILE.npy"
        ),
        Word(
            "null_probs",
            "[n, k]",
            "float32",
            "class probabilities by a model that did not see the input",
            "--use null_probs=COLUMN, 'p*' or FILE.npy",
        ),
        Word(
            "margins",
            "[n, T]",
            "float32",
            "at each visit, the logit of the label less the largest other; NaN for no visit",
            "--use margins=COLUMN, 'm*' or FILE.npy",
        ),
        Word(
            "correct",
            "[n, T]",
            "float32",
            "at each visit, 1 if the model was right, else 0; NaN for no visit",
            "--use correct=COLUMN, 'c*' or FILE.npy",
        ),
        Word("mis_score", "[n]", "float64", "a second score; low casts doubt on the label", "--use mis_score=COLUMN"),
        Word("loss", "[n]", "float64", "the loss of the model that learns", "--use loss=COLUMN"),
        Word(
            "reference_loss",
            "[n]",
            "float64",
            "the loss of a model trained on other data",
            "--use reference_loss=COLUMN",
        ),
        Word(
            "prior_loss",
            "[n, 1]",
            "float32",
            "mean loss per token of a model of the pool (of n-grams: per byte)",
            "--use prior_loss=COLUMN or a model's FOLDER, else n-grams",
        ),
        Word(
            "conditional_loss",
            "[n, t]",
            "float32",
            "mean loss per token of a model of each target (of n-grams: per byte)",
            "--use conditional_loss=COLUMN or a model's FOLDER, else n-grams",
        ),
        Word(
            "losses",
            "[n, m]",
            "float32",
            "mean loss per character of each of several models",
            "--use losses='l*', FILE.npy or FOLDER,FOLDER,… of models",
        ),
        Word("tags", "[n]", "Tags", "the tags of each example", "--use tags=COLUMN of lists of text"),
        Word("tag_embedding", "[tags, e]", "float32", "a vector per tag", "--use tag_embedding=FILE of tag and vector"),
        Word("balance", "", "list of Balance", "shares wanted of groups", "--use balance=COLUMN=GROUP:SHARE,…"),
        Word(
            "match",
            "[n, t]",
            "Matches",
            "nearness of each example to each of the target's",
            "--use match=FILE.npy, or vectors of pool and target",
        ),
        Word(
            "target_embedding",
            "[t, d]",
            "float32",
            "vectors of the target's examples",
            "--target FILE with the column of --embedding",
        ),
        Word("target", "[t]", "int64", "which target each of the targets' examples is of", "--target FILE"),
        Word("start", "[s]", "int64", "places of rows that one has already", "--start SELECTION"),
        Word(
            "mass",
            "[n]",
            "float64",
            "how much each row counts where others are to be covered",
            "--weight COLUMN, else 1",
        ),
        Word(
            "points",
            "",
            "Points",
            "what the rows shall cover, where these are only some of the pool; `mass` is then that of the points",
            "the engine",
        ),
        Word(
            "count", "", "int", "how many rows the budget keeps, for methods that divide the whole of it", "the engine"
        ),
        Word("target_text", "[t]", "Arrow string array", "the texts of the target sample", "--target FILE"),
        Word("target_length", "[t]", "int64", "characters of the target's texts", "--target FILE"),
        Word("state", "", "the method's own", "what the method's `finish` made of the whole pool", "the method"),
    )
}
