"""Turns in JSON: what Arrow parses at once is what reading row by row gives, and the first wrong row is refused."""

import json

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.errors import Refused
from tamis.pool.json_turns import read_turns
from tamis.pool.json_values import parsed
from tamis.pool.turns import JSON_TURNS, canonical, text_of, turns_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["role", "from", "speaker", "content", "value", "text", "weight", "tool_calls", "reasoning_content"]
)
GOOD = st.dictionaries(KEYS, st.none() | TEXT, max_size=4)
ODD = st.dictionaries(KEYS, ANY, max_size=4)
ROWS = st.lists(st.none() | st.lists(GOOD, max_size=3), max_size=6) | st.lists(st.lists(ODD | ANY) | ANY, max_size=4)


def slow(turns):
    lines = [f"{canonical(role)}: {content}" if role else content for role, content in turns or () if content]
    return None if turns is None else "\n".join(lines)


@given(ROWS, st.booleans(), st.booleans())
@example([[{"role": "a"}], [{}]], False, False)
@example([[{"content": "x", "value": "y"}, {"value": "y", "text": "z"}]], False, False)
@settings(max_examples=150)
def test_equal_to_reading_row_by_row(rows, indent, blank):
    """A blank text is null, and nothing that Arrow could parse."""
    written = [json.dumps(row, indent=1 if indent else None) for row in rows]
    texts = pa.array([None, *written, *["", " "] * blank, None], pa.large_string()).slice(1)
    expected, wrong = [], None
    for number, row in enumerate(rows):
        try:
            expected.append(slow(read_turns(row)))
        except ValueError:
            wrong = number
            break
    if wrong is None:
        assert text_of(turns_of(texts, "chat", str)).to_pylist() == [*expected, *[None, None] * blank, None]
    else:
        with pytest.raises(Refused, match=f"^{wrong}: column 'chat' holds no list of chat turns here"):
            turns_of(texts, "chat", str)


NO_LISTS = [
    "[] []",
    "[], []",
    '[], "u": [1]',
    "[",
    "nul",
    "[1",
    "x",
    '{"t": []}',
    "[" * 100_000,
    '[]]}\n{"t":[[]',
    '[{"a": 1}]',
]


@pytest.mark.parametrize("text", NO_LISTS)
def test_what_is_not_one_list_is_refused(text):
    with pytest.raises(Refused, match=r"^2: "):
        turns_of(pa.array(["[]", None, text], pa.large_string()), "chat", str)


def test_arrow_reads_plain_turns():
    """The fast way is taken, so that the test above compares two ways."""
    texts = pa.array(['[{"role": "user", "content": "x", "more": [1]}]', None], pa.large_string())
    assert parsed(texts, JSON_TURNS).to_pylist()[0][0]["content"] == "x"
    assert parsed(pa.array(['[{"content": [1]}]'], pa.large_string()), JSON_TURNS) is None


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, lambda value: pa.list_(value, 2)])
def test_lists_of_every_kind(kind):
    turn = pa.struct([("value", pa.dictionary(pa.int8(), pa.string())), ("from", pa.string())])
    rows = [
        None,
        None,
        [{"from": "GPT", "value": "a"}, None],
        [{"from": "x", "value": ""}, {"from": None, "value": "b"}],
    ]
    array = pa.array(rows, kind(turn)).slice(1)
    turns = turns_of(array, "chat", str)
    assert text_of(turns).to_pylist() == [None, "assistant: a", "b"]
    assert text_of(turns, "bot").to_pylist() == [None, "a", ""]


@pytest.mark.parametrize(
    "calls", [None, "", [], {}, "f", 5, [{"id": "1", "name": "f"}], [{"name": None}], {"a": [None, {}]}]
)
@pytest.mark.parametrize("thought", [None, "", "hm"])
@pytest.mark.parametrize("content", [None, "", "a", ["a", "b"], [{"text": None, "image": "x"}, {"text": "b"}]])
def test_arrow_and_json_give_the_same_text(calls, thought, content):
    rows = [None, [{"role": "x", "content": content, "reasoning_content": thought, "function_call": calls}, None], []]
    texts = pa.array([json.dumps(row) for row in rows], pa.large_string())
    lists = pa.array([rows[1], *rows]).slice(1)
    assert text_of(turns_of(lists, "chat", str)).to_pylist() == text_of(turns_of(texts, "chat", str)).to_pylist()
    assert text_of(turns_of(lists, "chat", str)).to_pylist() == [slow(read_turns(row)) for row in rows]


def test_bytes_are_their_hash():
    kind = pa.list_(pa.struct([("content", pa.list_(pa.struct([("bytes", pa.binary())])))]))
    lists = pa.array([[{"content": [{"bytes": one}]}] for one in (b"\xff", b"\xfe")], kind)
    one, other = text_of(turns_of(lists, "chat", str)).to_pylist()
    assert one != other and one.startswith('{"bytes":"a8100ae6')
