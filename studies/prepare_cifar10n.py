"""CIFAR-10 with the labels that people gave (CIFAR-10N), with what a training run shows of every image.

    TAMIS_DATA=… python studies/prepare_cifar10n.py

- `pixels`: 3 · 32 · 32 numbers in [0, 1], of JPEG files: not the exact original.
- `label`: `worse_label` of CIFAR-10N, the worst of three people's; of the test set, as published.
- `right`: whether that is the published label, 1 or 0.
- `probs_s`, `margins_s`, `correct_s`: of the run with seed s, see `dynamics.py`.

The pool has the first 10,000 images of the training set, in whose order nothing is sorted.
"""

import io

import numpy as np
import pyarrow.parquet as pq
from common import PREPARED, data, leave_charges, leave_notes, write
from dynamics import EARLY, EPOCHS, SEEDS, charges, columns, detection, labelled, recorded, suspicions
from PIL import Image

FOLDER, FEW, FILTERS = PREPARED / "cifar10n", 10_000, 16
CLASSES = np.array("airplane automobile bird cat deer dog frog horse ship truck".split())


def read(part: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels `float32 [n, 3072]` in [0, 1], a colour after another, and classes `int64 [n]`."""
    found = pq.read_table(data(f"images/cifar10_jpeg_{part}.parquet")).slice(0, rows)
    images = [np.asarray(Image.open(io.BytesIO(one.as_py())).convert("RGB")) for one in found["jpeg"]]
    pixels = np.stack(images).transpose(0, 3, 1, 2).reshape(len(images), -1)
    return pixels.astype(np.float32) / np.float32(255), found["label"].to_numpy().astype(np.int64)


def main() -> None:
    """Write the pool and the test set."""
    pixels, truth = read("train", FEW)
    tests, of_tests = read("test", 5000)
    people = pq.read_table(data("labels/cifar10n_train_0_39999.parquet")).slice(0, FEW)
    assert np.array_equal(people["clean_label"].to_numpy(), truth), "the rows of the two files are not the same"
    given = people["worse_label"].to_numpy().astype(np.int64)
    write(FOLDER / "test.parquet", labelled(tests, CLASSES[of_tests], np.ones(len(tests))))
    images = pixels.reshape(-1, 3, 32, 32)
    runs = [recorded(images, given, len(CLASSES), FILTERS, seed) for seed in range(SEEDS)]
    write(FOLDER / "pool.parquet", labelled(pixels, CLASSES[given], given == truth) | columns(runs))
    cost, found = charges(runs), [suspicions(run, images, given, FILTERS) for run in runs]
    leave_charges(FOLDER, cost)
    leave_notes(
        __file__,
        [
            f"{FEW:,} training images with the labels `worse` of CIFAR-10N, of which {1 - np.mean(given == truth):.1%} "
            f"are not the published ones; {len(tests):,} test images with published labels. All are JPEG files.",
            f"Every column of dynamics is of a run of {EPOCHS} epochs on the whole pool, another one for each seed; "
            f"`probs` is measured after epoch {EARLY}. A run costs {cost['whole']:.0f} processor seconds, "
            f"{cost['early']:.1f} until `probs` are there.",
            "Area under the curve of each score as a detector of labels that are not the published ones, the mean of "
            f"{SEEDS} seeds ± their standard deviation: {'; '.join(detection(found, given != truth))}.",
        ],
    )


if __name__ == "__main__":
    main()
