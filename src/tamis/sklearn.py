"""The door of scikit-learn: methods that need features and labels, as estimators that keep rows."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis import refusals
from tamis.budget import parse_several
from tamis.engine.plan import make_plan
from tamis.engine.request import make_request
from tamis.engine.rows import Kept, keep_rows
from tamis.errors import Refused, TamisError
from tamis.ops.choosers import CHOOSERS
from tamis.pool.arrays import table_of_columns
from tamis.registry import METHODS, Method, find, load_all, nearest, parameter_unknown
from tamis.vocabulary import WORDS

try:
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.utils import InputTags, Tags, _safe_indexing, check_random_state
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data
except ImportError:
    said = refusals.PACKAGE_MISSING("tamis.sklearn", package="scikit-learn>=1.6", extra="bench")
    raise ImportError(str(said)) from None

KINDS = ("Score", "Order", "SetFunction")
LABELS = {"label", "group"}
SUPPLIED = {"embedding", *LABELS, "key", "rng", "start", "mass", "count"}  # needs that X, y and the engine meet
BOUND = ("probs", "null_probs", "margins", "correct", "mis_score", "loss", "reference_loss")  # what --use binds
BY_NAME = ("group", "score", "cost", *BOUND, "start", "weight")  # needs that may be given to `fit`
SEEDS = 2**31 - 1
EXPECTED_FAILURES = {
    "check_transformer_general": "it keeps some of the rows, and the check wants all of them back",
    "check_transformer_data_not_an_array": "it keeps some of the rows, and the check wants all of them back",
    "check_methods_subset_invariance": "whether a row is kept depends on the others, so no part is chosen alone",
    "check_methods_sample_order_invariance": "rows are kept by their places, so they must come as they did in fit",
    "check_fit_idempotent": "rows among which nothing was chosen, such as those of a test set, are refused",
}
"""Checks of scikit-learn and of imbalanced-learn that an estimator which keeps rows cannot pass, and why."""


class NotSelected(Refused, ValueError):
    """What Tamis refuses, as the `ValueError` that scikit-learn expects."""


class TamisSampler(OneToOneFeatureMixin, BaseEstimator):  # type: ignore[misc]
    """A `TamisSelector` for the pipelines of imbalanced-learn, whose steps transform or resample, but never both.

    Such a pipeline keeps rows while it is fitted and lets all of them through when it predicts.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> X_kept, y_kept = TamisSampler("stratified-random", budget=0.1).fit_resample(X, y)
        >>> X_kept.shape, np.bincount(y_kept).tolist()
        ((15, 4), [5, 5, 5])
    """

    def __init__(
        self,
        method: str = "random",
        *,
        budget: int | float | str = 0.1,
        metric: str | None = None,
        random_state: Any = 0,
        **parameters: Any,
    ) -> None:
        self.method = method
        self.budget = budget
        self.metric = metric
        self.random_state = random_state
        self._parameters = parameters

    @staticmethod
    def methods() -> list[str]:
        """Names of the methods that need nothing but X and y.

        Examples:
            >>> "random" in TamisSelector.methods(), "dsir" in TamisSelector.methods()
            (True, False)
        """
        load_all()
        return sorted(
            name for name, found in METHODS.entries.items() if found.kind in KINDS and _lacking(found, ()) is None
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What the constructor was given or has by default."""
        return {**super().get_params(deep), **self._parameters}

    def set_params(self, **params: Any) -> Any:
        """Set what the constructor takes: parameters of the method as well, whether they were given before or not."""
        own = self._get_param_names()
        known = [*own, *self._parameters, *_names(params.get("method", self.method))]
        for name in params:
            if name not in known:
                with _value_errors():
                    raise parameter_unknown(type(self).__name__, name, dict.fromkeys(known))
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
            else:
                self._parameters = {**self._parameters, name: value}
        return self

    def fit(self, X: Any, y: Any = None, **needs: Any) -> Any:
        """Choose rows of X.

        Args:
            X: features `[n, d]`, an array or a frame; with `metric="precomputed"` what stands for them, `[n, n]`.
            y: classes `[n]` for methods that need a label or a group.
            needs: what else the method takes, by its word: `group`, `score`, `mis_score`, `loss`, `reference_loss`,
                `cost` `[n]`, `probs`, `null_probs` `[n, k]`, `margins`, `correct` `[n, T]`, and `start`, the rows that
                one has already.

        Raises a `ValueError` for what scikit-learn or Tamis refuses.
        """
        with _value_errors():
            method = find(str(self.method))
            _check_needs(method, needs)
        labelled = bool(LABELS & set(method.needs) - set(needs))
        vectors = validate_data(self, _dense(X), None if labelled and y is None else "no_validation", dtype=np.float32)
        start = needs.pop("start", None)
        columns = {"row": np.arange(len(vectors)), **needs}
        if "embedding" in method.needs:
            columns["embedding"] = vectors
        if labelled and y is not None:
            check_consistent_length(vectors, y)
            columns["label"] = _coded(y)[1]
        with _value_errors(len(vectors)):
            self._choose(columns, start)
        self.n_samples_fit_ = len(vectors)
        return self

    def _choose(self, columns: dict[str, Any], start: Any) -> None:
        """Let the engine choose among rows with these columns."""
        given = {
            "method": self.method,
            "budget": self.budget,
            "seed": _seed(self.random_state),
            "set": self._parameters if self.metric is None else {"metric": self.metric, **self._parameters},
        }
        try:
            kept = _keep(given, columns, start)
        except Refused as error:
            if error.kind not in MENDED:
                raise
            mend, told = MENDED[error.kind]
            warnings.warn(f"{self.method}: {told}", stacklevel=3)
            kept = _keep(given, columns | {"embedding": mend(columns["embedding"])}, start)
        self.indices_, self.weights_ = kept.rows, kept.weights
        self.gains_, self.scores_ = (_or_nan(found, len(kept.rows)) for found in (kept.gains, kept.scores))

    def fit_resample(self, X: Any, y: Any, **needs: Any) -> tuple[Any, Any]:
        """The kept rows of X and y, best first, each in the container that it came in.

        As with the samplers of imbalanced-learn, y holds classes, and at least two of them.
        """
        check_consistent_length(X, y)
        classes, codes = _coded(y)
        if len(classes) < 2:
            raise _as_value_error(refusals.SELECTOR_CLASSES("y", said="one class"))
        self.fit(X, y, **needs)
        kept, counts = np.unique(codes[self.indices_], return_counts=True)
        self.sampling_strategy_ = dict(zip(classes[kept].tolist(), counts.tolist(), strict=True))
        return _safe_indexing(X, self.indices_), _safe_indexing(y, self.indices_)

    @property
    def sample_indices_(self) -> NDArray[np.int64]:
        """The kept rows under the name that imbalanced-learn has for them."""
        kept: NDArray[np.int64] = self.indices_
        return kept

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        method = _method(self.method)
        tags.target_tags.required = bool(method and LABELS & set(method.needs) - set(method.optional))
        tags.input_tags = _InputTags(**_values(tags.input_tags))
        tags.input_tags.pairwise = isinstance(self.metric, str) and self.metric == "precomputed"
        return _Tags(**_values(tags) | {"estimator_type": "sampler"}, sampler_tags=_SamplerTags())


class TamisSelector(TransformerMixin, TamisSampler):  # type: ignore[misc]
    """Keep the best rows of an array by any method that needs features and labels: `TamisSelector.methods()`.

    Args:
        method: a method's name, or `file.py:function`.
        budget: rows as an int, a fraction in (0, 1) as a float, or text such as `"10%"`.
        metric: `"cosine"` (clipped at 0), `"dot"`, `"euclidean"` or `"precomputed"`, for methods that compare rows;
            the method's own by default.
        random_state: an int gives the selection of `tamis.select` with that `seed`; a `RandomState`, or None for the
            global one, another at each call of `fit`.
        parameters: parameters of the method.

    Attributes:
        indices_: the kept rows, best first, `int64 [k]`; `sample_indices_` is the same.
        gains_: what each added, `float64 [k]`, NaN where the method tells none; `scores_` likewise.
        weights_: for how much each counts, `float32 [k]`, as for `sample_weight`; 1 unless the method says otherwise.
        sampling_strategy_: after `fit_resample` how many rows of each class were kept.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> selector = TamisSelector("stratified-random", budget=6).fit(X, y)
        >>> y[selector.indices_].tolist()
        [2, 1, 0, 2, 1, 0]
        >>> selector.transform(X).shape
        (6, 4)
    """

    def transform(self, X: Any) -> Any:
        """The kept rows of X, best first, where X has the rows of `fit` in the same order, whatever their values.

        Raises a `ValueError` for another number of rows: nothing was chosen among them.
        """
        check_is_fitted(self)
        checked = validate_data(self, _dense(X), reset=False)
        if len(checked) != self.n_samples_fit_:
            refused = refusals.SELECTOR_OTHER_ROWS("X", found=len(checked), rows=self.n_samples_fit_)
            raise _as_value_error(refused)
        return _safe_indexing(X if hasattr(X, "columns") else checked, self.indices_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = None
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


@dataclass(slots=True)
class _InputTags(InputTags):  # type: ignore[misc]
    dataframe: bool = True


@dataclass(slots=True)
class _SamplerTags:
    sample_indices: bool = True


@dataclass(slots=True)
class _Tags(Tags):  # type: ignore[misc]
    """The tags of scikit-learn with those that imbalanced-learn adds."""

    sampler_tags: _SamplerTags | None = None


def _values(tags: Any) -> dict[str, Any]:
    return {field.name: getattr(tags, field.name) for field in fields(tags)}


def _method(name: Any) -> Method | None:
    """The method called `name`, if there is one."""
    try:
        return find(name) if isinstance(name, str) else None
    except Refused:
        return None


def _names(name: Any) -> list[str]:
    """Names of the parameters of the method called `name`, and of the way in which it chooses."""
    method = _method(name)
    chooser = CHOOSERS.get(method.choose) if method and method.choose else None
    return [*(method.parameters if method else ()), *(chooser.parameters if chooser else ())]


def _lacking(method: Method, given: Any) -> str | None:
    """The first need of `method` that neither X and y nor what is `given` besides meet."""
    met = {*SUPPLIED, *method.optional, *given}
    return next((need for need in method.needs if need not in met), None)


def _check_needs(method: Method, given: dict[str, Any]) -> None:
    meant = {*method.needs, "start", *["weight"][: "mass" in method.needs]}
    known = [word for word in BY_NAME if word in meant]
    for word in given:
        if word not in known:
            near = nearest(word, dict.fromkeys(known))
            raise refusals.SELECTOR_NEED_UNKNOWN(method.name, need=word, near=near, known=", ".join(known))
    need = _lacking(method, given)
    if need in BY_NAME:
        raise refusals.SELECTOR_NEED_MISSING(method.name, need=need, meaning=WORDS[need].meaning)
    if need is not None:
        raise refusals.SELECTOR_NEED_ELSEWHERE(method.name, need=need)


def _dense(X: Any) -> Any:
    """A frame of pandas whose columns leave out zeros, with them."""
    return X.sparse.to_dense() if hasattr(X, "columns") and hasattr(X, "sparse") else X


def _coded(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The classes of y, and which of them each row has; one column for each class is understood as well."""
    check_classification_targets(y)
    if type_of_target(y) == "multilabel-indicator":
        one_of_many = np.asarray(y)
        if (one_of_many.sum(axis=1) != 1).any():
            raise _as_value_error(refusals.SELECTOR_CLASSES("y", said="several labels, or none, in a row"))
        y = one_of_many.argmax(axis=1)
    return np.unique(column_or_1d(y), return_inverse=True)


def _keep(given: dict[str, Any], columns: dict[str, Any], start: Any) -> Kept:
    """What the engine keeps of rows with these columns; says so where that is less than was asked for."""
    roles = {name: name for name in columns if name in ("label", "group", "score", "cost", "weight", "embedding")}
    use = {name: name for name in columns if name in BOUND}
    request = make_request({**given, "pool": ["X"], "use": use, **roles})
    budget, *others = parse_several(str(request.budget))
    if others or budget.is_cost:
        raise refusals.SELECTOR_BUDGET(f"budget {request.budget!r}")
    rows = len(columns["row"])
    plan = make_plan(request, table_of_columns(columns, "fit"))
    had = _places([] if start is None else start, rows)
    if len(had):
        plan.start = had
    with TemporaryDirectory(prefix="tamis-") as folder:
        kept = keep_rows(plan, Path(folder) / "work")
    found = len(kept.rows)
    if not budget.is_auto and found < (asked := budget.rows(rows - len(had))):
        text = f"{plan.method.name} keeps {found:,} rows of a budget of {asked:,}: it chooses no others"
        warnings.warn(text, stacklevel=4)
    return kept


def _with_direction(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[n, d + 1]` in which rows of zeros point where no other does; no other angle changes."""
    return np.column_stack([vectors, ~vectors.any(axis=1)]).astype(np.float32)


def _amounts(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`[n, 2 d]`: what is above 0 of each feature, and what is below."""
    return np.maximum(np.column_stack([vectors, -vectors]), 0)


MENDED = {
    refusals.VECTOR_OF_ZEROS.name: (
        _with_direction,
        "rows of zeros are taken as like each other and no others",
    ),
    refusals.FEATURE_OUTSIDE.name: (_amounts, "numbers below 0 are taken as amounts of features of their own"),
}
"""What a method cannot use though scikit-learn's estimators can: what is made of it, and what is said of that."""


def _places(start: Any, rows: int) -> NDArray[np.int64]:
    """Rows given by their places, or by True at those that are meant, ascending."""
    found = np.asarray(start)
    if found.dtype == bool and found.shape == (rows,):
        return np.flatnonzero(found)
    if found.ndim != 1 or (len(found) and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= rows)):
        raise refusals.SELECTOR_START("start", last=rows - 1)
    return np.unique(found.astype(np.int64))


def _or_nan(found: NDArray[np.float64] | None, rows: int) -> NDArray[np.float64]:
    return np.full(rows, np.nan) if found is None else found


def _seed(state: Any) -> int:
    """An integer stands for itself; others are asked for one."""
    return int(state) if isinstance(state, int | np.integer) else int(check_random_state(state).randint(SEEDS))


def _as_value_error(error: TamisError, rows: int | None = None) -> NotSelected:
    told = f" (n_samples={rows})" if rows is not None and error.kind.startswith("budget") else ""
    return NotSelected(f"{error}{told}", error.kind)


@contextmanager
def _value_errors(rows: int | None = None) -> Iterator[None]:
    """Raise what Tamis refuses as a `ValueError`; a budget that does not fit is told with the number of rows."""
    try:
        yield
    except Refused as error:
        raise _as_value_error(error, rows) from None
