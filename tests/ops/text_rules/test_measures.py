"""What the rules measure, against plain Python, whatever the text and its memory."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.ops import ngram_blocks, threads
from tamis.ops.text_classes import BREAK, LETTER, MARK, SPACE, STOP, class_table
from tamis.ops.text_rules import RULE_SETS, apply, c4_lines

from . import plain

PIECES = [
    *("the be to of and that have with The a b".split()),
    *("école ΟΔΟΣ İstanbul 漢字 カナ 。 ！ क्षि x² … ... . ? ! \" ' ” — _ # ## $ © 😀😀 \u061d \U00011f43".split()),
    *("- • -- … .. .... 3.14 U.S. don't { } lorem Lorem ipsum IPSUM".split()),
    *"javascript JavaScript. privacy policy Use Cookies terms of use [1] [] [edit] [citation needed] [[1]2] [x]".split(
        " "
    ),
    *["\n", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x1f", "\x85", "\u2028", "\u2029", "\xa0", "\t"],
    *["\0", " ", "   ", "\u200b", "\n- ", "\n• ", "... \n", "….\n", ".\n", "lorem ipsum.\n", "say so, {it}.\n"],
    *[
        "We are a line.\n",
        "We are a line.\n",
        "A line that is rather longer than thirty characters.\n",
        "w" * 1000,
        "w" * 1001,
    ],
]
SPICED = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.sampled_from("a b c the".split()), min_size=5, max_size=60).map(" ".join),
)
COLUMN = st.lists(st.one_of(st.none(), SPICED), max_size=6)


def check(name, texts, column):
    found = apply(name, column)
    expected = [plain.measured(name, text or "") for text in texts]
    for quantity, values in found.measured.items():
        assert values.tolist() == [each[quantity] for each in expected], quantity
    for row, each in enumerate(expected):
        failed = [
            k
            for k, rule in enumerate(found.rules)
            if (each[rule.measured] < rule.threshold if rule.least else each[rule.measured] > rule.threshold)
        ]
        assert found.reason[row] == (failed[0] if failed else -1)
    assert found.keep.tolist() == (found.reason < 0).tolist()
    assert sum(found.counts().values()) == (~found.keep).sum()


@pytest.mark.parametrize("name", RULE_SETS)
@settings(max_examples=150)
@given(texts=COLUMN)
def test_equal_to_plain_python(name, texts):
    check(name, texts, pa.array(texts, pa.string()))


@settings(max_examples=150)
@given(texts=COLUMN, rules=st.sampled_from(["c4", "c4-paper"]))
def test_lines_of_c4_equal_to_plain_python(texts, rules):
    words = {"c4": 3, "c4-paper": 5}[rules]
    for kind in (pa.string(), pa.large_string()):
        found = c4_lines(pa.array(texts, kind), rules)
        assert found.type == kind
        assert found.to_pylist() == [None if text is None else plain.c4(text, words)[1] for text in texts]


ODD = [
    *["", " ", "a", "a\n", "\n", "\n\n", "\na\n", "\n\na\n\n", " \n\na\n\nb\n\n \n\n", "a\n \n\na\n\n\n\na", "a\nb\na"],
    *["a\r\nb\r\n", "a.\r\na.\r\n", "\r\n\r\n", "a\r", "\ra\n\r", "a\u2028b\u2029", "\x1c.\x1d"],
    *["a. ..", "a.. .", ". . .", "a ...", "a... \t", "a....", "…", "… .", "….", ".…", "a…\u00a0\nb", "......"],
    *["• a\n - b\n\u00a0- c\n-", "•", "-\n\n-", "a - b", "#", "a#b", "the", "the the", "The be", "with\u0301 have"],
    *[
        "[1]",
        "[1] It is so, so.",
        "It is so[1].[edit]",
        "[[1]1] is so.",
        "It is [١] so.",
        "It is so. [",
        "It is [1 so.",
    ],
    *[
        "It is “so.”",
        "It is so.)' ",
        "U.S. law is so.",
        "漢字。カナ。",
        "漢字 は 字。”。か.",
        "It is so!? No?! Yes.",
        "so is a.b.c.",
    ],
]


@pytest.mark.parametrize("name", RULE_SETS)
def test_odd_texts(name):
    check(name, ODD, pa.array(ODD))
    long = [(text + " ") * 40 + text for text in ODD]
    check(name, long, pa.array(long))


@pytest.mark.parametrize("name", RULE_SETS)
@settings(max_examples=30)
@given(texts=COLUMN)
def test_slices_chunks_and_wide_offsets(name, texts):
    column = pa.array(["before", *texts, "behind"], pa.string())
    check(name, texts, column[1:-1])
    check(name, texts, column[1:-1].cast(pa.large_string()))
    check(name, [*texts, "before"], pa.chunked_array([column[1:-1], column[:1]]))
    assert c4_lines(column[1:-1]).to_pylist() == c4_lines(pa.array(texts, pa.string())).to_pylist()


@pytest.mark.parametrize("name", RULE_SETS)
def test_blocks_and_threads_change_nothing(name, monkeypatch):
    rng = np.random.default_rng(5)
    texts = ["".join(rng.choice(PIECES, 60)) for _ in range(60)] + ["", None, "the same words again. " * 400]
    column = pa.array(texts, pa.string())
    check(name, texts, column)
    whole, lines = apply(name, column), c4_lines(column)
    for size in (1, 500, 5000):
        monkeypatch.setattr(ngram_blocks, "BLOCK_BYTES", size)
        for number in (1, 2):
            monkeypatch.setattr(threads, "THREADS", number)
            parts = apply(name, column)
            np.testing.assert_array_equal(parts.reason, whole.reason)
            for quantity, values in whole.measured.items():
                np.testing.assert_array_equal(parts.measured[quantity], values)
            assert c4_lines(column).equals(lines)


def test_no_rows():
    for name in RULE_SETS:
        none = apply(name, pa.array([], pa.string()))
        assert len(none.keep) == 0 and sum(none.counts().values()) == 0
    assert len(c4_lines(pa.array([], pa.string()))) == 0


def test_classes_of_characters_are_those_of_python():
    flags, text = class_table(), "".join(map(chr, range(0x110000)))
    spaces = [char.isspace() for char in text]
    assert (flags & SPACE > 0).tolist() == spaces
    assert (flags & LETTER > 0).tolist() == [char.isalpha() for char in text]
    breaks = {char for char in text if len(f"a{char}b".splitlines()) == 2}
    assert {chr(code) for code in np.flatnonzero(flags & BREAK)} == breaks
    assert (flags[flags & STOP > 0] & MARK > 0).all()
    assert (flags[flags & BREAK > 0] & SPACE > 0).all()


def test_sentence_ends_are_those_of_the_package_regex():
    regex = pytest.importorskip("regex")
    ours = {chr(code) for code in np.flatnonzero(class_table() & STOP)}
    theirs = set(regex.findall(r"\p{Sentence_Terminal}", "".join(map(chr, range(0x110000)))))
    assert len(ours ^ theirs) <= 20  # versions of Unicode add some
    assert set(".?!。！？؟।") <= ours
