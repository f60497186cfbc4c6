"""Cases: where pools are, and what they are."""

import os

import tamis

from .material import ROWS, failing
from .running import call, select

CASES = {
    "unknown kind of URL": select("url-unknown", "nosuch://bucket/pool", 2, ["nosuch://bucket", "s3://"]),
    "folder that cannot be read": select(
        "folder-unreadable", "two", 2, ["two", "Permission denied"], files={"two/a.jsonl": ROWS},
        during=failing("pathlib.Path.iterdir", PermissionError(13, "Permission denied")),
    ),
    "link to nothing": select(
        "file-is-link-to-nothing", "two", 2, ["two/b.jsonl", "link to nothing"],
        files={"two/a.jsonl": ROWS, "two/b.jsonl": lambda path: path.symlink_to("nowhere")},
    ),
    "name not UTF-8": select(
        "file-name-not-utf8", "two", 2, ["UTF-8", "rename"], files={os.fsdecode(b"two/b\xff.jsonl"): ROWS}
    ),
    "a number as a pool": call("pool-unknown-type", lambda: tamis.select(5, "random", budget=1), ["int", "path"]),
}  # fmt: skip
