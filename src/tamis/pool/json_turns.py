"""Chat turns of one row as Python has them: who says what, and what is wrong with it."""

import hashlib
import json
from typing import Any

from tamis.pool.json_values import whole

ROLE_FIELDS = ("role", "from", "speaker")
CONTENT_FIELDS = ("content", "value", "text")
MORE_FIELDS = ("reasoning_content", "tool_calls", "function_call")
CALLS = MORE_FIELDS[1:]

Turn = tuple[str | None, str | None]


def read_turns(value: Any) -> list[Turn] | None:
    """Role and content of each turn of a value as Python has it. Raises `ValueError` that says what is wrong."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(f"it is {kind_of(value)}")
    try:
        return [_turn(number, turn) for number, turn in enumerate(value, 1)]
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def shown(value: Any, name: str = "") -> str:
    """A value of field `name` as text: strings as they are, others as compact JSON without nulls; nothing of nothing.

    Keys are sorted, calls lose the ids that they were given, and bytes are their SHA-256. O(size) time.

    Examples:
        >>> shown([{"id": "x1", "function": {"name": "add", "arguments": {"b": 2, "a": None}}}], "tool_calls")
        '[{"function":{"arguments":{"b":2},"name":"add"}}]'
    """
    if isinstance(value, str):
        return whole(value)
    value = _without_nulls(value)
    if name in CALLS and isinstance(value, list):
        value = [_without_id(call) for call in value]
    if value is None or value == [] or value == {}:
        return ""
    return whole(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _without_id(call: Any) -> Any:
    return {key: one for key, one in call.items() if key != "id"} if isinstance(call, dict) else call


def _plain(value: Any) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)


def _turn(number: int, turn: Any) -> Turn:
    if turn is None or isinstance(turn, str):
        return None, None if turn is None else whole(turn)
    if not isinstance(turn, dict):
        raise ValueError(f"turn {number} is {kind_of(turn)}")
    if not any(name in turn for name in (*ROLE_FIELDS, *CONTENT_FIELDS, *MORE_FIELDS)):
        raise ValueError(f"turn {number} has no role and no content")
    role = next((turn[name] for name in ROLE_FIELDS if turn.get(name) is not None), None)
    content = next((turn[name] for name in CONTENT_FIELDS if turn.get(name) is not None), None)
    if isinstance(content, list):
        content = _joined(number, content)
    role, content = (str(found) if type(found) is int else found for found in (role, content))
    for what, found in (("role", role), ("content", content)):
        if found is not None and not isinstance(found, str):
            raise ValueError(f"the {what} of turn {number} is {kind_of(found)}")
    role, content = role and whole(role), content and whole(content)
    if any(turn.get(name) is not None for name in MORE_FIELDS):
        more = {name: shown(turn.get(name), name) for name in MORE_FIELDS}
        lines = [f"[{name}] {text}" for name, text in more.items() if text]
        lines.insert(1 if more[MORE_FIELDS[0]] else 0, content or "")
        content = "\n".join(filter(None, lines))
    return role, content


def _joined(number: int, parts: list[Any]) -> str:
    """The texts of the parts of a content, one a line; parts of other kinds, such as images, are JSON."""
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if text is not None and not isinstance(text, str):
            raise ValueError(f"a part of turn {number} is {kind_of(text)}")
        texts.append(shown(part) if text is None else text)
    return "\n".join(text for text in texts if text)


def kind_of(value: Any) -> str:
    """What a value of JSON is, for a message."""
    kinds = {str: "text", bool: "true or false", dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), "a number")
