"""Columns that are made of others while rows are read, by their kind."""

from importlib import import_module
from typing import Any

from tamis.pool.base import Derived

KINDS: dict[str, Any] = {
    "template": "tamis.pool.template:Template",
    "vectors": "tamis.pool.vectors:Vectors",
    "tags": "tamis.pool.tags:TagLists",
    "images": "tamis.pool.images:Images",
    "image-vectors": "tamis.measure.image_vectors:ImageVectors",
}
"""Classes, or where they are: those that need further packages or lie on a higher floor are imported when needed."""


def derived_from_json(value: dict[str, Any]) -> Derived:
    """The derived column that its `to_json` described."""
    kind = KINDS[value["kind"]]
    if isinstance(kind, str):
        module, _, name = kind.partition(":")
        kind = getattr(import_module(module), name)
    return kind(**{name: found for name, found in value.items() if name != "kind"})  # type: ignore[no-any-return]
