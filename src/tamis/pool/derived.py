"""Columns that are made of others while rows are read, by their kind."""

from typing import Any

from tamis.pool.base import Derived

KINDS: dict[str, Any] = {}


def derived_from_json(value: dict[str, Any]) -> Derived:
    """The derived column that its `to_json` described."""
    kind = KINDS[value["kind"]]
    return kind(**{name: found for name, found in value.items() if name != "kind"})  # type: ignore[no-any-return]
