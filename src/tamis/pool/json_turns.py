"""Chat turns of one row as Python has them: who says what, and what is wrong with it."""

from typing import Any

from tamis.pool.json_values import whole

ROLE_FIELDS = ("role", "from", "speaker")
CONTENT_FIELDS = ("content", "value", "text")

Turn = tuple[str | None, str | None]


def read_turns(value: Any) -> list[Turn] | None:
    """Role and content of each turn of a value as Python has it. Raises `ValueError` that says what is wrong."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError(f"it is {kind_of(value)}")
    return [_turn(number, turn) for number, turn in enumerate(value, 1)]


def _turn(number: int, turn: Any) -> Turn:
    if turn is None or isinstance(turn, str):
        return None, None if turn is None else whole(turn)
    if not isinstance(turn, dict):
        raise ValueError(f"turn {number} is {kind_of(turn)}")
    if not any(name in turn for name in (*ROLE_FIELDS, *CONTENT_FIELDS)):
        raise ValueError(f"turn {number} has no role and no content")
    role = next((turn[name] for name in ROLE_FIELDS if turn.get(name) is not None), None)
    content = next((turn[name] for name in CONTENT_FIELDS if turn.get(name) is not None), None)
    if isinstance(content, list):
        content = _joined(number, content)
    role, content = (str(found) if type(found) is int else found for found in (role, content))
    for what, found in (("role", role), ("content", content)):
        if found is not None and not isinstance(found, str):
            raise ValueError(f"the {what} of turn {number} is {kind_of(found)}")
    return role and whole(role), content and whole(content)


def _joined(number: int, parts: list[Any]) -> str:
    """The texts of the parts of a content, one a line; parts of other kinds, such as images, have none."""
    texts = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if text is not None and not isinstance(text, str):
            raise ValueError(f"a part of turn {number} is {kind_of(text)}")
        texts.append(text or "")
    return "\n".join(text for text in texts if text)


def kind_of(value: Any) -> str:
    """What a value of JSON is, for a message."""
    kinds = {str: "text", bool: "true or false", dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(value), "a number")
