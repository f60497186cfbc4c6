"""Cases: texts that are made by a template."""

from .running import select

CHAT = [{"id": "a", "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]}]
DSIR = "--method dsir --target wanted.jsonl --budget 1"


def template(kind, template, named, code=2, rows=CHAT, words=""):
    """A case of a template for a pool of chats."""
    return select(kind, f"p.jsonl {DSIR} --template '{template}' {words}", code, named, files={"p.jsonl": rows})


CASES = {
    "text and template": template("text-given-twice", "{id}", ["--text id", "--template"], words="--text id"),
    "unknown template": template("template-unknown", "mesages", ["'mesages'", "'messages'"]),
    "template for another shape": template(
        "template-not-fitting", "instruction", ["--template instruction", "p.jsonl"]
    ),
    "a brace alone": template("template-brace", "{id} {", ["character 6"]),
    "template of words": template("template-without-column", "say: {{}}", ["no column"]),
    "template with an unknown column": template("column-missing", "{massages}", ["'massages'", "'messages'"]),
    "template with an unknown role": template("template-role-unknown", "{messages.usr}", ["'usr'", "'user'"]),
    "chats that are none": template(
        "turns-unreadable", "{messages}", ["p.jsonl, line 2", "'messages'"], 1, [*CHAT, {"id": "b", "messages": [3]}]
    ),
    "template with an unknown field": template(
        "template-field-unknown", "{a.b}", ["'a'", "'b'"], 2, [{"a": {"c": "text"}}]
    ),
}
