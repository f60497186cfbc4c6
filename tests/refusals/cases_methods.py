"""Cases: methods and parameters."""

from tamis.ops import ngrams

from .material import POOL, own
from .running import call, command, select

CASES = {
    "unknown method": select("name-unknown", "--method randon", 2, ["'randon'", "'random'"]),
    "unknown parameter": select(
        "parameter-unknown", "--method threshold --score score --set hihg=3", 2, ["'hihg'", "'high'"]
    ),
    "parameter of wrong type": select(
        "parameter-unusable", "--method threshold --score score --set high=tall", 2, ["high='tall'", "number", "inf"]
    ),
    "parameter out of range": select(
        "parameter-out-of-range", "--method weighted-draw --score score --set temperature=-1", 2, ["temperature=-1"]
    ),
    "parameter that is no number": select(
        "parameter-out-of-range",
        "--method weighted-draw --score score --set temperature=nan",
        2,
        ["temperature=nan", "0 or above"],
    ),
    "temperature too near 0": select(
        "temperature-too-low",
        "--method weighted-draw --score score --set temperature=1e-320",
        1,
        ["temperature=1e-320", "raise it"],
    ),
    "bounds that no row meets": select(
        "method-admits-none",
        "--method threshold --score score --set low=5",
        1,
        ["threshold: it admits none", "12 eligible", "low or high"],
    ),
    "texts too short for the method": select(
        "method-admits-none",
        "--method dsir --target wanted.jsonl --set hash=sha256",
        1,
        ["dsir: it admits none of the 12", "min_tokens"],
    ),
    "unknown chooser": select("name-unknown", "--method top:score --choose tip", 2, ["'tip'", "'top'"]),
    "no chooser to replace": select(
        "chooser-of-order", "--method stratified-random --choose top", 2, ["--choose", "stratified"]
    ),
    "shares for no targets": select("target-shares-misfit", "--set shares=1,2", 2, ["shares", "targets"]),
    "own file missing": select("own-file-missing", "--method own.py:mine", 2, ["own.py"]),
    "own file with a syntax error": select(
        "own-file-fails", "--method own.py:mine", 2, ["own.py", "SyntaxError"], files={"own.py": "def mine(:\n"}
    ),
    "own function missing": select(
        "own-function-missing",
        "--method own.py:min",
        2,
        ["'min'", "'mine'"],
        files={"own.py": "def mine() -> int: ...\n"},
    ),
    "own need unknown": select(
        "own-function-unusable",
        "--method own.py:mine",
        2,
        ["'embeding'", "length"],
        files={"own.py": own("embeding", "return embeding")["own.py"]},
    ),
    "own kind unknown": select(
        "own-function-unusable", "--method own.py:mine", 2, ["Score"], files={"own.py": "def mine() -> int: ...\n"}
    ),
    "hash unknown": call(
        "parameter-not-listed", lambda: ngrams.count(POOL["text"].chunk(0), hash="md5"), ["hash='md5'", "sha256"]
    ),
    "shares that are no numbers": select(
        "target-shares-unreadable",
        "--method dsir --target wanted.jsonl --set shares=half",
        2,
        ["shares='half'", "0.5,0.5"],
    ),
    "scores of an order": command(
        "method-without-scores",
        "score pool.jsonl --method stratified-random -o out",
        2,
        ["stratified-random", "tamis select"],
    ),
}
