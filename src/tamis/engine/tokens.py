"""Token counts by a tokenizer.json."""

import functools
from typing import Any

from tamis.errors import Refused


@functools.cache
def load_tokenizer(path: str) -> Any:
    """The tokenizer of `path`; refuses a file that is none, and says what to install."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise Refused("--tokenizer needs the package tokenizers: pip install 'tamis[hf]'") from None
    try:
        return Tokenizer.from_file(path)
    except Exception as error:
        raise Refused(f"--tokenizer {path} cannot be read ({error}): give a tokenizer.json") from None
