"""Every rule at its threshold and one unit beyond, other thresholds, refusals, and what filtering twice does."""

from math import ceil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tamis.errors import Refused
from tamis.ops.text_rules import RULE_SETS, apply, c4_lines, chosen_rules

FIVE = "It is so. " * 5
LETTERS = "abcdefghij"


def copied(gap, first, filler=1):
    """The same piece of 20 characters twice, and a last one that makes up 100 characters, less `first`."""
    return gap.join(["t" * 20, "t" * 20, "f" * (60 - 2 * len(gap) - first)])


def lines(texts, others, gap="\n"):
    """Pieces in a row: (text, number) and (text, number)."""
    return gap.join([text for text, number in (texts, others) for _ in range(number)])


def runs(n, length):
    """A run of n letters, a long word, the run again; so many characters in all."""
    run = " ".join(LETTERS[:n])
    return f"{run} {'x' * (length - 2 * len(run) - 2)} {run}"


def distinct(number):
    return [chr(ord("A") + k) for k in range(number)]


# Rule: a text at its threshold, and one that is a unit beyond.
EDGES = {
    "gopher-quality:min-words": ("word " * 50, "word " * 49 + "!"),
    "gopher-quality:max-words": ("word " * 100_000 + "!", "word " * 100_001),
    "gopher-quality:min-word-length": ("abc abcd ab", "abc abc ab"),
    "gopher-quality:max-word-length": ("a" * 9 + " " + "a" * 11, "a" * 10 + " " + "a" * 11),
    "gopher-quality:max-number-signs": ("# " + "w " * 9, "# " + "w " * 8),
    "gopher-quality:max-ellipses": ("... " + "w " * 9, "… " + "w " * 8),
    "gopher-quality:max-bullet-lines": (lines(("- a", 9), ("a", 1)), lines((" • a", 10), ("a", 0))),
    "gopher-quality:max-ellipsis-lines": (lines(("a...", 3), ("a", 7)), lines(("a… ", 4), ("a", 6))),
    "gopher-quality:min-letter-tokens": ("é " * 8 + "1 2", "é " * 7 + "1 2 3"),
    "gopher-quality:min-stop-words": ("the cat of the house", "the cat The house"),
    "gopher-repetition:min-characters": ("a", ""),
    "gopher-repetition:max-copied-lines": (
        "\n".join(["a"] * 4 + distinct(6)),
        "\n\n".join(["a"] * 5 + distinct(5)),
    ),
    "gopher-repetition:max-copied-paragraphs": (
        "\n\n".join(["a"] * 4 + distinct(6)),
        "\n\n\n".join(["a"] * 5 + distinct(5)),
    ),
    "gopher-repetition:max-copied-line-characters": (copied("\n", 0), copied("\n", 1)),
    "gopher-repetition:max-copied-paragraph-characters": (copied("\n\n", 0), copied("\n\n", 1)),
    **{
        f"gopher-repetition:max-top-{n}-grams": (
            runs(n, ceil(2 * (2 * n - 1) / most)),
            runs(n, int(2 * (2 * n - 1) / most - 1e-9)),
        )
        for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))
    },
    **{
        f"gopher-repetition:max-copied-{n}-grams": (runs(n, ceil(n / most)), runs(n, ceil(n / most) - 1))
        for n, most in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1))
    },
    "c4:max-lorem-ipsum": (FIVE, FIVE + "\nLOREM ipsum dolor sit."),
    "c4:max-curly-brackets": (FIVE + "\nif {", FIVE + "\nif { it is."),
    "c4:min-sentences": (
        "It is so. Is it? \n“It is so!” It is (so.).\nIt is so.",
        "It is so. Is it? \nIt is 3.14. It is so.",
    ),
    "c4-paper:max-lorem-ipsum": (FIVE, FIVE + "\nWe say: lorem ipsum dolor sit."),
    "c4-paper:max-curly-brackets": (FIVE + "\nif { it is.", FIVE + "\nif { it is so."),
    "c4-paper:min-sentences": ("It is so. Is it? It is.", "It is so. It is so.\nIt is very so."),
    "fineweb-quality:min-lines": ("\n a\n", "\n \n"),
    "fineweb-quality:min-ended-lines": (lines(("a。", 12), ("a", 88)), lines(("a.", 11), ("a", 89))),
    "fineweb-quality:max-short-lines": (lines(("é" * 30, 67), ("é" * 31, 33)), lines(("a" * 30, 68), ("a" * 31, 32))),
    "fineweb-quality:max-copied-line-characters": ("é\né\n" + "f" * 98, "é\né\n" + "f" * 97),
    "fineweb-quality:max-new-lines": ("w\n" * 3 + "w " * 7, "w\n" * 3 + "w " * 6),
}


def test_every_rule_has_edges():
    assert list(EDGES) == [rule.name for rules in RULE_SETS.values() for rule in rules]


@pytest.mark.parametrize("name", EDGES)
def test_at_the_threshold_and_a_unit_beyond(name):
    group = name.partition(":")[0]
    off = {rule.parameter: 0 if rule.least else rule.largest for rule in RULE_SETS[group] if rule.name != name}
    ruled = apply(group, pa.array(EDGES[name]), **off)
    assert ruled.keep.tolist() == [True, False]
    rule = ruled.rules[ruled.reason[1]]
    assert rule.name == name
    assert "{" not in rule.sentence and rule.sentence[0].islower()
    threshold = ruled.measured[rule.measured][0]
    kept = apply(group, pa.array(EDGES[name]), **off, **{rule.parameter: 0 if rule.least else rule.largest})
    assert kept.keep.all()
    assert rule.largest >= 1 and 0 <= threshold <= rule.largest


def test_the_first_rule_in_order_is_the_reason():
    ruled = apply("gopher-quality", pa.array(["# 1 2", "", None, "word " * 60]))
    assert [ruled.rules[k].name for k in ruled.reason] == ["gopher-quality:min-words"] * 3 + [
        "gopher-quality:min-stop-words"
    ]
    ruled = apply("gopher-quality", pa.array(["# 1 2"]), min_words=0, min_word_length=0)
    assert ruled.rules[ruled.reason[0]].name == "gopher-quality:max-number-signs"


def test_lines_of_c4_at_their_edges():
    kept = ["It is so.", "w" * 1000 + " it is.", "It is so. .."]
    dropped = ["It is.", "w" * 1001 + " it is.", "It is so...", "It is so", "It is so.)", "It is so.[1] [2]", ""]
    dropped += ["No Javascript is here.", "Our Privacy Policy is here."]
    found = c4_lines(pa.array(["\n".join(kept + dropped)])).to_pylist()
    assert found == ["\n".join(kept)]
    assert c4_lines(pa.array(["It is so and so.\nIt is so again."]), "c4-paper").to_pylist() == ["It is so and so."]


def test_sentences_say_the_threshold():
    said = {rule.name: rule.sentence for rules in RULE_SETS.values() for rule in rules}
    assert said["gopher-quality:max-words"] == "more than 100,000 words"
    assert said["gopher-quality:max-bullet-lines"] == "more than 90 % of lines begin with a bullet"
    assert said["fineweb-quality:max-copied-line-characters"].endswith("more than 1 % of all")
    assert chosen_rules("fineweb-quality", {"min_ended_lines": 0.125})[1].sentence.startswith("fewer than 12.5 %")


@pytest.mark.parametrize(
    ("name", "thresholds", "said"),
    [
        ("gopher-qualty", {}, "rules='gopher-qualty': it is unknown; give one of gopher-quality, "),
        ("gopher-quality", {"min_wrds": 1}, "gopher-quality: min_wrds=1: it is unknown; give one of min_words, "),
        ("c4", {"min_sentences": -1}, "c4: min_sentences=-1: it is out of range; give 0 or more"),
        (
            "fineweb-quality",
            {"max_short_lines": 67},
            "max_short_lines=67: it is out of range; give a share from 0 to 1",
        ),
        ("gopher-quality", {"max_words": float("nan")}, "max_words=nan: it is out of range"),
    ],
)
def test_what_cannot_be_is_refused(name, thresholds, said):
    with pytest.raises(Refused) as refused:
        apply(name, pa.array(["a"]), **thresholds)
    assert said in str(refused.value)


def test_other_refusals():
    with pytest.raises(Refused, match="give one of c4-paper, c4"):
        c4_lines(pa.array(["a"]), "c4-papers")
    for call in (lambda column: apply("c4", column), c4_lines):
        with pytest.raises(Refused, match="text"):
            call(pa.array([1, 2]))


@pytest.mark.parametrize("name", RULE_SETS)
def test_what_was_kept_is_kept(name):
    rng = np.random.default_rng(3)
    words = "we have seen that to be with the old ship of state and rain...".split()
    texts = [
        "\n".join(" ".join(rng.choice(words, rng.integers(1, 20))) + rng.choice([".", "", "!"]) for _ in range(20))
        for _ in range(300)
    ]
    column = pa.array(texts + ["".join(EDGES[rule]) for rule in EDGES])
    off = {"max_short_lines": 1, "max_new_lines": 1} if name == "fineweb-quality" else {}
    first = apply(name, column, **off)
    kept = pc.filter(column, pa.array(first.keep))
    assert 0 < len(kept) < len(column)
    if name.startswith("c4"):
        kept = c4_lines(kept, name)
        assert c4_lines(kept, name).equals(kept)
    again = apply(name, kept, **off)
    assert again.keep.all()
    for quantity, values in again.measured.items():
        np.testing.assert_array_equal(values, first.measured[quantity][first.keep])
