"""Write `digits/pool.csv` and `digits/test.csv`: small pictures of digits, a fifth of the pool with a wrong label.

    python examples/make_digits.py

The 8 × 8 pictures are those that scikit-learn ships. `trust` is a planted score: 1 where the label is right, 0 where it
is wrong, plus Gaussian noise of deviation 0.6. `luck` is uniform noise.
"""

import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

HERE = Path(__file__).parent / "digits"


def write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    """One CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """1,297 examples to choose from, and 500 to judge on."""
    rng = np.random.default_rng(0)
    pictures, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(digits))
    pixels = [f"p{i}" for i in range(64)]
    pool, test = order[:1297], order[1297:]
    wrong = rng.random(len(pool)) < 0.2
    given = np.where(wrong, (digits[pool] + rng.integers(1, 10, len(pool))) % 10, digits[pool])
    trust = (~wrong + 0.6 * rng.normal(size=len(pool))).round(3)
    luck = rng.random(len(pool)).round(3)
    rows = [[f"d{row}", *pictures[row].astype(int), trust[i], luck[i], given[i]] for i, row in enumerate(pool.tolist())]
    write(HERE / "pool.csv", ["id", *pixels, "trust", "luck", "digit"], rows)
    rows = [[f"d{row}", *pictures[row].astype(int), digits[row]] for row in test.tolist()]
    write(HERE / "test.csv", ["id", *pixels, "digit"], rows)


if __name__ == "__main__":
    main()
