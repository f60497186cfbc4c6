"""Fields become values exactly where a slow, obvious computation says so, and the first that does not is named."""

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.pool import TYPES
from tamis.pool.csv_values import guess, odd_one, to_type

from .csv_reference import value

FIELDS = """5 -5 +5 007 -07 0x1F 0xFFFFFFFF -0 1_0 1e5 1. .5 -.5 . -. nan NaN -nan +nan nan(1) inf -Infinity INF infin
1d5 1e400 1e-400 5e-324 true True TRUE tRUE t 1 0 00.5 0.50 -0.0 0e0 1.5e-3 1e+05 1e 1e+ - -- 1,5 0x1p3 1.5f 12a
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 123456789012345678901234567890
9007199254740993 12345678901234567890.5 ٣ false False FALSE no NA null""".split()
FIELDS += ["", " 5", "5 ", "\t1.5", "1 2", "\n5", "5\n", "\xa05", "1\0", " true", "nan ", None]
SINGLE = st.sampled_from(FIELDS) | st.text("0123456789.eE+-nai \t", min_size=1, max_size=7)
KINDS = ("integer", "number", "boolean")


def expect(fields, kind):
    """The values, or the first row that is none."""
    found = []
    for row, field in enumerate(fields):
        try:
            found.append(value(field, kind))
        except ValueError:
            return row
    return found


@settings(max_examples=400)
@given(st.lists(SINGLE, max_size=5), st.sampled_from(KINDS), st.booleans())
def test_values_as_python_has_them(fields, kind, only_values):
    if only_values:
        fields = [field for field in fields if isinstance(expect([field], kind), list)]
    for texts in (pa.array(fields, pa.large_string()), pa.array(["zz", *fields], pa.large_string()).slice(1)):
        found = to_type(texts, TYPES[kind])
        assert repr(found.to_pylist() if isinstance(found, pa.Array) else found) == repr(expect(fields, kind))


@pytest.mark.parametrize("field", FIELDS)
def test_a_guess_holds_for_what_it_was_made_of(field):
    fitting = [kind for kind in KINDS if isinstance(expect([field], kind), list)]
    digits = (field or "").lstrip("-")
    if field is None:
        wanted = "null"
    elif fitting == ["number"] and digits.isdecimal() and digits != "0":
        wanted = "text"  # an integer over 64 bits
    else:
        wanted = (fitting or ["text"])[0]
    assert guess(pa.array([field, None], pa.large_string())) == wanted


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (["1", "2"], "integer"),
        (["1", "2.5"], "number"),
        (["1", "nan"], "number"),
        (["1", "true"], "text"),
        (["true", "FALSE", None], "boolean"),
        (["1", "007"], "text"),
        (["1.5", "+2"], "text"),
        (["1", "NA"], "text"),
        (["1", ""], "text"),
        (["9223372036854775807", "9223372036854775808"], "text"),
        (["1.5", "9223372036854775808"], "text"),
        (["1.5", "-9007199254740992"], "number"),
        (["1.5", "-9007199254740993"], "text"),
        ([None, None], "null"),
        ([], "null"),
        (["2024-01-01"], "text"),
        (["1 000"], "text"),
    ],
)
def test_guesses(fields, kind):
    assert guess(pa.array(fields, pa.large_string())) == kind


def test_what_keeps_a_column_from_being_numbers_is_found():
    for fields, row in [
        (["1", "NA", "2.5", None, "NA"], 1),
        ([None, "1", " 2 ", "x"], 3),
        (["1", ""], 1),
        (["1", "seven", "eight"], None),
        (["NA", "NA"], None),
        (["a", "b"], None),
        (["1", "007", "x"], None),
        (["1", "2", "+3", "x"], None),
        (["1", "2", "-0.5", "-", "nan"], 3),
        (["1", "9" * 30], None),
    ]:
        assert odd_one(pa.array(fields, pa.large_string())) == row


@pytest.mark.parametrize("field", ["007", "+5", "-00.5"])
def test_the_last_of_a_slice_is_looked_at(field):
    assert to_type(pa.array(["1", "2", field], pa.large_string()).slice(1), pa.float64()) == 1


def test_many_rows_and_one_wrong():
    rng = random.Random(1)
    fields = [str(rng.randrange(-(2**63), 2**63)) for _ in range(5000)]
    texts = pa.array(fields, pa.large_string())
    assert to_type(texts, pa.int64()).to_pylist() == list(map(int, fields))
    points = pa.array([f"{field}.0" for field in fields], pa.large_string())
    assert to_type(points, pa.float64()).to_pylist() == list(map(float, fields))
    for row in (0, 2499, 4999):
        assert to_type(pa.array([*fields[:row], "0x1", *fields[row + 1 :]], pa.large_string()), pa.int64()) == row
        wrong = [*fields[:row], "1999-99-99", *fields[row + 1 :]]
        dates = pa.array([f if f == "1999-99-99" else "2024-02-29" for f in wrong], pa.large_string())
        assert to_type(dates, pa.date32()) == row


@pytest.mark.parametrize("blank", ["", " "])
def test_integers_that_would_be_rounded_are_no_numbers(blank):
    exact = ["9007199254740992", "-9007199254740992", "9007199254740993.0", "9007199254740993e0", None, "1"]
    texts = pa.array([None if text is None else blank + text for text in exact], pa.large_string())
    assert to_type(texts, pa.float64()).to_pylist() == [None if text is None else float(text) for text in exact]
    for wrong in ("9007199254740993", "-9007199254740993", "9" * 5000):
        assert to_type(pa.array(["1", None, blank + wrong, "2"], pa.large_string()), pa.float64()) == 2
