"""The published rules for the quality of text: Gopher's quality and repetition, C4's, and FineWeb's.

| set | rules | looks at |
|---|---|---|
| `"gopher-quality"` | 10 | tokens, `str.splitlines` |
| `"gopher-repetition"` | 14 | lines between new lines, paragraphs between two or more, runs of 2 to 10 tokens |
| `"c4"`, `"c4-paper"` | 3 | the lines that `c4_lines` keeps: at least 5 sentences, or 3 and lines of at least 5 words |
| `"fineweb-quality"` | 5 | lines between new lines that are not blank |

A token is one of `ops.ngrams` with `hash="mix64"`, in its own case: a run of word characters or of other visible ones,
an ideograph or kana by itself. A word is a token with a character that is no punctuation. The released filters of
FineWeb take spaCy's English tokens. There "don't" is 2 tokens, "3.14" and a link are 1; here they are 3, 3 and more. So
texts with many contractions, numbers and links have more tokens here, and a smaller share of them has a letter, which
drops a few more; repeated runs of tokens have fewer characters, which drops a few less. Of 2,000 random documents of 17
domains 96 % are decided alike by Gopher's quality rules, 97 % by those of repetition, 99.5 % by C4's and nearly all by
FineWeb's. With the tokens and sentences of this module in those filters, all of 500 are.

A sentence ends after a terminal mark, and the punctuation behind it, before white space: "U.S. law" is two here.

Source: Rae et al. 2021, Scaling Language Models, appendix A.1 and table A1; Raffel et al. 2020, Exploring the Limits of
Transfer Learning, section 2.2; Penedo et al. 2024, The FineWeb Datasets. Where these are silent, thresholds and order
are those of the filters released with FineWeb.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tamis import refusals
from tamis.ops.c4_lines import LEAST_WORDS, c4_lines, clean
from tamis.ops.ngram_blocks import SPARE, Scratch, text_blocks, text_buffers
from tamis.ops.text_classes import class_table, word_table
from tamis.ops.text_rule_sets import RULE_SETS, Rule, listed
from tamis.ops.threads import in_threads

__all__ = ["RULE_SETS", "Rule", "Ruled", "apply", "c4_lines", "chosen_rules"]

Floats = NDArray[np.float64]


class Ruled(NamedTuple):
    """What rules say of n texts.

    `keep bool[n]`; `reason int16[n]`, the place in `rules` of the first one that the text fails, or -1; `measured` has
    a `float64[n]` for each quantity. Shares are from 0 to 1; only that of the most frequent run of tokens, which counts
    a space between tokens and runs that overlap, may be more.
    """

    keep: NDArray[np.bool_]
    reason: NDArray[np.int16]
    rules: tuple[Rule, ...]
    measured: dict[str, Floats]

    def counts(self) -> dict[str, int]:
        """How many texts each rule dropped, by its name in the order of the rules; they sum to those not kept.

        Examples:
            >>> apply("c4", pa.array(["One line.", "It is so. " * 5])).counts()
            {'c4:max-lorem-ipsum': 0, 'c4:max-curly-brackets': 0, 'c4:min-sentences': 1}
        """
        found = np.bincount(self.reason[~self.keep], minlength=len(self.rules))
        return {rule.name: int(number) for rule, number in zip(self.rules, found, strict=True)}


def apply(name: str, texts: pa.Array | pa.ChunkedArray, **thresholds: float) -> Ruled:
    """Judge each text by a named set of rules.

    A text is dropped by the first rule that it fails, in the published order. What a rule measures of nothing (the
    share of no lines, the length of no words) is 0. A threshold is a parameter named as its rule is behind the colon.
    A rule that bounds from below is off at 0, one from above at its largest threshold, which is infinity for numbers.

    `c4` and `c4-paper` judge what `c4_lines` would leave of a text; to keep that, call it on what they keep. "Lorem
    ipsum" and a curly bracket count in lines that are long enough and end with a mark, even in some that are then
    dropped for what they say. The list of bad words of C4 is not among the rules.

    Args:
        name: a key of `RULE_SETS`.
        texts: `[n]`, strings; null is empty text.
        thresholds: other values than the published ones.

    Returns:
        `8 q + 3` bytes a text for q quantities. `O(bytes)` time on two threads, `O(longest document + 1 MB)` memory on
        each besides the result. Lines, paragraphs and runs of tokens are equal if hashes of 64 bits are.

    Raises:
        Refused: if there is no such set or threshold, it is out of range, or `texts` are no strings.

    It loses when text is not the prose of web pages in English: solutions of exercises, code, tables, poems and other
    languages fail rules on words, lines and stop words, whatever their worth. Texts with "\\r\\n" between lines fail
    FineWeb's rule on how lines end.

    Examples:
        >>> ruled = apply("gopher-quality", pa.array(["Too short.", "to be or not to be, that is it " * 9]))
        >>> ruled.keep.tolist(), ruled.measured["words"].tolist()
        ([False, False], [2.0, 81.0])
        >>> [ruled.rules[k].sentence for k in ruled.reason]
        ['fewer than 50 words', 'words of fewer than 3 characters on average']
    """
    rules = chosen_rules(name, thresholds)
    quantities = list(dict.fromkeys(rule.measured for rule in rules))
    measured = np.zeros((len(texts), len(quantities)))
    begin = 0
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        _fill(name, chunk, measured[begin : begin + len(chunk)])
        begin += len(chunk)
    columns = {quantity: measured[:, k] for k, quantity in enumerate(quantities)}
    return _ruled(rules, columns)


def chosen_rules(name: str, thresholds: Mapping[str, float]) -> tuple[Rule, ...]:
    """The rules of a set with these thresholds instead of the published ones.

    Examples:
        >>> chosen_rules("c4", {"min_sentences": 2})[2].sentence
        'fewer than 2 sentences in lines that read like text'
    """
    if name not in RULE_SETS:
        raise refusals.PARAMETER_NOT_LISTED(f"rules={name!r}", known=listed(name, list(RULE_SETS)))
    rules = {rule.parameter: rule for rule in RULE_SETS[name]}
    for parameter, threshold in thresholds.items():
        where = f"{name}: {parameter}={threshold!r}"
        if parameter not in rules:
            raise refusals.PARAMETER_NOT_LISTED(where, known=listed(parameter, list(rules)))
        rule = rules[parameter]
        if not 0 <= threshold <= rule.largest:
            accepted = "0 or more" if np.isinf(rule.largest) else f"a share from 0 to {rule.largest:g}"
            raise refusals.PARAMETER_OUT_OF_RANGE(where, accepted=accepted)
        rules[parameter] = rule._replace(threshold=float(threshold))
    return tuple(rules.values())


def _fill(name: str, chunk: pa.Array, measured: Floats) -> None:
    """Write what is measured of one array of texts."""
    data, offsets = text_buffers(chunk)

    def fill(part: slice) -> None:
        own = offsets[part.start : part.stop + 1]
        if name in LEAST_WORDS:
            clean(data, own, name, measured[part])
            return
        scratch = Scratch(data, own, 1)
        room = scratch.longest + SPARE
        slots, counts = np.zeros(1 << (2 * room).bit_length(), np.int64), np.empty(room, np.int64)
        _kernel(name)(data, own, word_table(), class_table(), *scratch.arrays, slots, counts, measured[part])

    in_threads(fill, text_blocks(offsets))


def _kernel(name: str) -> Any:
    from tamis.ops import _fineweb_kernels, _repetition_kernels, _text_rule_kernels

    return {
        "gopher-quality": _text_rule_kernels.gopher_quality,
        "gopher-repetition": _repetition_kernels.gopher_repetition,
        "fineweb-quality": _fineweb_kernels.fineweb_quality,
    }[name]


def _ruled(rules: tuple[Rule, ...], measured: dict[str, Floats]) -> Ruled:
    """The first rule that each text fails."""
    reason = np.full(len(next(iter(measured.values()))), -1, np.int16)
    for k, rule in enumerate(rules):
        value = measured[rule.measured]
        fails = value < rule.threshold if rule.least else value > rule.threshold
        reason[fails & (reason < 0)] = k
    return Ruled(reason < 0, reason, rules, measured)
