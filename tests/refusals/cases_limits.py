"""Cases: shares, ids and other limits."""

from .running import select

CASES = {
    "unknown group": select("group-missing", "--quota group=aa:0.5", 1, ["'group'", "'aa'", "a, b, c"]),
    "quotas over 1": select("shares-over-whole", "--quota group=a:0.7,b:0.7", 2, ["--quota", "more than 1"]),
    "quotas over the budget": select("shares-over-budget", "--quota group=a:2,b:2", None, ["--quota", "4", "3"]),
    "floors over the budget": select("shares-over-budget", "--floor group=a:2,b:2", None, ["--floor", "4", "3"]),
    "quota unreadable": select("share-unreadable", "--quota group=a", 2, ["--quota", "'a'", "law:0.3"]),
    "two columns": select("shares-of-columns", "--quota group=a:1 --quota label=1:1", 2, ["--quota", "one column"]),
    "quota and floor on two columns": select(
        "quota-and-floor-apart",
        "--quota group=a:1 --floor label=1:1",
        2,
        ["--quota", "'group'", "--floor", "'label'", "one column"],
    ),
    "a group in two flags": select(
        "shares-of-group-twice", "--quota group=a:0.1 --quota group=a:0.1", 2, ["--quota", "group=a:0.1", "twice"]
    ),
    "shares over 1 in two flags": select(
        "shares-over-whole", "--floor group=a:0.7 --floor group=b:0.7", 2, ["--floor", "more than 1"]
    ),
    "keep and exclude": select(
        "id-kept-and-excluded",
        "--must-keep doc-001,doc-002 --exclude doc-002",
        None,
        ["'doc-002'", "--must-keep", "--exclude"],
    ),
    "must-keep over the budget": select(
        "must-keep-over-budget", "--must-keep doc-001,doc-002,doc-003,doc-004", None, ["--must-keep", "1 more"]
    ),
    "unknown id": select("id-missing", "--must-keep doc-001,doc-99", 1, ["--must-keep", "'doc-99'"]),
    "ids without id column": select(
        "ids-without-column", "p.jsonl --exclude 3", 2, ["--exclude", "--id"], files={"p.jsonl": [{"n": 1}] * 4}
    ),
    "no id file": select("ids-unreadable", "--exclude @nowhere", 2, ["--exclude", "nowhere"]),
    "quota without a group": select("shares-unreadable", "--quota group", 2, ["--quota 'group'", "law:0.3"]),
    "a share over 1": select("share-over-whole", "--quota group=a:1.5", 2, ["'a:1.5'", "whole budget"]),
    "id that is no integer": select(
        "id-not-integer",
        "p.jsonl --exclude 1,x",
        1,
        ["--exclude", "integers", "'x'"],
        files={"p.jsonl": [{"id": 1}, {"id": 2}]},
    ),
}
