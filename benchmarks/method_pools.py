"""Three pools on which every method can run: images, digits and texts, with all that methods need in columns.

Each is a folder with `pool.parquet` and a file a target. The columns are those of `studies/prepare_fashion_sets.py`:
`embedding`, `positive` (features that are not negative), `probs` and `score` by a logistic regression that has seen 500
other rows, `tags`, `label`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import SEED, data

FASHION = Path(__file__).parents[1] / "studies/out/data/fashion_sets"
LABELLED = 500


@dataclass(frozen=True)
class MethodPool:
    """A pool, the names of its targets, which are groups of `label` too, and its budget."""

    name: str
    folder: Path
    targets: tuple[str, ...]
    positive: str
    budget: str
    text: bool
    says: str

    def described(self) -> Any:
        """The columns by which choices are described: `label`, and whether the model is `right`."""
        table = pq.read_table(self.folder / "pool.parquet", columns=["label", "probs", "score"])
        best = table["probs"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).max(axis=1)
        return table.append_column("right", [table["score"].to_numpy() >= best - 1e-6])


def fashion() -> MethodPool:
    """59,500 images of Fashion-MNIST, as the studies have them."""
    says = (
        "59,500 Fashion-MNIST images: 64 principal components (feature-based: 49 mean brightnesses), and 30 images "
        "each of three classes as targets"
    )
    return MethodPool("fashion", FASHION, ("shirt", "sneaker", "bag"), "pixels", "1%", False, says)


def digits(folder: Path) -> MethodPool:
    """1,207 digits of scikit-learn."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    found = load_digits()
    x, labels = (found.data / 16).astype(np.float32), np.array([f"d{digit}" for digit in found.target])
    made = np.asarray(PCA(32, random_state=0).fit_transform(x), np.float32)
    wanted = ("d3", "d5", "d8")
    save(folder, labels, {"embedding": made, "positive": x}, wanted, 30, [[label] for label in labels])
    says = "1,207 digits of scikit-learn: 32 principal components (feature-based: 64 pixels), and 30 each of 3, 5 and 8"
    return MethodPool("digits", folder, wanted, "positive", "5%", False, says)


def texts(folder: Path, size: int = 20_000) -> MethodPool:
    """20,000 documents of 17 domains with hashed vectors."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.random_projection import GaussianRandomProjection

    table = pq.read_table(data("text/pool.parquet"), columns=["text", "domain"])
    rows = np.sort(np.random.default_rng(SEED).choice(len(table), size + LABELLED, replace=False))
    table, wanted = table.take(pa.array(rows)), ("law", "python_docs", "tweets")
    sample = pq.read_table(data("text/pool_targets.parquet"), columns=["text", "domain"])
    sample = pa.concat_tables([sample.filter(pa.compute.equal(sample["domain"], name))[:100] for name in wanted])
    table = pa.concat_tables([table, sample])
    hashed = HashingVectorizer(n_features=2**16, ngram_range=(1, 2)).transform(table["text"].to_pylist())
    has_words = hashed.getnnz(axis=1) > 0
    table, counts = table.filter(pa.array(has_words)), hashed[has_words]
    said, size = table["text"].to_pylist(), int(has_words[: -len(sample)].sum()) - LABELLED
    made = GaussianRandomProjection(64, random_state=SEED).fit_transform(counts).astype(np.float32)
    plain = HashingVectorizer(n_features=64, alternate_sign=False).transform(said).toarray().astype(np.float32)
    labels = np.array(table["domain"].to_pylist())
    save(
        folder, labels, {"embedding": made, "positive": plain}, wanted, int(has_words[-len(sample) :].sum()), None, said
    )
    says = (
        f"{size:,} documents of 17 domains: hashed words and pairs of words, projected to 64 numbers (feature-based: "
        "64 buckets of words), and 100 other documents each of three domains as targets"
    )
    return MethodPool("texts", folder, wanted, "positive", "1%", True, says)


def save(
    folder: Path, labels: np.ndarray, features: dict[str, np.ndarray], wanted: tuple[str, ...], held: int,
    tags: list[list[str]] | None, said: list[str] | None = None,
) -> None:  # fmt: skip
    """Write the pool and the targets: of texts the last rows, else `held` rows drawn of each wanted label."""
    from sklearn.linear_model import LogisticRegression

    rng, every = np.random.default_rng(SEED), np.arange(len(labels))
    if said is None:
        out = {name: np.sort(rng.permutation(np.flatnonzero(labels == name))[:held]) for name in wanted}
    else:
        out = {name: every[-held:][labels[-held:] == name] for name in wanted}
    left = np.setdiff1d(every, np.concatenate(list(out.values())))
    labelled = rng.choice(left, LABELLED, replace=False)
    model = LogisticRegression(max_iter=1000).fit(features["embedding"][labelled], labels[labelled])
    probs, classes = model.predict_proba(features["embedding"]), model.classes_
    columns: dict[str, Any] = {name: vectors(values) for name, values in features.items()}
    own = labels[:, None] == classes
    columns |= {"probs": vectors(probs.astype(np.float32)), "label": pa.array(labels), "score": (probs * own).sum(1)}
    length = [f"{len(str(text)).bit_length()} bits" for text in said] if said else [""] * len(labels)
    columns["tags"] = tags or [[label, bits] for label, bits in zip(labels.tolist(), length, strict=True)]
    columns["id"] = pa.array([f"row-{row}" for row in every])
    table = pa.table(columns | ({"text": said} if said else {}))
    for name, rows in out.items():
        pq.write_table(table.take(pa.array(rows)), folder / f"{name}.parquet")
    pq.write_table(table.take(pa.array(np.setdiff1d(left, labelled))), folder / "pool.parquet")


def vectors(values: np.ndarray) -> pa.Array:
    """`float32 [n, d]` as a column of lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), values.shape[1])
