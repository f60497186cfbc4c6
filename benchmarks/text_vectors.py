"""Vectors of texts without a model: how often neighbours are alike, and how fast, beside scikit-learn's.

Run `python benchmarks/text_vectors.py`; it prints a table and writes it to `benchmarks/results/text_vectors.md`.
"""

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from common import SEED, data, write_page
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.random_projection import SparseRandomProjection

from tamis.ops import latent_semantics, text_vectors

SAMPLE, ASKED, NEIGHBOURS, ROUNDS = 10_000, 12_000, 10, 3
SIZES = (1_000, 12_000, 100_000)
HEAD = ["", "d", "fit s", *(f"documents/s of {size:,}" for size in SIZES), "MB/s of 12,000"]
HEAD += ["domains", "news", "posts", "news, own fit", "posts, own fit"]
NOTE = (
    f"How many of the {NEIGHBOURS} nearest documents by cosine have the same label: the domain, of 17, of {ASKED:,} "
    "documents of the pool, the subject, of 4, of 7,600 AG News, and the group, of 20, of 11,314 posts without their "
    "heads, cut at 1,500 characters. Fitted is on other documents of the pool, which has such news and posts: by ours "
    f"on the {SAMPLE:,} of lowest hash, by scikit-learn on as many at random; “own fit” is on the news and the posts "
    "themselves. scikit-learn hashes the same tokens, with ln(1 + c) or its sublinear counts, to 65,536 buckets. "
    f"Speed is of documents of the pool, the median of {ROUNDS} rounds in turn in one process, on two threads; "
    "scikit-learn uses one."
)

Vectors = Callable[[pa.Array], np.ndarray]


def hashing(ngrams: int = 1, **options: object) -> HashingVectorizer:
    """scikit-learn's features of our tokens."""
    pattern = r"\w+|[^\w\s]+"
    return HashingVectorizer(n_features=1 << 16, ngram_range=(1, ngrams), token_pattern=pattern, norm=None, **options)


def sublinear(matrix: object) -> object:
    """ln(1 + c) of each count, with its sign."""
    matrix.data = np.sign(matrix.data) * np.log1p(np.abs(matrix.data))  # type: ignore[attr-defined]
    return matrix


def projected(d: int, ngrams: int = 1) -> Callable[[pa.Array], Vectors]:
    """scikit-learn's sparse random projection, which needs no texts to fit."""

    def fit(texts: pa.Array) -> Vectors:
        features = hashing(ngrams)
        directions = SparseRandomProjection(d, dense_output=True, random_state=0).fit(features.transform(["a"]))
        return lambda asked: directions.transform(sublinear(features.transform(asked.to_pylist())))

    return fit


def svd(d: int) -> Callable[[pa.Array], Vectors]:
    """scikit-learn's latent semantic analysis, with inverse document frequencies."""

    def fit(texts: pa.Array) -> Vectors:
        features = hashing(alternate_sign=False)
        rows = np.random.default_rng(SEED).permutation(len(texts))[:SAMPLE]
        model = make_pipeline(TfidfTransformer(sublinear_tf=True), TruncatedSVD(d, random_state=0))
        model.fit(features.transform(texts.take(pa.array(rows)).to_pylist()))
        return lambda asked: model.transform(features.transform(asked.to_pylist()))

    return fit


def ours(d: int) -> Callable[[pa.Array], Vectors]:
    """Hashed features, without a fit."""
    return lambda texts: lambda asked: text_vectors.vectors(asked, d)


def latent(d: int, turns: int = latent_semantics.TURNS) -> Callable[[pa.Array], Vectors]:
    """Latent semantics of a sample."""

    def fit(texts: pa.Array) -> Vectors:
        before, latent_semantics.TURNS = latent_semantics.TURNS, turns
        basis = latent_semantics.finish(latent_semantics.fit(texts, size=SAMPLE), d)
        latent_semantics.TURNS = before
        return lambda asked: latent_semantics.vectors(basis, asked)

    return fit


WAYS = {
    "hashed features": (ours, (64, 256, 1024)),
    "latent semantics": (latent, (64, 256)),
    "latent semantics, 1 turn": (lambda d: latent(d, 1), (64, 256)),
    "latent semantics, 4 turns": (lambda d: latent(d, 4), (64, 256)),
    "scikit-learn, projection of words": (projected, (256,)),
    "scikit-learn, projection of 1- and 2-grams": (lambda d: projected(d, 2), (256,)),
    "scikit-learn, TruncatedSVD": (svd, (64, 256)),
}


def purity(found: np.ndarray, labels: np.ndarray) -> float:
    """The share of nearest neighbours with the same label."""
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    found = (found / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    alike = 0.0
    for begin in range(0, len(found), 1000):
        products = found[begin : begin + 1000] @ found.T
        products[np.arange(len(products)), begin + np.arange(len(products))] = -2
        nearest = np.argpartition(-products, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        alike += (labels[nearest] == labels[begin : begin + 1000, None]).mean(axis=1).sum()
    return alike / len(found)


def labelled() -> tuple[pa.Array, list[tuple[pa.Array, np.ndarray]]]:
    """Documents to fit on, and the three sets with their labels."""
    pool = pq.read_table(data("text/pool.parquet"), columns=["text", "domain"])
    pool = pool.take(np.random.default_rng(SEED).permutation(len(pool))).combine_chunks()
    news = pq.read_table(data("text/ag_news_test.parquet"))
    groups = pq.read_table(data("text/20news_train.parquet"))
    bodies = [text.partition("\n\n")[2][:1500] for text in groups["text"].to_pylist()]
    titled = pc.binary_join_element_wise(news["title"], news["text"], " ").combine_chunks()
    texts = pool["text"].combine_chunks()
    sets = [
        (texts[:ASKED], np.array(pool["domain"][:ASKED].to_pylist())),
        (titled, news["label"].to_numpy()),
        (pa.array(bodies), groups["label"].to_numpy()),
    ]
    return texts[ASKED:], sets


def main() -> None:
    """Measure every way."""
    rest, sets = labelled()
    asked = sets[0][0]
    megabytes = pc.sum(pc.binary_length(asked)).as_py() / 1e6
    ways = [(name, d, make(d)) for name, (make, widths) in WAYS.items() for d in widths]
    fitted, seconds = [], []
    for _, _, fit in ways:
        start = time.perf_counter()
        fitted.append(fit(rest))
        seconds.append(time.perf_counter() - start)
        fitted[-1](asked[:100])
    times = np.full((ROUNDS, len(SIZES), len(ways)), np.nan)
    for turn, place, way in np.ndindex(times.shape):
        if not (ways[way][0].startswith("scikit") and SIZES[place] > ASKED):
            texts = (asked if SIZES[place] <= ASKED else rest)[: SIZES[place]]
            start = time.perf_counter()
            fitted[way](texts)
            times[turn, place, way] = time.perf_counter() - start
    rows = []
    for (name, d, fit), find, cost, took in zip(ways, fitted, seconds, np.median(times, axis=0).T, strict=True):
        needs = name.startswith("latent") or name.endswith("SVD")
        found = [purity(find(texts), labels) for texts, labels in sets]
        found += [purity(fit(texts)(texts), labels) for texts, labels in sets[1:]] if needs else []
        speeds = ["" if np.isnan(t) else f"{size / t:,.0f}" for size, t in zip(SIZES, took, strict=True)]
        cells = [name, str(d), f"{cost:.2f}" if needs else "", *speeds, f"{megabytes / took[1]:.0f}"]
        cells += [f"{each:.3f}" for each in found]
        rows.append(cells + [""] * (len(HEAD) - len(cells)))
    write_page("text_vectors", "Vectors of texts", NOTE, [HEAD, *rows], "numpy pyarrow numba scikit-learn")


if __name__ == "__main__":
    main()
