"""What a person sees while work goes on: plain lines in a log, a progress bar on a terminal or in a notebook."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
DELAY = 1.0  # seconds before a bar is shown: what is done by then needs none


class Console:
    """Says things on standard error; `quiet` says nothing, and `bars` draws progress where someone looks on."""

    def __init__(self, quiet: bool = False, bars: bool = True) -> None:
        self.quiet = quiet
        self.bars = bars
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        """One plain line."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        """A line that the report repeats."""
        self.warnings.append(text)
        self.say(f"warning: {text}")

    def progress(self, items: Iterable[T], total: int, what: str, unit: str = "shard") -> Iterator[T]:
        """Pass `items` on: with rate and remaining time on a terminal or in a notebook, else a line every 10 seconds.

        A bar that would be gone in a second is not drawn.
        """
        if self.bars and (in_notebook() or sys.stderr.isatty()):
            tqdm = _bar()
            yield from tqdm(items, total=total, desc=what, unit=unit, leave=False, dynamic_ncols=True, delay=DELAY)
            return
        start = said = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if now - said > 10 and done < total:
                left = (now - start) / done * (total - done)
                self.say(f"{what}: {done} of {total} {unit}s, {done / (now - start):.1f} a second, {left:.0f} s left")
                said = now


def in_notebook() -> bool:
    """Whether this runs in a notebook's kernel, which is never the case where IPython was not imported."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _bar() -> Any:
    """The bar of a notebook, where its widgets are installed, or of a terminal."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm
