"""What each code point is to the rules for text: a table of flags, and a table of words that keeps letters as they are.

| flag | code points |
|---|---|
| `BREAK` | those at which `str.splitlines` splits |
| `SPACE` | those that `str.isspace` finds, among them all of `BREAK` |
| `LETTER` | general category L, as `str.isalpha` |
| `MARK` | punctuation: general category P or Cc, the symbols of ASCII, and all of `STOP` |
| `STOP` | Unicode property Sentence_Terminal |
"""

import string
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tamis.ops import unicode

BREAK, SPACE, LETTER, MARK, STOP = (1 << k for k in range(5))

_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_ASSIGNED = (range(0x32000), range(0xE0000, 0xE01F0))
# Unicode 17, PropList, Sentence_Terminal.
_SENTENCE_ENDS = (
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D5 "
    "1803 1809 1944-1945 1AA8-1AAB 1B4E-1B4F 1B5A-1B5B 1B5E-1B5F 1B7D-1B7F 1C3B-1C3C 1C7E-1C7F 2024 203C-203D "
    "2047-2049 2CF9-2CFB 2E2E 2E3C 2E53-2E54 2E60-2E61 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F "
    "A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE12 FE15-FE16 FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 "
    "10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 "
    "113D4-113D5 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C "
    "11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16D6E-16D6F 16E98 1BC9F 1DA88"
)


@cache
def class_table() -> NDArray[np.uint8]:
    """Flags of every code point, `uint8[0x110000]`; the Unicode version is that of Python.

    Examples:
        >>> flags = class_table()
        >>> bool(flags[ord("…")] & MARK), bool(flags[ord("é")] & LETTER), bool(flags[ord("。")] & STOP)
        (True, True, True)
    """
    table = np.zeros(unicode.CODE_POINTS, np.uint8)
    for span in _ASSIGNED:
        kinds = [unicodedata.category(chr(code)) for code in span]
        table[span.start : span.stop] |= np.array([LETTER * (kind[0] == "L") for kind in kinds], np.uint8)
        table[span.start : span.stop] |= np.array([MARK * (kind[0] == "P" or kind == "Cc") for kind in kinds], np.uint8)
    for flag, members in (
        (MARK, string.punctuation + sentence_ends()),
        (BREAK, _BREAKS),
        (SPACE, filter(str.isspace, map(chr, range(0x3001)))),
        (STOP, sentence_ends()),
    ):
        table[[ord(member) for member in members]] |= np.uint8(flag)
    table.flags.writeable = False
    return table


def sentence_ends() -> str:
    """All code points of `STOP`.

    Examples:
        >>> sentence_ends()[:4]
        '!.?։'
    """
    spans = [part.partition("-") for part in _SENTENCE_ENDS.split()]
    return "".join(chr(code) for a, _, b in spans for code in range(int(a, 16), int(b or a, 16) + 1))


@cache
def word_table() -> NDArray[np.uint32]:
    """The table of words that `ops.ngrams` reads, without lower case: a token is as many bytes as in the text."""
    table = (unicode.unicode_table() & np.uint32(0xFF000000)) | np.arange(unicode.CODE_POINTS, dtype=np.uint32)
    table.flags.writeable = False
    return table
