"""Adult income as numbers, with a score: how sure a linear model that never saw an example is of its label.

    TAMIS_DATA=… python studies/prepare_adult_income.py

- `embedding`: the six columns of numbers, of which the capital gain and loss as ln(1 + x), and an indicator (0 or 1)
  of every value that a column of words has in the training part. A value that only the test part has is all zeros.
- `margin`: p(label) - p(the other one) by logistic regression, cross-validated in five parts: an example is scored by
  a model fitted to the other four. 1 is easy, 0 is at the boundary, below 0 the model would say the other label.
"""

import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import PREPARED, SEED, data, in_test, leave_notes, vectors, write
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LABEL, MORE = "y", ">50K"
SKEWED = ("f10", "f11")  # capital gain and loss: mostly 0, some very large
FOLDS = 5
RIGHT, SURE = 0.0, 0.9  # the bounds that the study gives to threshold


def encode(table: pa.Table, like: pa.Table) -> np.ndarray:
    """`float32 [n, d]`: numbers as they are, words as indicators of the values that `like` has."""
    parts = []
    for field in like.drop_columns([LABEL]).schema:
        column = table[field.name].to_numpy()
        if pa.types.is_floating(field.type):
            parts.append((np.log1p(column) if field.name in SKEWED else column)[:, None])
        else:
            known = np.unique(like[field.name].to_numpy())
            parts.append(column[:, None] == known[None, :])
    return np.concatenate(parts, axis=1).astype(np.float32)


def margins(features: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """`float64 [n]` in [-1, 1], out of sample."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    chance = cross_val_predict(model, features, positive, cv=folds, method="predict_proba")[:, 1]
    return np.asarray(np.where(positive, 2 * chance - 1, 1 - 2 * chance))


def main() -> None:
    """Write the pool and the test set."""
    train, test = (pq.read_table(data(f"tabular/adult_{part}.parquet")) for part in ("train", "test"))
    features, held_out = encode(train, train), encode(test, train)
    kept = ~in_test(features, held_out)
    pool, features = train.filter(pa.array(kept)), features[kept]
    rich = pool[LABEL].to_numpy() == MORE
    start = time.process_time()
    margin = margins(features, rich)
    seconds = time.process_time() - start
    folder = PREPARED / "adult_income"
    write(folder / "pool.parquet", {"embedding": vectors(features), "label": pool[LABEL], "margin": pa.array(margin)})
    write(folder / "test.parquet", {"embedding": vectors(held_out), "label": test[LABEL]})
    between = np.mean((margin >= RIGHT) & (margin <= SURE))
    leave_notes(
        __file__,
        [
            f"{len(pool):,} of {len(train):,} training rows are the pool: {(~kept).sum():,} equal a test row in "
            f"all features, and were dropped. The test set has all its {len(test):,} rows.",
            f"{features.shape[1]} features; {rich.mean():.1%} of the pool earn more than 50K, "
            f"{np.mean(test[LABEL].to_numpy() == MORE):.1%} of the test set.",
            f"Margins: {np.mean(margin < 0):.1%} are below 0, {between:.1%} from {RIGHT:g} to {SURE:g}; "
            f"quartiles {', '.join(f'{value:.2f}' for value in np.quantile(margin, (0.25, 0.5, 0.75)))}. "
            f"They took {seconds:.1f} processor seconds, which no comparison at equal total cost charges.",
        ],
    )


if __name__ == "__main__":
    main()
