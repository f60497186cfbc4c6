"""Fashion-MNIST as it is, and with a fifth of the labels wrong, and what a training run shows of every image.

    TAMIS_DATA=… python studies/prepare_fashion_dynamics.py

- `pixels`: 28 · 28 numbers in [0, 1].
- `label`: as published; in `pool_flipped.parquet` another class drawn uniformly for a fifth of the images.
- `right`: whether the label is the published one, 1 or 0.
- `probs_s`, `margins_s`, `correct_s`: of the run with seed s, see `dynamics.py`.

`pool.parquet` has 30,000 images that equal none of the test set, drawn at random, and `pool_flipped.parquet` 20,000 of
these.
"""

import numpy as np
from common import PREPARED, SEED, in_test, leave_charges, leave_notes, write
from dynamics import EARLY, EPOCHS, SEEDS, charges, columns, detection, labelled, recorded, suspicions
from prepare_fashion_sets import CLASSES, read

FOLDER, FLIPPED, MANY, FEW, FILTERS = PREPARED / "fashion_dynamics", 0.2, 30_000, 20_000, 8
SHAPE = (-1, 1, 28, 28)


def flip(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels of which a share `FLIPPED` is another class, all equally likely."""
    other = (labels + rng.integers(1, len(CLASSES), len(labels))) % len(CLASSES)
    return np.where(rng.permutation(len(labels)) < round(FLIPPED * len(labels)), other, labels)


def main() -> None:
    """Write both pools and the test set."""
    rng = np.random.default_rng(SEED)
    pixels, labels = read("train")
    tests, of_tests = read("t10k")
    inside = in_test(pixels, tests)
    kept = np.sort(rng.permutation(np.flatnonzero(~inside))[:MANY])
    write(FOLDER / "test.parquet", labelled(tests, CLASSES[of_tests], np.ones(len(tests))))
    pixels, labels = pixels[kept], labels[kept]
    runs = [recorded(pixels.reshape(SHAPE), labels, len(CLASSES), FILTERS, seed) for seed in range(SEEDS)]
    write(FOLDER / "pool.parquet", labelled(pixels, CLASSES[labels], np.ones(len(labels))) | columns(runs))
    clean = charges(runs)
    few = np.sort(rng.permutation(len(labels))[:FEW])
    some, truth = pixels[few], labels[few]
    given = flip(truth, rng)
    images = some.reshape(SHAPE)
    runs = [recorded(images, given, len(CLASSES), FILTERS, seed) for seed in range(SEEDS)]
    write(FOLDER / "pool_flipped.parquet", labelled(some, CLASSES[given], given == truth) | columns(runs))
    flipped = charges(runs)
    found = [suspicions(run, images, given, FILTERS) for run in runs]
    leave_charges(FOLDER, {f"clean_{name}": cost for name, cost in clean.items()}
                  | {f"flipped_{name}": cost for name, cost in flipped.items()})  # fmt: skip
    leave_notes(
        __file__,
        [
            f"The pool has {len(labels):,} training images, drawn at random; {inside.sum():,} of 60,000 equal a test "
            f"image and were left out. All {len(tests):,} test images have their published labels.",
            f"Every column of dynamics is of a run of {EPOCHS} epochs on the whole pool, another one for each seed; "
            f"`probs` is measured after epoch {EARLY}.",
            f"On the pool of {len(labels):,} a run costs {clean['whole']:.0f} processor "
            f"seconds, {clean['early']:.1f} until `probs` are there.",
            f"flipped: {FEW:,} of these images, {1 - np.mean(given == truth):.1%} of them with a wrong label. A run "
            f"costs {flipped['whole']:.0f} processor seconds, {flipped['early']:.1f} until `probs` are there.",
            "flipped: area under the curve of each score as a detector of wrong labels, the mean of "
            f"{SEEDS} seeds ± their standard deviation: {'; '.join(detection(found, given != truth))}.",
        ],
    )


if __name__ == "__main__":
    main()
