"""Cases: columns and roles."""

from .running import select

CASES = {
    "column missing (flag)": select(
        "column-missing", "--text boddy", 2, ["pool.jsonl", "'boddy'", "--text", "of id, text, group"]
    ),
    "column missing (method)": select("column-missing", "--method top:qualty", 2, ["'qualty'", "pool.jsonl", "score"]),
    "column missing (budget)": select("budget-unit-unknown", "--budget '3 costs'", 2, ["'costs'", "'cost'", "tokens"]),
    "column missing (quota)": select("column-missing", "--quota domain=a:0.5", 2, ["--quota", "'domain'", "group"]),
    "need without column": select("need-without-column", "--method top", 2, ["top", "--score", "cost"]),
    "wrong type": select("column-wrong-type", "--method top:text", 2, ["'text'", "pool.jsonl", "number"]),
    "wrong type (budget)": select("budget-unit-not-numbers", "--budget '3 group'", 2, ["'group'", "number"]),
    "--use of no role": select("role-unknown", "--use scor=cost", 2, ["'scor'", "'score'"]),
    "need without any column": select(
        "need-without-any-column",
        "p.jsonl --method top",
        2,
        ["top", "p.jsonl", "score", "number"],
        files={"p.jsonl": [{"text": "a"}]},
    ),
    "two columns could be the text": select(
        "text-unclear",
        "p.jsonl --budget '1 chars'",
        2,
        ["p.jsonl", "--text", "a, b"],
        files={"p.jsonl": [{"a": "x", "b": "y"}]},
    ),
}
