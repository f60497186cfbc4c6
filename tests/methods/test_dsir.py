"""DSIR against a slow computation, its paper's properties, and the package data-selection."""

import math

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import Refused
from tamis.methods import dsir
from tamis.ops import ngrams

POOL = ["the cat sat on the mat", "stocks fell as rates rose", "le chat était là, ½ et x²", "", "A cat! a CAT? the rates…"]
TARGET = ["the cat is on a mat", "a cat sat"]


@pytest.fixture(scope="module")
def counted():
    return ngrams.count(pa.array(POOL), buckets=200), ngrams.count(pa.array(TARGET), buckets=200)
