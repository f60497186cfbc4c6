"""Training dynamics: running statistics of every example, from what a model made of it at each visit."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tamis import refusals
from tamis.registry import nearest

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

SIGNALS = ("loss", "margin", "prob_margin", "entropy", "el2n", "prob", "correct")
"""What a visit tells of an example, in the order of the columns of `signals_of`."""
MEANS = {"loss": "loss", "aum": "margin", "aum_prob": "prob_margin", "entropy": "entropy", "el2n": "el2n"}
"""Scores that are means over the visits, and of which signal."""
FINITE = float(np.finfo(np.float32).max)


class Scores(dict[str, Floats]):
    """Scores by name, each `float64 [n]`; a name that was not recorded is refused."""

    def __missing__(self, name: str) -> Floats:
        raise refusals.RECORD_NEVER("scores", name=name, near=nearest(name, self), known=", ".join(self))


def signals_of(logits: ArrayLike, labels: Longs) -> Floats:
    """What logits say of each example, `float64 [b, 7]`, in the order of `SIGNALS`.

    With `p = softmax(z)` and the class y of the example:

        loss = −ln p_y            margin = z_y − max_{c≠y} z_c     prob_margin = p_y − max_{c≠y} p_c
        entropy = −Σ_c p_c ln p_c    el2n = ‖p − e_y‖₂     prob = p_y     correct = [y = argmax_c z_c]

    Of classes with the same logit the first is the model's answer. Sums that should be small are of small terms, so
    that examples of which the model is nearly sure still differ.

    Args:
        logits: `[b, k]`, finite, of at least two classes.
        labels: `int64 [b]`, from 0 to k − 1.

    Returns:
        `O(b k)` time, `24 b k` bytes.

    Examples:
        >>> signals_of(np.zeros((1, 10)), np.array([3]))[0, 4].round(6)
        np.float64(0.948683)
    """
    z = np.array(logits, np.float64)
    rows = np.arange(len(z))
    correct = z.argmax(axis=1) == labels
    z -= z.max(axis=1, keepdims=True)
    odds = np.exp(z)
    own, own_odds = z[rows, labels], odds[rows, labels]
    weighted = np.einsum("bk,bk->b", odds, z)
    z[rows, labels], odds[rows, labels] = -np.inf, 0  # what is left are the other classes
    rest = odds.sum(axis=1)
    total = rest + own_odds
    found = np.empty((len(z), len(SIGNALS)))
    with np.errstate(divide="ignore"):
        found[:, 0] = np.logaddexp(0, np.log(rest) - own)
    found[:, 1] = own - z.max(axis=1)
    found[:, 2] = (own_odds - odds.max(axis=1)) / total
    found[:, 3] = np.log(total) - weighted / total
    found[:, 4] = np.sqrt(np.einsum("bk,bk->b", odds, odds) + rest**2) / total
    found[:, 5] = own_odds / total
    found[:, 6] = correct
    return found


class Dynamics:
    """What a training run has shown of each of n examples so far, in memory that does not grow with the epochs.

    After T visits of an example, with what `signals_of` says of visit t:

        loss, entropy, el2n = mean_t        aum = mean_t margin_t           aum_prob = mean_t prob_margin_t
        correctness = mean_t correct_t      confidence = mean_t prob_t      variability² = mean_t (prob_t − confidence)²
        forgetting = #{t : correct_t = 1, correct_{t+1} = 0}

    Sums are float64. The scores are those of the visits so far: for EL2N over the first ten epochs, or AUM before the
    first drop of the step size, ask then and keep the answer.

    Args:
        n: examples; their ids are 0 … n − 1.
        classes: k, at least 2; None for a model without classes, of which only losses are recorded.

    Memory is `70 n` bytes, and `12 n` without classes.

    Examples:
        >>> log = Dynamics(3, classes=2)
        >>> for margin in (1.26, 1.04):
        ...     log.update([2], [[0.0, margin]], [1])
        >>> log.scores()["aum"]
        array([ nan,  nan, 1.15])

    Source: Paul et al. 2021 (EL2N), Toneva et al. 2019 (forgetting), Pleiss et al. 2020 (AUM), Swayamdipta et al. 2020
    (confidence, variability, correctness), Zheng et al. 2023 (margins of probabilities).
    """

    def __init__(self, n: int, classes: int | None = None) -> None:
        if n < 1:
            raise refusals.PARAMETER_OUT_OF_RANGE(f"n={n}", accepted="the number of examples, at least 1")
        if classes is not None and classes < 2:
            accepted = "2 classes or more (two logits where one number tells two classes apart)"
            raise refusals.PARAMETER_OUT_OF_RANGE(f"classes={classes}", accepted=accepted)
        self.n, self.classes = int(n), None if classes is None else int(classes)
        self.state: dict[str, NDArray[Any]] = {"visits": np.zeros(n, np.int32)}
        self.state["sums"] = np.zeros((n, 1 if classes is None else len(MEANS)))
        if classes is not None:
            self.state |= {name: np.zeros(n) for name in ("prob", "prob_square")}  # mean, and sum of squares about it
            self.state |= {name: np.zeros(n, np.int32) for name in ("correct", "forgotten")}
            self.state |= {name: np.zeros(n, np.bool_) for name in ("first", "last")}

    def update(
        self,
        ids: ArrayLike,
        logits: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        losses: ArrayLike | None = None,
    ) -> None:
        """Record one visit of each of some examples; nothing is recorded where any of it is refused.

        Args:
            ids: integers `[b]`, each once, in any order; b may be 0.
            logits: `[b, k]`, before the softmax.
            labels: integers `[b]`, from 0 to k − 1.
            losses: `[b]`, instead of logits and labels for a model without classes; beside them what to record as loss
                where that is not the cross-entropy.

        `O(b k)` time. Raises `Refused` for ids out of range or twice, labels outside the classes, what is not finite,
        and other shapes.
        """
        self.record(*self.measure(ids, logits, labels, losses=losses))

    def measure(
        self,
        ids: ArrayLike,
        logits: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        losses: ArrayLike | None = None,
    ) -> tuple[Longs, Floats]:
        """What `update` would record, checked and not yet recorded: `int64 [b]` and `float64 [b, 7]`, or `[b, 1]`."""
        found = _integers("ids", ids, self.n, "examples")
        count = len(found)
        if self.classes is None:
            if losses is None or logits is not None or labels is not None:
                raise refusals.RECORD_OTHER_INPUT(
                    "update", made="without classes", wanted="losses only", instead="for a number of classes"
                )
            return found, _finite("losses", losses, (count,), found)[:, None]
        if logits is None or labels is None:
            made = f"for {self.classes:,} classes"
            raise refusals.RECORD_OTHER_INPUT(
                "update", made=made, wanted="logits and labels", instead="without classes, for losses only"
            )
        z = _finite("logits", logits, (count, self.classes), found)
        signals = signals_of(z, _integers("labels", labels, self.classes, "classes", count))
        if losses is not None:
            signals[:, 0] = _finite("losses", losses, (count,), found)
        return found, signals

    def record(self, ids: Longs, signals: Floats) -> None:
        """Record what `measure` returned, perhaps of several processes one after the other."""
        ordered = np.sort(ids)
        if (twice := ordered[1:] == ordered[:-1]).any():
            raise refusals.RECORD_TWICE("ids", id=int(ordered[int(np.argmax(twice))]))
        state = self.state
        state["visits"][ids] += 1
        state["sums"][ids] += signals[:, : state["sums"].shape[1]]
        if self.classes is None:
            return
        visits, prob, correct = state["visits"][ids], signals[:, 5], signals[:, 6] > 0
        before = state["prob"][ids]
        mean = before + (prob - before) / visits
        state["prob"][ids] = mean
        state["prob_square"][ids] += (prob - before) * (prob - mean)
        state["correct"][ids] += correct
        state["forgotten"][ids] += state["last"][ids] & ~correct
        state["first"][ids] |= correct & (visits == 1)
        state["last"][ids] = correct

    def merge(self, later: "Dynamics") -> None:
        """Add what another recorded: of other examples, or of the same at later visits. `O(n)` time.

        Where no example is in both this is exact; elsewhere sums are exact but for their rounding.
        """
        self._same("merge", later.n, later.classes)
        own, other = self.state, later.state
        if self.classes is not None:
            before, after = own["visits"] > 0, other["visits"] > 0
            share = other["visits"] / np.maximum(own["visits"] + other["visits"], 1)
            apart = other["prob"] - own["prob"]
            own["prob"] += apart * share
            own["prob_square"] += other["prob_square"] + apart**2 * own["visits"] * share
            own["correct"] += other["correct"]
            own["forgotten"] += other["forgotten"] + (own["last"] & after & ~other["first"])
            own["first"] = np.where(before, own["first"], other["first"])
            own["last"] = np.where(after, other["last"], own["last"])
        own["sums"] += other["sums"]
        own["visits"] += other["visits"]

    def scores(self, *, never_learned: Literal["visits", "inf", "drop"] = "visits") -> Scores:
        """The scores of the visits so far by name, each `float64 [n]`, NaN for an example that was not visited.

        High is hard in `loss` (nats), `entropy` (nats), `el2n` (0 to √2), `forgetting` and `variability`; high is easy
        in `aum` (logits; low is often a wrong label), `aum_prob` (−1 to 1), `correctness` and `confidence` (0 to 1).
        `margin` is another name of `aum`, `visits` counts, and `learned` is 1 where the model was ever right.

        Args:
            never_learned: what `forgetting` is where the model was never right: the number of `visits`, as in the
                paper's code; infinite (`inf`), as in that of EL2N; or NaN (`drop`). Where there were fewer than two
                visits it is NaN in any case, for nothing could be forgotten.

        `O(n)` time; the arrays do not change when more is recorded.
        """
        options: dict[str, Any] = {"visits": self.state["visits"], "inf": np.inf, "drop": np.nan}
        if never_learned not in options:
            raise refusals.PARAMETER_NOT_LISTED(f"never_learned={never_learned!r}", known=", ".join(options))
        state, seen = self.state, self.state["visits"] > 0
        visits = np.where(seen, state["visits"], np.nan)
        found = Scores(
            {name: state["sums"][:, i] / visits for i, name in enumerate(MEANS) if i < state["sums"].shape[1]}
        )
        if self.classes is not None:
            learned = state["correct"] > 0
            forgetting = np.where(learned, state["forgotten"], options[never_learned])
            found["margin"] = found["aum"]
            found["correctness"] = state["correct"] / visits
            found["forgetting"] = np.where(state["visits"] > 1, forgetting, np.nan)
            found["learned"] = np.where(seen, learned, np.nan)
            found["confidence"] = np.where(seen, state["prob"], np.nan)
            found["variability"] = np.sqrt(state["prob_square"] / visits)
        found["visits"] = state["visits"].astype(np.float64)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that is known, as arrays for `numpy.savez`; they do not change when more is recorded."""
        found = {name: values.copy() for name, values in self.state.items()}
        return {**found, "classes": np.array(self.classes or 0)}

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Go on from what `arrays` returned, perhaps read back by `numpy.load`, instead of what is known now.

        Raises `Refused` for what is of another number of examples or classes.
        """
        wanted = [*self.state, "classes"]
        if not {"visits", "classes"} <= set(arrays):
            raise refusals.RECORD_NO_STATE("state", found=", ".join(arrays) or "nothing", wanted=", ".join(wanted))
        self._same("state", len(arrays["visits"]), int(arrays["classes"]) or None)
        for name, values in self.state.items():
            if name not in arrays or np.shape(arrays[name]) != values.shape:
                found = f"{name!r} of shape {np.shape(arrays[name])}" if name in arrays else f"no {name!r}"
                raise refusals.RECORD_NO_STATE("state", found=found, wanted=f"{name!r} of shape {values.shape}")
        self.state = {name: np.array(arrays[name], values.dtype) for name, values in self.state.items()}

    def _same(self, where: str, n: int, classes: int | None) -> None:
        if (n, classes) != (self.n, self.classes):
            said = [
                f"{many:,} examples and {kinds or 'no'} classes"
                for many, kinds in ((n, classes), (self.n, self.classes))
            ]
            raise refusals.RECORD_STATE(where, found=said[0], own=said[1])


def _integers(where: str, given: ArrayLike, below: int, what: str, count: int | None = None) -> Longs:
    """Integers from 0 to `below` − 1, as many as there are ids."""
    found = np.asarray(given)
    if found.ndim != 1 or (len(found) and found.dtype.kind not in "iu") or count not in (None, len(found)):
        wanted = "integers of shape (b,)" if count is None else f"integers of shape ({count},), one for each id"
        raise refusals.RECORD_ARRAY(where, found=f"{found.dtype} of shape {found.shape}", wanted=wanted)
    if (outside := (found < 0) | (found >= below)).any():
        value = int(found[int(np.argmax(outside))])
        raise refusals.RECORD_OUTSIDE(where, value=value, what=what, count=below, last=below - 1)
    return found.astype(np.int64)


def _finite(where: str, given: ArrayLike, shape: tuple[int, ...], ids: Longs) -> Floats:
    """Numbers of this shape, none of them NaN or beyond float32."""
    found = np.asarray(given)
    if found.shape != shape or found.dtype.kind not in "fiu":
        wanted = f"numbers of shape {shape}, one row for each id" + (
            " and a column for each class" if shape[1:] else ""
        )
        raise refusals.RECORD_ARRAY(where, found=f"{found.dtype} of shape {found.shape}", wanted=wanted)
    values = found.astype(np.float64)
    if not (fine := np.abs(values) <= FINITE).all():
        at = np.unravel_index(int(np.argmin(fine)), shape)
        raise refusals.RECORD_NOT_FINITE(where, id=int(ids[at[0]]), value=values[at])
    return values
