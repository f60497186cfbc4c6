"""Tasks that train nothing: the lowest score of each seed's column among what was kept, and what steps do harm to."""


def lowest_score(train, test, *, seed):
    """The least of `s_0` and of `s_1` in the chosen rows."""
    return {f"lowest_{one}": float(min(train.table[f"s_{one}"].to_pylist())) for one in range(2)}


def worn(train, test, *, seed, steps=10):
    """The less, the longer training takes; fewer rows are worse."""
    return {"value": len(train) - steps + 0.1 * seed}
