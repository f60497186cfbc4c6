"""Where a choice is the same for every seed it was drawn once, and its own luck is not in the differences."""

import math

import numpy as np
from numpy.typing import NDArray

MOSTLY = 0.5
SURE = 0.05


def is_luck(method: NDArray[np.float64], random: NDArray[np.float64], same: float) -> bool:
    """Whether 1 random choice in 20 or more would do as well, or as badly, as a choice that hardly varies."""
    p = one_choice_p(method, random, same)
    return p is not None and p / 2 >= SURE


def one_choice_p(method: NDArray[np.float64], random: NDArray[np.float64], same: float) -> float | None:
    """The p-value of the mean difference, with the luck of the choice; None where the seeds show that luck already.

    With d = m − r over n seeds, variances s² of d, v_m and v_r, and ρ the share of rows that two seeds' choices have in
    common, `T = d̄ / √(s²/n + ρ (v_r − v_m))` with n − 1 degrees of freedom: what random varies more than the method is
    what its choices vary by, which the method's would too if it were drawn again. Where the method does not vary at
    all this is the prediction interval of one more random choice, `s √(1 + 1/n)`.

    It is asked for only where ρ is at least 0.5 and the method varies less than random (the test of Pitman and Morgan,
    one-sided at 5 %): where the training varies as much as the choices, the paired test is right as it is.
    """
    n = len(method)
    if same < MOSTLY or n < 2:
        return None
    own, others = float(method.var(ddof=1)), float(random.var(ddof=1))
    if own >= others or not _varies_less(method, random, own):
        return None
    from scipy.special import stdtr

    d = method - random
    error = math.sqrt(float(d.var(ddof=1)) / n + same * (others - own))
    return min(1.0, 2 * float(stdtr(n - 1, -abs(float(d.mean())) / error)))


def _varies_less(method: NDArray[np.float64], random: NDArray[np.float64], own: float) -> bool:
    """Whether pairs say that the method varies less than random: sums and differences are correlated then."""
    if own == 0:
        return True
    n = len(method)
    if n < 3:
        return False
    from scipy.special import stdtr

    r = float(np.corrcoef(method - random, method + random)[0, 1])
    if not math.isfinite(r):
        return False
    r = max(-1 + 1e-12, min(1 - 1e-12, r))
    return bool(stdtr(n - 2, r * math.sqrt((n - 2) / (1 - r * r))) < SURE)
