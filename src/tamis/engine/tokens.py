"""Token counts by a tokenizer.json."""

import functools
from pathlib import Path
from typing import Any

from tamis import refusals


def load_tokenizer(path: str) -> Any:
    """The tokenizer of `path` as the file is now; refuses a file that is none, and says what to install."""
    try:
        return _parse(Path(path).read_bytes())
    except ImportError:
        raise refusals.PACKAGE_MISSING(f"--tokenizer {path}", package="tokenizers", extra="hf") from None
    except Exception as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise refusals.TOKENIZER_UNREADABLE(f"--tokenizer {path}", said=said) from None


@functools.lru_cache(2)
def _parse(content: bytes) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_buffer(content)
