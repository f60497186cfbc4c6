"""What is folded over all texts in one pass: a method's own counts, and the n-grams by which selections are judged."""

from collections.abc import Mapping
from typing import Any

from tamis.registry import Method, accepted

EVIDENCE = {"ngrams": 2, "buckets": 100_000, "hash": "mix64"}


def folds(method: Method, parameters: Mapping[str, Any], measures_text: bool) -> list[tuple[Any, Any, dict[str, Any]]]:
    """Functions (fit, merge, parameters), the method's own first if it has one, the evidence last if it is wanted.

    A method that counts the very n-grams of the evidence is counted once.
    """
    from tamis.ops import ngrams

    found = [(method.fit, method.merge, accepted(method.fit, parameters))] if method.fit else []
    evidence = (ngrams.count, ngrams.merge, EVIDENCE)
    return found + ([evidence] if measures_text and evidence not in found else [])
