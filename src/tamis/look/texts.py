"""What a sample of the texts of a pool shows: scripts, numbers in the place of words, markup, broken encodings."""

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tamis.look.columns import MOST_TEXTS, SHOWN_CHARACTERS, RowSample
from tamis.look.scripts import letter_counts, script_shares

MARKUP = re.compile(r"</?(?:html|body|div|p|span|a|br|table|tr|td|li|ul|ol|h[1-6]|script|style|img)\b[^<>]*>", re.I)
BROKEN = re.compile("\ufffd|Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf™œž¦“”]")
NUMBER = re.compile(r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*")


@dataclass
class TextSample:
    """The first 2,000 characters of up to 10,000 texts, chosen by the hash of their rows."""

    rows: RowSample = field(default_factory=lambda: RowSample(MOST_TEXTS))
    held: list[str | None] = field(default_factory=list)

    def add(self, array: pa.Array, first: int) -> None:
        """Take the texts of a batch that starts at row `first`."""
        stay, enter = self.rows.extend(first, len(array))
        self.held = [text for text, stays in zip(self.held, stay.tolist(), strict=True) if stays]
        chosen = array.filter(pa.array(enter))
        self.held += pc.utf8_slice_codeunits(chosen, 0, SHOWN_CHARACTERS).to_pylist()

    @property
    def texts(self) -> list[str]:
        """The texts that are not empty."""
        return [text for text in self.held if text]

    def scripts(self) -> dict[str, float]:
        """Shares of letters by script."""
        return script_shares(letter_counts(self.texts))

    def share(self, pattern: "re.Pattern[str]") -> float:
        """The share of texts in which the pattern is found."""
        texts = self.texts
        return sum(pattern.search(text) is not None for text in texts) / len(texts) if texts else 0.0


def all_numbers(values: list[str]) -> bool:
    """Whether all of these texts are written as numbers.

    Examples:
        >>> all_numbers(["1", " -2.5e3"]), all_numbers(["1", "n/a"]), all_numbers([])
        (True, False, False)
    """
    return bool(values) and all(NUMBER.fullmatch(value) for value in values)
