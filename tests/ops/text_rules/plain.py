"""The measures of the rules for text, one document at a time, by their definitions and Python's own strings."""

import re
import string
import unicodedata
from collections import Counter

from tamis.ops import unicode
from tamis.ops.text_classes import sentence_ends

STOPS = frozenset(sentence_ends())
ENDS = (".", "?", "!", '"', "'")
POLICY = "terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies"


def tokens_of(text):
    found, previous = [], unicode.SPACE
    for char in text:
        kind = int(unicode.unicode_table()[ord(char)] >> 24)
        if kind != unicode.SPACE and kind == previous and kind != unicode.SINGLE:
            found[-1] += char
        elif kind != unicode.SPACE:
            found.append(char)
        previous = kind
    return found


def is_mark(char):
    kind = unicodedata.category(char)
    return char in string.punctuation or char in STOPS or kind[0] == "P" or kind == "Cc"


def share(part, whole):
    return part / whole if whole else 0.0


def gopher_quality(text):
    tokens, lines = tokens_of(text), text.splitlines()
    words = [token for token in tokens if not all(map(is_mark, token))]
    return {
        "words": len(words),
        "word_length": share(sum(map(len, words)), len(words)),
        "number_signs_per_token": share(text.count("#"), len(tokens)),
        "ellipses_per_token": share(text.count("...") + text.count("…"), len(tokens)),
        "bullet_lines": share(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_lines": share(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "letter_tokens": share(sum(any(map(str.isalpha, token)) for token in tokens), len(tokens)),
        "stop_words": len(set(tokens) & set("the be to of and that have with".split())),
    }


def copies(pieces):
    again = [piece for k, piece in enumerate(pieces) if piece in pieces[:k]]
    return len(again), sum(map(len, again))


def gopher_repetition(text):
    tokens = tokens_of(text)
    found = {"characters": len(text)}
    for name, pieces in (("line", re.split("\n+", text)), ("paragraph", re.split("\n{2,}", text.strip()))):
        number, characters = copies(pieces)
        found[f"copied_{name}s"] = number / len(pieces)
        found[f"copied_{name}_characters"] = share(characters, len(text))
    for n in range(2, 11):
        runs = [tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1)]
        if n < 5:
            top, number = Counter(runs).most_common(1)[0] if runs else ((), 0)
            found[f"top_{n}_grams"] = share(number * len(" ".join(top)), len(text))
            continue
        seen, characters, k = set(), 0, 0
        while k < len(runs):
            if runs[k] in seen:
                characters += len("".join(runs[k]))
                k += n
            else:
                seen.add(runs[k])
                k += 1
        found[f"copied_{n}_grams"] = share(characters, len(text))
    return found


def fineweb_quality(text):
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "lines": len(lines),
        "ended_lines": share(sum(line[-1] in STOPS for line in lines), len(lines)),
        "short_lines": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "copied_line_characters": share(copies(lines)[1], len(text.replace("\n", ""))),
        "new_lines_per_token": share(text.count("\n"), len(tokens_of(text))),
    }


def sentences_of(line):
    """Cut after terminal marks and the marks behind them, before white space, or where one of them is beyond U+3000."""
    found, at = 0, 0
    while at < len(line):
        end = at
        while end < len(line):
            if line[end] not in STOPS:
                end += 1
                continue
            run = end
            while run < len(line) and is_mark(line[run]) and not line[run].isspace():
                run += 1
            wide = any(char in STOPS and char >= "\u3000" for char in line[end:run])
            end = run
            if wide or run == len(line) or line[run].isspace():
                break
        found += bool(line[at:end].strip())
        at = end
    return found


def c4(text, least_words=3):
    """What is measured, and the text that is left."""
    found, kept = {"lorem_ipsum_lines": 0, "curly_bracket_lines": 0, "sentences": 0}, []
    for line in map(str.strip, text.splitlines()):
        words = line.split()
        line = re.sub(r"\[[0-9]*\]|\[edit\]|\[citation needed\]", "", line)
        low = line.encode().lower().decode()
        if any(len(word) > 1000 for word in words) or len(words) < least_words:
            continue
        if not line.endswith(ENDS) or line.endswith("..."):
            continue
        found["lorem_ipsum_lines"] += "lorem ipsum" in low
        if "javascript" in low:
            continue
        found["curly_bracket_lines"] += "{" in line
        if re.search(POLICY, low):
            continue
        found["sentences"] += sentences_of(line)
        kept.append(line)
    return found, "\n".join(kept).strip()


def measured(name, text):
    """All measures of a set of rules."""
    if name.startswith("c4"):
        return c4(text, 5 if name == "c4-paper" else 3)[0]
    return {
        "gopher-quality": gopher_quality,
        "gopher-repetition": gopher_repetition,
        "fineweb-quality": fineweb_quality,
    }[name](text)
