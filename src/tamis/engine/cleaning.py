"""What is asked of texts before rows are chosen: rules, near copies, earlier corpora, and test sets to keep out."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.engine.targets import text_of_sample
from tamis.engine.vectors import COLUMN
from tamis.ops.contamination_index import NGRAM
from tamis.ops.minhash import WIDTH, bands_for
from tamis.ops.text_rules import chosen_rules
from tamis.pool import TYPES, Pool, open_pool
from tamis.pool.base import missing_column
from tamis.pool.roles import need_text
from tamis.pool.storage import base_name

if TYPE_CHECKING:
    from tamis.engine.plan import Plan
    from tamis.engine.request import Request

Rules = list[tuple[str, dict[str, float]]]
FLAGS = ("rules", "near_duplicates", "against", "test_set", "test_text", "test_score", "drop_contaminated")
"""Fields of a request that leave rows out for what their texts are."""

LEAST_SIMILARITY = 0.3
BY_VECTORS = "embedding:"
RULE_KERNELS = {
    "gopher-quality": "_text_rule_kernels",
    "gopher-repetition": "_repetition_kernels",
    "fineweb-quality": "_fineweb_kernels",
    "c4": "_c4_kernels",
    "c4-paper": "_c4_kernels",
}


@dataclass
class Corpus:
    """Texts to compare the pool with: an earlier corpus, or a test set, whose models' `score` may be known."""

    name: str
    path: str
    pool: Pool
    text: str
    score: str | None = None

    @cached_property
    def texts(self) -> pa.Array:
        """All of them, in memory."""
        shards, wanted = self.pool.shards, {self.text: TYPES["text"]}
        found = [batch.column(0) for shard in shards for batch in self.pool.read(shard, wanted)]
        return pa.concat_arrays([pa.array([], TYPES["text"]), *found])

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """How well a model does on each; NaN where that is not known."""
        assert self.score is not None
        shards, wanted = self.pool.shards, {self.score: TYPES["number"]}
        found = [batch.column(0) for shard in shards for batch in self.pool.read(shard, wanted)]
        whole = np.concatenate([np.asarray(one.fill_null(np.nan), np.float64) for one in found])
        return np.where(np.isfinite(whole), whole, np.nan)


@dataclass
class Cleaning:
    """`rules` with thresholds of one's own, `similarity` or `cosine` of near copies, and the `run` that drops a row.

    A run up to 1 is a share of the tokens of its item, others are tokens.
    """

    rules: Rules = field(default_factory=list)
    similarity: float | None = None
    cosine: float | None = None
    against: list[Corpus] = field(default_factory=list)
    tests: list[Corpus] = field(default_factory=list)
    run: float | None = None

    def __bool__(self) -> bool:
        return bool(self.rules or self.similarity or self.cosine or self.against or self.tests)

    @property
    def near(self) -> dict[str, int] | None:
        """Parameters of the sketches, for `ops.minhash.sketch`; None where no near copies are looked for."""
        if self.similarity is None:
            return None
        bands, rows = bands_for(self.similarity)
        return {"width": WIDTH, "bands": bands, "rows": rows, "seed": 0}

    @property
    def kernels(self) -> list[str]:
        """Modules of compiled code that workers need."""
        found = [RULE_KERNELS[name] for name, _ in self.rules]
        found += ["_minhash_kernels"] if self.similarity else []
        found += ["_near_vector_kernels"] if self.cosine else []
        found += ["_contamination_kernels"] if self.tests else []
        return [f"tamis.ops.{name}" for name in dict.fromkeys(found)]

    def inputs(self) -> dict[str, str]:
        """Fingerprints of the files that it names."""
        found = {f"the earlier corpus {one.path}": one.pool.fingerprint for one in self.against}
        return found | {f"the test set {one.path}": one.pool.fingerprint for one in self.tests}


def asks(request: "Request") -> bool:
    """Whether a request leaves rows out for what their texts are.

    Examples:
        >>> from tamis.engine.request import Request
        >>> asks(Request(pool=["p"], method="all", rules=["c4"]))
        True
    """
    return any(getattr(request, name) for name in FLAGS)


def find_cleaning(plan: "Plan", place: str) -> Cleaning:
    """Read the flags and open the files that they name; the pool must have a text if there are any."""
    request = plan.request
    if not asks(request):
        return Cleaning()
    plan.roles["text"] = need_text(plan.pool.schema, plan.roles, place)
    for name in ("drop_contaminated", "test_text", "test_score"):
        if getattr(request, name) and not request.test_set:
            flag = f"--{name.replace('_', '-')}"
            raise refusals.INCOMPLETE(flag, name="--test-set", meaning="the test items to keep out")
    rules = [parse_rules(one) for one in request.rules]
    names = [name for name, _ in rules]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refusals.RULES_TWICE(f"--rules {twice}")
    similarity, cosine = parse_similarity(request.near_duplicates)
    if cosine is not None and request.against and COLUMN not in plan.measured:
        raise refusals.AGAINST_WITHOUT_VECTORS(f"--near-duplicates {request.near_duplicates}")
    against = [_open(plan, path, request.text, "--text", "earlier corpus") for path in request.against]
    tests = _tests(plan)
    for corpora in (against, tests):
        _name_apart(corpora)
    return Cleaning(rules, similarity, cosine, against, tests, parse_run(request.drop_contaminated))


def parse_rules(text: str) -> tuple[str, dict[str, float]]:
    """`gopher-quality:min-words=20,max-bullet-lines=0.8` as the name and thresholds; refuses what is not known.

    Examples:
        >>> parse_rules("gopher-quality:min-words=20")
        ('gopher-quality', {'min_words': 20.0})
    """
    name, _, rest = text.partition(":")
    thresholds: dict[str, float] = {}
    for item in filter(None, rest.split(",")):
        parameter, _, value = item.partition("=")
        try:
            thresholds[parameter.strip().replace("-", "_")] = float(value)
        except ValueError:
            raise refusals.RULES_UNREADABLE(f"--rules {text}", item=item) from None
    chosen_rules(name, thresholds)
    return name, thresholds


def by_vectors(request: "Request") -> bool:
    """Whether near copies are told by vectors."""
    return (request.near_duplicates or "").startswith(BY_VECTORS)


def parse_similarity(text: str | None) -> tuple[float | None, float | None]:
    """`0.8` as a similarity of shingles, `embedding:0.95` as a cosine of vectors.

    Examples:
        >>> parse_similarity("0.8"), parse_similarity("embedding:0.95"), parse_similarity(None)
        ((0.8, None), (None, 0.95), (None, None))
    """
    if text is None:
        return None, None
    where = f"--near-duplicates {text}"
    accepted = f"a similarity from {LEAST_SIMILARITY} to 1, such as 0.8, or a cosine, such as {BY_VECTORS}0.95"
    try:
        value = float(text.removeprefix(BY_VECTORS))
    except ValueError:
        raise refusals.PARAMETER_OUT_OF_RANGE(where, accepted=accepted) from None
    if not LEAST_SIMILARITY <= value <= 1:
        raise refusals.PARAMETER_OUT_OF_RANGE(where, accepted=accepted)
    return (None, value) if text.startswith(BY_VECTORS) else (value, None)


def parse_run(text: str | None) -> float | None:
    """`0.5` or `50%` as a share of an item, `13` as tokens.

    Examples:
        >>> parse_run("50%"), parse_run("13")
        (0.5, 13.0)
    """
    if text is None:
        return None
    where, accepted = f"--drop-contaminated {text}", f"a share of the item such as 0.5, or {NGRAM} tokens or more"
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise refusals.PARAMETER_OUT_OF_RANGE(where, accepted=accepted) from None
    whole = value >= NGRAM and value.is_integer() and not text.endswith("%")
    if not (0 < value <= 1 or whole):
        raise refusals.PARAMETER_OUT_OF_RANGE(where, accepted=accepted)
    return value


def _tests(plan: "Plan") -> list[Corpus]:
    request, given = plan.request, plan.request.test_text
    if len(given) > 1 and len(given) != len(request.test_set):
        raise refusals.TEST_TEXTS_UNEVEN("--test-text", found=len(given), sets=len(request.test_set))
    tests = []
    for number, text in enumerate(request.test_set):
        name, equals, path = text.partition("=")
        if "://" in name or Path(text).exists():  # the sign is in a URL, or in a folder such as split=test
            equals = ""
        path = path if equals else text
        own = given[number] if len(given) > 1 else given[0] if given else None
        test = _open(plan, path, own, "--test-text", "test set")
        test.name = name if equals else test.name
        if request.test_score is not None:
            if request.test_score not in test.pool.schema:
                raise missing_column(request.test_score, test.pool.schema, f"the test set {path}", "--test-score")
            test.score = request.test_score
        tests.append(test)
    return tests


def _name_apart(corpora: list[Corpus]) -> None:
    """Number names that are there before, as in `test-2`, so that each tells its corpus."""
    taken: set[str] = set()
    for corpus in corpora:
        name, number = corpus.name, 1
        while corpus.name in taken:
            number += 1
            corpus.name = f"{name}-{number}"
        taken.add(corpus.name)


def _open(plan: "Plan", path: str, given: Any, flag: str, what: str) -> Corpus:
    pool = open_pool(path, what)
    plan.notes += pool.notes
    place = f"the {what} {path}"
    if flag == "--text" and given not in pool.schema:
        given = None  # the flag speaks of the pool
    return Corpus(base_name(path).split(".")[0], path, pool, text_of_sample(plan, pool, place, given, flag))
