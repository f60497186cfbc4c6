"""A task that trains nothing: the lowest score of each seed's column among what was kept."""


def lowest_score(train, test, *, seed):
    """The least of `s_0` and of `s_1` in the chosen rows."""
    return {f"lowest_{one}": float(min(train.table[f"s_{one}"].to_pylist())) for one in range(2)}
