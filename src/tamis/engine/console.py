"""What a person sees while work goes on: plain lines in a log, a progress bar on a terminal."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Console:
    """Says things on standard error; `quiet` says nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        """One plain line."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """A line that the report repeats."""
        self.warnings.append(text)
        self.say(f"warning: {text}")

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterator[T]:
        """Pass `items` on: with rate and remaining time on a terminal, otherwise a line every 10 seconds."""
        if not self.quiet and sys.stderr.isatty():
            from tqdm import tqdm

            yield from tqdm(items, total=total, desc=what, unit="shard", leave=False, dynamic_ncols=True)
            return
        start = said = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if now - said > 10 and done < total:
                left = (now - start) / done * (total - done)
                self.say(f"{what}: {done} of {total} shards, {done / (now - start):.1f} a second, {left:.0f} s left")
                said = now
