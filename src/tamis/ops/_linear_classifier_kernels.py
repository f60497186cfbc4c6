"""Compiled logistic regression on distinct n-gram buckets with counts, packed as `_count_kernels` has them."""

from math import exp, sqrt

import numpy as np
from numba import njit, types

from tamis.ops._count_kernels import BUCKET_BITS, COUNT_BITS
from tamis.ops._ngram_kernels import FAST

PACKED = types.Array(types.uint32, 1, "C", readonly=True)
STOPS = ORDER = types.Array(types.int64, 1, "C", readonly=True)
FLOATS = types.Array(types.float32, 1, "C", readonly=True)
RESULT = types.float32[::1]
STATE = types.float32[:, ::1]


@njit(types.float64(types.float64), cache=True, **FAST)
def logistic(margin):
    """1 / (1 + e^-margin), without overflow."""
    if margin >= 0:
        return 1 / (1 + exp(-margin))
    return 1 - 1 / (1 + exp(margin))


@njit(types.float64(PACKED, types.int64, types.int64, FLOATS), cache=True, **FAST)
def inverse_norm(packed, begin, end, values):
    """1 over the Euclidean norm of a document's values; 0 for a document without any."""
    total = 0.0
    for i in range(begin, end):
        value = np.float64(values[packed[i] >> COUNT_BITS])
        total += value * value
    return 1 / sqrt(total) if total > 0 else 0.0


@njit(types.void(PACKED, STOPS, ORDER, FLOATS, FLOATS, FLOATS, types.float32, types.float32, STATE), cache=True, **FAST)
def train(packed, stops, order, targets, weights, values, rate, start, state):
    """One step of AdaGrad for each document of `order`; a row of `state` is a weight and its sum, the last the bias."""
    bias = len(state) - 1
    for place in range(len(order)):
        d = order[place]
        begin = stops[d - 1] if d > 0 else np.int64(0)
        end = stops[d]
        scale = inverse_norm(packed, begin, end, values)
        margin = 0.0
        for i in range(begin, end):
            margin += np.float64(values[packed[i] >> COUNT_BITS]) * state[packed[i] & BUCKET_BITS, 0]
        error = weights[d] * (logistic(margin * scale + state[bias, 0]) - targets[d])
        step = np.float32(error * scale)
        for i in range(begin, end):
            row = packed[i] & BUCKET_BITS
            slope = step * values[packed[i] >> COUNT_BITS]
            squares = state[row, 1] + slope * slope
            state[row, 1] = squares
            state[row, 0] -= rate * slope / (start + np.sqrt(squares))
        slope = np.float32(error)
        squares = state[bias, 1] + slope * slope
        state[bias, 1] = squares
        state[bias, 0] -= rate * slope / (start + np.sqrt(squares))


@njit(types.void(PACKED, STOPS, FLOATS, FLOATS, types.float32, RESULT), cache=True, **FAST)
def apply(packed, stops, values, weights, bias, margins):
    """The log-odds of each document."""
    begin = np.int64(0)
    for d in range(len(stops)):
        margin = 0.0
        for i in range(begin, stops[d]):
            margin += np.float64(values[packed[i] >> COUNT_BITS]) * weights[packed[i] & BUCKET_BITS]
        scale = inverse_norm(packed, begin, stops[d], values)
        margins[d] = np.float32(margin * scale + bias)
        begin = stops[d]
