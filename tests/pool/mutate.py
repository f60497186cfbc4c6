"""Files that are nearly right: what fuzzing of any reader starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

COUNTS = (1, 1, 1, 2, 3, 6)


def mutations(base: bytes, rng: random.Random, pieces: list[bytes] | None = None) -> bytes:
    """`base` with one to six faults: bits flipped, bytes put in or left out, parts repeated, moved or cut off.

    Args:
        base: a whole file.
        rng: decides all; the same generator in the same state makes the same file.
        pieces: bytes that mean something in the format, put in more often than any others.
    """
    content = base
    for _ in range(rng.choice(COUNTS)):
        content = _mutated(content, rng, pieces or [])
    return content


def _mutated(content: bytes, rng: random.Random, pieces: list[bytes]) -> bytes:
    at = rng.randrange(len(content) + 1)
    until = min(len(content), at + rng.choice([1, 1, 2, 4, 16, 64]))
    match rng.randrange(9 if pieces else 6):
        case 0:
            flipped = bytes(byte ^ (1 << rng.randrange(8)) for byte in content[at : at + 1])
            return content[:at] + flipped + content[at + 1 :]
        case 1:
            return content[:at] + rng.randbytes(rng.choice([1, 1, 2, 5])) + content[at:]
        case 2:
            return content[:at] + content[until:]
        case 3:
            return content[:until] + content[at:]
        case 4:
            start = rng.randrange(len(content) + 1)
            return content[:at] + content[start : start + rng.choice([1, 8, 40])] + content[at:]
        case 5:
            return content[:at] if rng.random() < 0.5 else content
        case 6:
            return content[:at] + rng.choice(pieces) + content[until:]
        case _:
            return content[:at] + rng.choice(pieces) + content[at:]
