"""Compiled scan of JSON Lines: one pass checks every line and notes where the wanted values lie, a second copies them.

The functions without a signature are compiled into those that have one. The bytes must be UTF-8.
"""

import numpy as np
from numba import njit, types

from tamis.pool._bytes_kernels import BYTES, FAST, WIDTH, copy, plain_run
from tamis.pool.json_lines import Kind

OUT, NUMBERS, TABLE = types.uint8[::1], types.int64[::1], types.int64[:, ::1]
DEPTH = 1000

MISSING, NULL, STRING, INTEGER, NUMBER, BOOLEAN, OBJECT, ARRAY = (int(_kind) for _kind in Kind)
ESCAPED = 128

FAULTS = (
    "",
    "expected a key in double quotes or '}'",
    "expected a key in double quotes",
    "expected ':'",
    "expected a value",
    "expected a value or ']'",
    "expected ',' or '}'",
    "expected ',' or ']'",
    "expected the closing quote",
    "control character in a string",
    "bad escape in a string",
    "expected a digit",
    "expected nothing more",
    f"nested deeper than {DEPTH:,}",
    "expected '{'",
    "not an object",
)
(
    KEY_OR_END,
    KEY,
    AFTER_KEY,
    VALUE,
    VALUE_OR_END,
    COMMA_OR_BRACE,
    COMMA_OR_BRACKET,
    UNCLOSED,
    CONTROL,
    ESCAPE,
    DIGIT,
    LINE_END,
    TOO_DEEP,
    OPENING,
    NOT_OBJECT,
) = range(1, len(FAULTS))

SPACE, TAB, RETURN, NEWLINE, QUOTE, BACKSLASH, COLON, COMMA, MINUS, PLUS, DOT, ZERO, NINE = b' \t\r\n"\\:,-+.09'
BRACE, BRACKET, BRACE_END, BRACKET_END, SMALL_E, BIG_E, SMALL_F, BIG_I, SMALL_N, BIG_N, SMALL_T, SMALL_U = (
    b"{[}]eEfInNtu"
)

HEX = np.full(256, 255, np.uint8)
HEX[ord("0") : ord("9") + 1] = np.arange(10)
HEX[ord("A") : ord("F") + 1] = np.arange(10, 16)
HEX[ord("a") : ord("f") + 1] = np.arange(10, 16)
PLAIN = np.zeros(256, np.uint8)
for _name, _byte in zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True):
    PLAIN[_name] = _byte
TRUE, FALSE, NONE, NAN, INFINITY = (
    np.frombuffer(_word, np.uint8) for _word in (b"true", b"false", b"null", b"NaN", b"Infinity")
)


@njit(**FAST)
def _stop(data, at):
    """The place of the first quote, backslash or control character from `at` on, or the end of the data."""
    size = data.size
    while at + WIDTH <= size:
        run = plain_run(data, at)
        if run < WIDTH:
            return at + run
        at += WIDTH
    while at < size and data[at] >= SPACE and data[at] != QUOTE and data[at] != BACKSLASH:
        at += 1
    return at


@njit(**FAST)
def _hex4(data, at):
    """The number written in four hexadecimal digits at `at`, or -1."""
    if at + 4 > data.size:
        return -1
    a = np.int64(HEX[data[at]])
    b = np.int64(HEX[data[at + 1]])
    c = np.int64(HEX[data[at + 2]])
    d = np.int64(HEX[data[at + 3]])
    if a | b | c | d > 15:
        return -1
    return a << 12 | b << 8 | c << 4 | d


@njit(**FAST, forceinline=True)
def _escape(data, at):
    """The character that the escape at backslash `at` stands for (-1 if malformed) and the bytes it takes.

    Two escapes that are a surrogate pair are one character; a lone surrogate stands for U+FFFD.
    """
    if at + 1 >= data.size:
        return -1, 0
    if data[at + 1] != SMALL_U:
        byte = np.int64(PLAIN[data[at + 1]])
        return (byte, 2) if byte else (-1, 0)
    code = _hex4(data, at + 2)
    if code < 0xD800 or code > 0xDFFF:
        return code, 6
    if code < 0xDC00 and at + 12 <= data.size and data[at + 6] == BACKSLASH and data[at + 7] == SMALL_U:
        low = _hex4(data, at + 8)
        if 0xDC00 <= low <= 0xDFFF:
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), 12
    return 0xFFFD, 6


@njit(**FAST)
def _string(data, at):
    """Check the string whose first byte is `at`: its closing quote, the bytes that escapes save, and a fault or 0."""
    saved = 0
    while True:
        at = _stop(data, at)
        if at == data.size or data[at] == NEWLINE:
            return at, saved, UNCLOSED
        if data[at] == QUOTE:
            return at, saved, 0
        if data[at] < SPACE:
            return at, saved, CONTROL
        while at < data.size and data[at] == BACKSLASH:
            code, taken = _escape(data, at)
            if code < 0:
                return at, saved, ESCAPE
            saved += taken - 1 - (code >= 0x80) - (code >= 0x800) - (code >= 0x10000)
            at += taken


@njit(**FAST)
def _unescape(data, at, out, to, end):
    """Write the string whose first byte is `at` to places `to` up to `end` of `out`."""
    while to < end:
        run = min(_stop(data, at) - at, end - to)
        if run > 0:
            copy(out, to, data, at, run)
            at += run
            to += run
        while to < end and data[at] == BACKSLASH:
            code, taken = _escape(data, at)
            at += taken
            if code < 0x80:
                out[to] = code
                to += 1
                continue
            if code < 0x800:
                out[to] = 0xC0 | code >> 6
            else:
                if code < 0x10000:
                    out[to] = 0xE0 | code >> 12
                else:
                    out[to] = 0xF0 | code >> 18
                    to += 1
                    out[to] = 0x80 | code >> 12 & 63
                to += 1
                out[to] = 0x80 | code >> 6 & 63
            to += 1
            out[to] = 0x80 | code & 63
            to += 1


@njit(**FAST)
def _same(one, at, other, place, length):
    """Whether `length` bytes of both arrays are equal."""
    for i in range(length):
        if one[at + i] != other[place + i]:
            return False
    return True


@njit(**FAST)
def _spelled(data, at, word):
    """Whether the bytes at `at` are those of `word`."""
    return at + word.size <= data.size and _same(data, at, word, 0, word.size)


@njit(**FAST)
def _digits(data, at):
    """One past the digits at `at`."""
    while at < data.size and ZERO <= data[at] <= NINE:
        at += 1
    return at


@njit(**FAST)
def _scalar(data, at):
    """One past the word or number at `at`, its kind, and a fault or 0."""
    size = data.size
    first = data[at]
    if first == SMALL_T and _spelled(data, at, TRUE):
        return at + 4, BOOLEAN, 0
    if first == SMALL_F and _spelled(data, at, FALSE):
        return at + 5, BOOLEAN, 0
    if first == SMALL_N and _spelled(data, at, NONE):
        return at + 4, NULL, 0
    if first == BIG_N and _spelled(data, at, NAN):
        return at + 3, NUMBER, 0
    if first == MINUS:
        at += 1
    if at < size and data[at] == BIG_I and _spelled(data, at, INFINITY):
        return at + 8, NUMBER, 0
    after = _digits(data, at)
    if after == at:
        return at, NUMBER, DIGIT if first == MINUS else VALUE
    if data[at] == ZERO:
        after = at + 1
    at = after
    kind = INTEGER
    if at < size and data[at] == DOT:
        kind = NUMBER
        after = _digits(data, at + 1)
        if after == at + 1:
            return after, kind, DIGIT
        at = after
    if at < size and (data[at] == SMALL_E or data[at] == BIG_E):
        kind = NUMBER
        at += 1
        if at < size and (data[at] == PLUS or data[at] == MINUS):
            at += 1
        after = _digits(data, at)
        if after == at:
            return after, kind, DIGIT
        at = after
    return at, kind, 0


@njit(**FAST)
def _column(data, at, end, saved, names, bounds, scratch):
    """Which of the wanted names the key between `at` and `end` is, or -1; `scratch` has room for any of the names."""
    length = end - at - saved
    for column in range(bounds.size - 1):
        first = bounds[column]
        if bounds[column + 1] - first == length:
            if saved:
                _unescape(data, at, scratch, 0, length)
                if _same(names, first, scratch, 0, length):
                    return column
            elif _same(names, first, data, at, length):
                return column
    return -1


@njit(**FAST)
def _blanks(data, at):
    """The place of the first byte from `at` on that is no blank; a newline is none."""
    while at < data.size and (data[at] == SPACE or data[at] == TAB or data[at] == RETURN):
        at += 1
    return at


@njit(**FAST)
def _object(data, at, stack, scratch, row, names, bounds, kinds, places, lengths):
    """Check the object at `at` and note its wanted values in `row`: one past its end and 0, or the place of a fault.

    `stack` has a byte per open container, true for an object. `state` is also the fault if what it expects is absent.
    """
    size = data.size
    depth = 1
    stack[0] = 1
    state = KEY_OR_END
    column = -1
    began = at
    at += 1
    while True:
        at = _blanks(data, at)
        if at == size or data[at] == NEWLINE:
            return at, state
        byte = data[at]
        if state == KEY or (state == KEY_OR_END and byte == QUOTE):
            if byte != QUOTE:
                return at, state
            end, saved, fault = _string(data, at + 1)
            if fault:
                return end, fault
            if depth == 1:
                column = _column(data, at + 1, end, saved, names, bounds, scratch)
            at = _blanks(data, end + 1)
            if at == size or data[at] != COLON:
                return at, AFTER_KEY
            at += 1
            state = VALUE
            continue
        if state == COMMA_OR_BRACE or state == COMMA_OR_BRACKET:
            if byte == COMMA:
                state = KEY if state == COMMA_OR_BRACE else VALUE
                at += 1
                continue
        elif state != KEY_OR_END:
            if byte == BRACE or byte == BRACKET:
                if depth == DEPTH:
                    return at, TOO_DEEP
                if depth == 1:
                    began = at
                stack[depth] = byte == BRACE
                depth += 1
                state = KEY_OR_END if byte == BRACE else VALUE_OR_END
                at += 1
                continue
            if byte != BRACKET_END or state != VALUE_OR_END:
                saved = 0
                if byte == QUOTE:
                    end, saved, fault = _string(data, at + 1)
                    kind = STRING
                else:
                    end, kind, fault = _scalar(data, at)
                if fault:
                    return end, state if fault == VALUE else fault
                if depth == 1 and column >= 0:
                    kinds[column, row] = kind | (ESCAPED if saved else 0)
                    places[column, row] = at + (kind == STRING)
                    lengths[column, row + 1] = 0 if kind == NULL else end - at - (kind == STRING) - saved
                at = end + (kind == STRING)
                state = COMMA_OR_BRACE if stack[depth - 1] else COMMA_OR_BRACKET
                continue
        if byte != (BRACE_END if stack[depth - 1] else BRACKET_END):
            return at, state
        at += 1
        depth -= 1
        if depth == 0:
            return at, 0
        if depth == 1 and column >= 0:
            kinds[column, row] = OBJECT if byte == BRACE_END else ARRAY
            places[column, row] = began
            lengths[column, row + 1] = at - began
        state = COMMA_OR_BRACE if stack[depth - 1] else COMMA_OR_BRACKET


@njit(
    types.UniTuple(types.int64, 4)(
        BYTES, types.int64, BYTES, NUMBERS, OUT, OUT, TABLE, types.uint8[:, ::1], TABLE, TABLE
    ),
    cache=True,
    **FAST,
)
def scan_lines(data, at, names, bounds, stack, scratch, spans, kinds, places, lengths):
    """Check the lines from `at` on: rows found, lines seen, place of the fault and fault (0 if none).

    `spans` receives start, end and line number of each row; `kinds`, `places` and `lengths` what each wanted value is,
    where it lies and how long it will be; `lengths` has one more entry per column, at its front. `stack` has `DEPTH`
    bytes and `scratch` as many as the longest of the `names`, which lie between their `bounds`.
    """
    size = data.size
    row = 0
    line = 0
    while at < size:
        start = at
        at = _blanks(data, at)
        if at == size:
            break
        byte = data[at]
        if byte != NEWLINE:
            spans[0, row] = start
            spans[2, row] = line
            if byte != BRACE:
                value = byte == BRACKET or byte == QUOTE or _scalar(data, at)[2] == 0
                return row, line, at, NOT_OBJECT if value else OPENING
            at, fault = _object(data, at, stack, scratch, row, names, bounds, kinds, places, lengths)
            if fault:
                return row, line, at, fault
            at = _blanks(data, at)
            if at < size and data[at] != NEWLINE:
                return row, line, at, LINE_END
            spans[1, row] = at
            row += 1
        at += 1
        line += 1
    return row, line, at, 0


@njit(types.void(BYTES, OUT, NUMBERS, NUMBERS, OUT), cache=True, **FAST)
def fill(data, kinds, places, offsets, out):
    """Write each value of a column to `out` between its offsets, unescaped, and clear the marks of escaped ones."""
    for row in range(kinds.size):
        to = offsets[row]
        end = offsets[row + 1]
        if kinds[row] & ESCAPED:
            kinds[row] = STRING
            _unescape(data, places[row], out, to, end)
        elif to < end:
            copy(out, to, data, places[row], end - to)
