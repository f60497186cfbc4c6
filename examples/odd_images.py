"""A method on vectors, here of images. Run it from the root of the repository:

tamis select examples/images --image image --method examples/odd_images.py:oddness --budget 5 -o out/odd
"""

import numpy as np

from tamis.vocabulary import Score


def oddness(embedding: np.ndarray, *, neighbours: int = 3) -> Score:
    """The mean distance of each example to those nearest to it: high for what is like nothing else.

    Outliers are rare and often broken, so look at them before you keep or drop them. `O(n² d)` time, for a few thousand
    rows.

    Args:
        embedding: float32 `[n, d]`.
        neighbours: how many of the nearest count.

    Examples:
        >>> oddness(np.array([[0.0], [1.0], [9.0]]), neighbours=1).tolist()
        [1.0, 1.0, 8.0]
    """
    found = np.empty(len(embedding))
    for row, vector in enumerate(np.asarray(embedding, np.float64)):
        distance = np.sort(np.linalg.norm(embedding - vector, axis=1))
        found[row] = distance[1 : neighbours + 1].mean()
    return found
