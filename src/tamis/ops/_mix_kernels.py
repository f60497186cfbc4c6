"""The 64-bit mixer that other kernels inline."""

import numpy as np
from numba import njit

_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@njit("uint64(uint64)", cache=True, nogil=True)
def mix(z):
    """Spread every input bit over all 64 output bits: the finaliser of SplitMix64; a bijection."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)
