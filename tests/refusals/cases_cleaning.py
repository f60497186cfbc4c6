"""Cases: cleaning."""

import tamis

from .material import POOL
from .running import call, command


def clean(kind, words, code, named, **more):
    """`words` added to a usual `tamis clean`."""
    return command(kind, f"clean pool.jsonl -o out {words}", code, named, **more)


TEST = {"test.jsonl": [{"question": "how many eggs are left for sale each day then", "ok": 1}]}
SHORT = {"test.jsonl": [{"question": "how many eggs", "ok": 1}]}
ASKED = "--test-set test.jsonl"

CASES = {
    "clean for nothing": clean("nothing-to-clean", "", 2, ["--rules", "--near-duplicates", "--test-set"]),
    "clean for nothing in Python": call(
        "nothing-to-clean", lambda: tamis.clean(POOL), ["--rules", "--near-duplicates", "--test-set"]
    ),
    "clean with a budget": call("key-unknown", lambda: tamis.clean(POOL, rules="c4", budget=3), ["'budget'", "rules"]),
    "rules that nobody knows": clean("parameter-not-listed", "--rules gopher", 2, ["gopher-quality", "c4"]),
    "rule that is not in the set": clean(
        "parameter-not-listed", "--rules c4:min-words=3", 2, ["min_words", "min_sentences"]
    ),
    "threshold that is no number": clean(
        "rules-unreadable", "--rules c4:min-sentences=few", 2, ["'min-sentences=few'"]
    ),
    "threshold out of range": clean(
        "parameter-out-of-range", "--rules gopher-quality:max-bullet-lines=2", 2, ["max_bullet_lines", "0 to 1"]
    ),
    "rules named twice": clean("rules-twice", "--rules c4 --rules c4:min-sentences=3", 2, ["--rules c4", "once"]),
    "near duplicates of no similarity": clean("parameter-out-of-range", "--near-duplicates 0", 2, ["0.3 to 1", "0.8"]),
    "near duplicates by a word": clean("parameter-out-of-range", "--near-duplicates all", 2, ["all", "0.8"]),
    "near copies by vectors of a column, against texts": clean(
        "against-without-vectors",
        "--near-duplicates embedding:0.9 --embedding label,score --against pool.jsonl",
        2,
        ["embedding:0.9", "--represent"],
    ),
    "test texts without a test set": clean("incomplete", "--rules c4 --test-text q", 2, ["--test-text", "--test-set"]),
    "dropping without a test set": clean(
        "incomplete", "--rules c4 --drop-contaminated 13", 2, ["--drop-contaminated", "--test-set is missing"]
    ),
    "runs too short to drop": clean(
        "parameter-out-of-range", f"{ASKED} --drop-contaminated 5", 2, ["8 tokens or more", "0.5"], files=TEST
    ),
    "runs that are a word": clean(
        "parameter-out-of-range", f"{ASKED} --drop-contaminated much", 2, ["much", "0.5"], files=TEST
    ),
    "test set that is not there": clean("pool-missing", "--test-set gsm8k=nowhere.jsonl", 2, ["nowhere.jsonl"]),
    "test texts for fewer test sets": clean(
        "test-texts-uneven",
        f"{ASKED} {ASKED} {ASKED} --test-text question --test-text question",
        2,
        ["2 of them for 3 test sets", "--test-text"],
        files=TEST,
    ),
    "test text that is not there": clean(
        "column-missing", f"{ASKED} --test-text text", 2, ["test.jsonl", "'text'", "question"], files=TEST
    ),
    "test score that is not there": clean(
        "column-missing", f"{ASKED} --test-score correct", 2, ["'correct'", "--test-score", "ok"], files=TEST
    ),
    "test items that are all short": clean("parameter-out-of-range", ASKED, 1, ["n=8", "3 tokens"], files=SHORT),
    "earlier corpus without text": clean(
        "text-missing", "--against old.jsonl", 2, ["old.jsonl", "number"], files={"old.jsonl": [{"number": 1}]}
    ),
    "cleaning that leaves nothing": clean(
        "cleaned-away", "--rules gopher-quality", 1, ["12 of 12", "gopher-quality:", "loosen"]
    ),
    "rules for a pool without text": command(
        "text-missing",
        "clean numbers.jsonl --rules c4 -o out",
        2,
        ["numbers.jsonl", "text"],
        files={"numbers.jsonl": [{"number": 1}, {"number": 2}]},
    ),
}
