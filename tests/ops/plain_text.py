"""Tokens of a text and their hashes in plain Python, as `ops.ngrams` has them with `hash="mix64"`."""

from tamis.ops import unicode

MASK = (1 << 64) - 1


def tokens_of(text: str | None) -> list[str]:
    found: list[str] = []
    previous = unicode.SPACE
    for char in text or "":
        kind = int(unicode.unicode_table()[ord(char)] >> 24)
        if kind != unicode.SPACE and kind == previous and kind != unicode.SINGLE:
            found[-1] += char.lower()[0]
        elif kind != unicode.SPACE:
            found.append(char.lower()[0])
        previous = kind
    return found


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def token_hash(token: str) -> int:
    data = token.encode()
    h = len(data) * 0x9E3779B97F4A7C15 & MASK
    for begin in range(0, len(data), 8):
        h = mix(h ^ int.from_bytes(data[begin : begin + 8], "little"))
    return h


def bucket_of(tokens: list[str], buckets: int) -> int:
    h = token_hash(tokens[0])
    for token in tokens[1:]:
        h = mix((h * 0xD6E8FEB86659FD93 + token_hash(token)) & MASK)
    return (h >> 32) * buckets >> 32


def counts_of(text: str | None, ngrams: int, buckets: int) -> dict[int, int]:
    """How often each bucket occurs, at most 255: those of tokens in their order, then longer ones from the last on."""
    tokens = tokens_of(text)
    spans = [tokens[i : i + n] for n in range(1, ngrams + 1) for i in range(len(tokens) - n + 1)[:: 1 if n < 2 else -1]]
    found: dict[int, int] = {}
    for span in spans:
        bucket = bucket_of(span, buckets)
        found[bucket] = min(found.get(bucket, 0) + 1, 255)
    return found
