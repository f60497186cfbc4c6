"""The named rules for text: what each measures, its published threshold, and what is said of a text that fails it."""

from math import isfinite
from typing import NamedTuple

SHARE, NUMBER = 1.0, float("inf")


class Rule(NamedTuple):
    """A bound on something measured: `least`, or else at most `threshold`, which may be from 0 to `largest`."""

    name: str
    measured: str
    threshold: float
    said: str
    least: bool
    largest: float

    @property
    def parameter(self) -> str:
        """The name of its threshold: `gopher-quality:min-words` has `min_words`."""
        return self.name.partition(":")[2].replace("-", "_")

    @property
    def sentence(self) -> str:
        """What is said of a text that fails it.

        Examples:
            >>> RULE_SETS["gopher-quality"][0].sentence
            'fewer than 50 words'
        """
        number = f"{100 * self.threshold:g} %" if isfinite(self.largest) else f"{self.threshold:,.10g}"
        return self.said.format(number)


def _named(name: str, *rules: tuple[str, str, float, float, str]) -> tuple[Rule, ...]:
    return tuple(
        Rule(f"{name}:{rule}", measured, threshold, said, rule.startswith("min"), largest)
        for rule, measured, threshold, largest, said in rules
    )


_COPIED = "characters of {} that occurred before are more than {{}} of all"
_RUNS = "the most frequent run of {} words makes up more than {{}} of all characters"
_AGAIN = "runs of {} words that occurred before make up more than {{}} of all characters"
_C4 = (
    ("max-lorem-ipsum", "lorem_ipsum_lines", 0, NUMBER, "more than {} lines say lorem ipsum"),
    ("max-curly-brackets", "curly_bracket_lines", 0, NUMBER, "more than {} lines have a curly bracket"),
)
_SENTENCES = "fewer than {} sentences in lines that read like text"

RULE_SETS: dict[str, tuple[Rule, ...]] = {
    "gopher-quality": _named(
        "gopher-quality",
        ("min-words", "words", 50, NUMBER, "fewer than {} words"),
        ("max-words", "words", 100_000, NUMBER, "more than {} words"),
        ("min-word-length", "word_length", 3, NUMBER, "words of fewer than {} characters on average"),
        ("max-word-length", "word_length", 10, NUMBER, "words of more than {} characters on average"),
        ("max-number-signs", "number_signs_per_token", 0.1, NUMBER, "more than {} number signs (#) a token"),
        ("max-ellipses", "ellipses_per_token", 0.1, NUMBER, "more than {} ellipses a token"),
        ("max-bullet-lines", "bullet_lines", 0.9, SHARE, "more than {} of lines begin with a bullet"),
        ("max-ellipsis-lines", "ellipsis_lines", 0.3, SHARE, "more than {} of lines end with an ellipsis"),
        ("min-letter-tokens", "letter_tokens", 0.8, SHARE, "fewer than {} of tokens have a letter"),
        (
            "min-stop-words",
            "stop_words",
            2,
            NUMBER,
            "fewer than {} of the, be, to, of, and, that, have, with",
        ),
    ),
    "gopher-repetition": _named(
        "gopher-repetition",
        ("min-characters", "characters", 1, NUMBER, "fewer than {} characters"),
        ("max-copied-lines", "copied_lines", 0.3, SHARE, "more than {} of lines occurred before"),
        ("max-copied-paragraphs", "copied_paragraphs", 0.3, SHARE, "more than {} of paragraphs occurred before"),
        ("max-copied-line-characters", "copied_line_characters", 0.2, SHARE, _COPIED.format("lines")),
        ("max-copied-paragraph-characters", "copied_paragraph_characters", 0.2, SHARE, _COPIED.format("paragraphs")),
        *(
            (f"max-top-{n}-grams", f"top_{n}_grams", most, 2.0 * n - 1, _RUNS.format(n))
            for n, most in ((2, 0.2), (3, 0.18), (4, 0.16))
        ),
        *(
            (f"max-copied-{n}-grams", f"copied_{n}_grams", most, SHARE, _AGAIN.format(n))
            for n, most in ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.1))
        ),
    ),
    "c4": _named("c4", *_C4, ("min-sentences", "sentences", 5, NUMBER, _SENTENCES)),
    "c4-paper": _named("c4-paper", *_C4, ("min-sentences", "sentences", 3, NUMBER, _SENTENCES)),
    "fineweb-quality": _named(
        "fineweb-quality",
        ("min-lines", "lines", 1, NUMBER, "fewer than {} lines with text"),
        ("min-ended-lines", "ended_lines", 0.12, SHARE, "fewer than {} of lines end as a sentence does"),
        ("max-short-lines", "short_lines", 0.67, SHARE, "more than {} of lines have 30 characters or fewer"),
        ("max-copied-line-characters", "copied_line_characters", 0.01, SHARE, _COPIED.format("lines")),
        ("max-new-lines", "new_lines_per_token", 0.3, NUMBER, "more than {} new lines a token"),
    ),
}


def listed(given: str, known: list[str]) -> str:
    """What may be given, the nearest first.

    Examples:
        >>> listed("gopher", ["c4", "gopher-quality"])
        'gopher-quality, c4'
    """
    from difflib import get_close_matches

    near = get_close_matches(given, known, n=1, cutoff=0.5)
    return ", ".join([*near, *(name for name in known if name not in near)])
