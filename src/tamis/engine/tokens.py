"""Token counts by a tokenizer.json."""

import functools
from pathlib import Path
from typing import Any

from tamis.errors import Refused


def load_tokenizer(path: str) -> Any:
    """The tokenizer of `path` as the file is now; refuses a file that is none, and says what to install."""
    try:
        return _parse(Path(path).read_bytes())
    except ImportError:
        raise Refused("--tokenizer needs the package tokenizers: pip install 'tamis[hf]'") from None
    except Exception as error:
        raise Refused(f"--tokenizer {path} cannot be read ({error}): give a tokenizer.json") from None


@functools.lru_cache(2)
def _parse(content: bytes) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_buffer(content)
