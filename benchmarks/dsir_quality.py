"""Which form of DSIR finds a domain from 500 of its documents? Writes `benchmarks/results/dsir_quality.md`.

    TAMIS_DATA=… python benchmarks/dsir_quality.py

Each of 17 domains is the target in turn, with its first 500 held-out documents and with 500 drawn with seed 1; 5,000
documents of the mixed pool are chosen. Purity is the share of them that come from the domain. KL reduction is
KL(target || pool) - KL(target || chosen) in nats, on the 10,000 SHA-256 buckets in which data-selection works.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tamis.methods import dsir
from tamis.ops import ngrams
from tamis.ops.ngram_blocks import bucket_blocks

BUDGET, EXAMPLES = 5_000, 500
SHOWN = ("law", "python_docs", "biomedical", "tweets", "programming_questions")
OUT = Path(__file__).parent / "results" / "dsir_quality.md"


class Form(NamedTuple):
    """One way to turn sums of log-ratios into an order."""

    buckets: int
    unit: str
    length: str
    smoothing: float
    ceiling: float
    temperature: int

    def __str__(self):
        unit = "per chunk " if self.unit == "chunk" else ""
        ceiling = f"{self.ceiling:.2f}" if self.ceiling else "–"
        return f"{self.buckets:,} | {unit}{self.length} | {self.smoothing:.0%} | {ceiling} | {self.temperature}"


DEFAULT = Form(100_000, "document", "shrunk", 0.3, 0.2, 1)
LENGTHS = [("document", length) for length in ("sum", "sqrt", "mean", "shrunk")] + [("chunk", "sum")]
FORMS = [Form(10_000, *kind, smoothing, 0, t) for kind in LENGTHS for smoothing in (0, 0.01, 0.05, 0.1) for t in (0, 1)]
FORMS += [
    Form(buckets, "document", "shrunk", smoothing, ceiling, 1)
    for buckets, smoothings in ((10_000, (0.02, 0.1)), (30_000, (0.1, 0.2, 0.3)), (100_000, (0.1, 0.2, 0.3)))
    for smoothing in smoothings
    for ceiling in (0, 0.15, 0.2, 0.25, 0.3, 0.4)
]


class Result(NamedTuple):
    purity: float
    reduction: float
    tokens: float


class Study:
    """A pool with one set of target documents per domain."""

    def __init__(self, folder, draw):
        pool = pq.read_table(folder / "pool.parquet", columns=["text", "domain"]).combine_chunks()
        held = pq.read_table(folder / "pool_targets.parquet", columns=["text", "domain"]).combine_chunks()
        self.text = pool["text"].chunk(0)
        self.domain = np.array(pool["domain"].to_pylist())
        self.names = sorted(set(self.domain))
        of = np.array(held["domain"].to_pylist())
        rows = {name: np.flatnonzero(of == name) for name in self.names}
        if draw:
            rng = np.random.default_rng(draw)
            rows = {name: rng.permutation(found) for name, found in rows.items()}
        self.held = [held["text"].chunk(0).take(pa.array(rows[name][:EXAMPLES])) for name in self.names]
        self.sizes = [min(BUDGET, np.count_nonzero(self.domain == name)) for name in self.names]
        self.noise = np.random.default_rng(0).gumbel(size=len(self.text))
        blocks = [(b.ids[: b.stops[-1]].copy(), np.diff(b.stops, prepend=0), b.tokens.copy()) for b in self.blocks()]
        self.ids, features, self.tokens = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        self.stops = np.cumsum(features)
        self.measured_pool = ngrams.count(self.text, hash="sha256")
        self.measured = [ngrams.count(text, hash="sha256") for text in self.held]

    def blocks(self):
        return bucket_blocks(self.text, 2, 10_000, "sha256")

    def judge(self, t, rows):
        starts = np.where(rows > 0, self.stops[rows - 1], 0)
        sizes = self.stops[rows] - starts
        places = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        counts = np.bincount(self.ids[places], minlength=10_000)
        target = self.measured[t].counts
        reduction = ngrams.kl_divergence(target, self.measured_pool.counts) - ngrams.kl_divergence(target, counts)
        return Result(float(np.mean(self.domain[rows] == self.names[t])), reduction, int(self.tokens[rows].sum()))

    def weights(self):
        """Noisy weights of every form, computed once for the forms that share an estimate."""
        kinds = sorted({(form.buckets, form.smoothing) for form in FORMS})
        for buckets, smoothing in kinds:
            pool, tokens = ngrams.count_with_tokens(self.text, buckets=buckets)
            targets = [ngrams.count(text, buckets=buckets) for text in self.held]
            state = dsir.finish(pool, targets, smoothing=smoothing)
            sums = ngrams.score(self.text, state.log_ratio)[0]
            print(buckets, smoothing, file=sys.stderr)
            for form in (form for form in FORMS if (form.buckets, form.smoothing) == (buckets, smoothing)):
                kind = {"unit": form.unit, "length": form.length}
                weights = dsir.normalised(sums, tokens, **kind)
                weights = dsir.truncated(weights, state, ceiling=form.ceiling, **kind)
                yield form, weights + form.temperature * self.noise[:, None]

    def package_weights(self):
        """Weights of the rule of data-selection: raw sum over SHA-256 buckets, floor of 100 tokens, Gumbel noise."""
        state = dsir.finish(self.measured_pool, self.measured, smoothing=0)
        weights, tokens = dsir.weigh(self.text, state, hash="sha256", length="sum", ceiling=0)
        weights[dsir.package_tokens(tokens, 2) < dsir.PACKAGE_FLOOR] = -np.inf
        return weights + self.noise[:, None]


def order(weights, k):
    """The `k` rows of largest weight, best first; fewer where fewer are eligible."""
    k = min(k, np.count_nonzero(weights > -np.inf))
    best = np.argpartition(-weights, k - 1)[:k]
    return best[np.argsort(-weights[best], kind="stable")]


def in_turn(weights, k):
    """Rows and targets when each of the m targets takes its best remaining row in turn."""
    queues = [iter(order(column, len(column))) for column in weights.T]
    taken = {}
    while len(taken) < k:
        t = len(taken) % len(queues)
        taken[next(row for row in queues[t] if row not in taken)] = t
    return np.array(list(taken)), np.array(list(taken.values()))


def run(study):
    """Results of every form and of the package's rule per domain; those of the default at the package's tokens."""
    package = study.package_weights()
    theirs = [study.judge(t, order(package[:, t], k)) for t, k in enumerate(study.sizes)]
    results, equal_tokens, together = {}, [], ""
    for form, weights in study.weights():
        results[form] = [study.judge(t, order(weights[:, t], k)) for t, k in enumerate(study.sizes)]
        if form == DEFAULT:
            for t, their in enumerate(theirs):
                rows = order(weights[:, t], len(weights))
                size = int(np.searchsorted(np.cumsum(study.tokens[rows]), their.tokens)) + 1
                equal_tokens.append(study.judge(t, rows[:size]))
            together = three_at_once(study, weights)
    return results, theirs, equal_tokens, together


def three_at_once(study, weights):
    names = SHOWN[:3]
    columns = [study.names.index(name) for name in names]
    rows, served = in_turn(weights[:, columns], BUDGET)
    shares = [f"{name} {np.mean(study.domain[rows[served == t]] == name):.1%}" for t, name in enumerate(names)]
    return ", ".join(shares)


def pooled(draws):
    """The mean over draws of each domain's result."""
    return [Result(*np.mean(both, axis=0)) for both in zip(*draws, strict=True)]


def cell(result):
    return f"{result.purity * 100:.1f} / {result.reduction:.3f}"


def overall(found, theirs):
    purities = [r.purity for r in found]
    ahead = sum(r.reduction >= their.reduction for r, their in zip(found, theirs, strict=True))
    mean = np.mean([r.reduction for r in found])
    return f"{np.mean(purities) * 100:.1f} | {min(purities) * 100:.1f} | {mean:.3f} | {ahead}/{len(found)}"


def forms_table(names, mean, theirs):
    shown = [names.index(name) for name in SHOWN]
    lines = [
        "| buckets | weight | smoothing | ceiling | temperature | "
        + " | ".join(SHOWN)
        + " | mean purity | worst purity | mean KL reduction | not behind data-selection |",
        "|---|" + "---:|" * (len(SHOWN) + 8),
    ]
    cells = " | ".join(cell(theirs[t]) for t in shown)
    lines.append(f"| 10,000 | data-selection's rule | 0% | – | 1 | {cells} | {overall(theirs, theirs)} |")
    for form, found in mean.items():
        mark = " **default**" if form == DEFAULT else ""
        lines.append(f"| {form}{mark} | {' | '.join(cell(found[t]) for t in shown)} | {overall(found, theirs)} |")
    return lines


def domains_table(names, draws):
    lines = [
        "| domain | draw | data-selection's rule | tokens | default | tokens | default, as many tokens |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for t, name in enumerate(names):
        for draw, (results, theirs, equal, _) in enumerate(draws):
            ours = results[DEFAULT][t]
            lines.append(
                f"| {name} | {draw} | {cell(theirs[t])} | {theirs[t].tokens:,.0f} | {cell(ours)} | {ours.tokens:,.0f} "
                f"| {cell(equal[t])} |"
            )
    return lines


def main():
    folder = os.environ.get("TAMIS_DATA")
    if not folder:
        sys.exit("set TAMIS_DATA to the folder of the data sets: this study reads text/pool.parquet in it")
    studies = [Study(Path(folder) / "text", draw) for draw in (0, 1)]
    names, draws = studies[0].names, [run(study) for study in studies]
    mean = {form: pooled([results[form] for results, *_ in draws]) for form in FORMS}
    theirs = pooled([package for _, package, *_ in draws])
    lines = [
        "# DSIR: which weight, which estimate",
        "",
        *__doc__.strip().splitlines()[4:],
        "",
        f'Default: `buckets={DEFAULT.buckets}`, `length="{DEFAULT.length}"`,'
        f" `smoothing={DEFAULT.smoothing}`, `ceiling={DEFAULT.ceiling}`,"
        f" temperature {DEFAULT.temperature}. Cells: purity in % / KL reduction, mean of two draws of the target.",
        "",
        *forms_table(names, mean, theirs),
        "",
        "## The default, domain by domain",
        "",
        "Cells: purity in % / KL reduction. The package's floor of 100 tokens gives it longer documents for the same"
        " number of rows; the last column cuts our order at as many tokens as its choice has.",
        "",
        *domains_table(names, draws),
        "",
        "## Three targets at once",
        "",
        f"{', '.join(SHOWN[:3])}: each takes its best remaining document in turn, {BUDGET:,} in all."
        " Purity of what each took:",
        "",
        *(f"* draw {draw}: {together}" for draw, (*_, together) in enumerate(draws)),
    ]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
