"""Cases: what scores of training cannot use."""

from .cases_sets import ROWS, changed, select

EL2N = "--method el2n --label label --use probs=probs"
PVI = "--method pvi --label label --use probs=probs --use null_probs=null_probs"


def pool(row, **values):
    """The pool with other values in one row."""
    return {"pool.jsonl": changed(row, **values)}


def cut(name, width):
    """The pool with lists of this column cut to a width."""
    return {"pool.jsonl": [{**row, name: row[name][:width]} for row in ROWS]}


CASES = {
    "an error of one class": select(
        "error-of-one-class", EL2N, 1, ["one class"], files={"pool.jsonl": [{**row, "probs": [1.0]} for row in ROWS]}
    ),
    "a class more than columns": select(
        "classes-without-column", EL2N, 1, ["4 classes", "3 probabilities", "--use probs"], files=pool(4, label=9)
    ),
    "probabilities of logits": select(
        "probabilities-unusable", EL2N, 1, ["line 4", "sum to"], files=pool(3, probs=[2.5, -1.0, 0.0])
    ),
    "probabilities without the input that are none": select(
        "null-probabilities-unusable",
        PVI,
        1,
        ["line 4", "without the input", "null_probs"],
        files=pool(3, null_probs=[0.5, 0.5, 0.5]),
    ),
    "probabilities without the input of other classes": select(
        "null-probabilities-of-others", PVI, 1, ["2 probabilities", "same classes"], files=cut("null_probs", 2)
    ),
    "a single visit": select(
        "visits-too-few",
        "--method forgetting --use correct=correct",
        1,
        ["1 visit", "2 or more"],
        files=cut("correct", 1),
    ),
    "a visit that is half right": select(
        "correct-unusable",
        "--method forgetting --use correct=correct",
        1,
        ["line 4", "0.5", "where the model was right"],
        files=pool(3, correct=[0, 1, 0.5, 0, 0, 1]),
    ),
    "a row that was visited once": select(
        "row-visited-too-rarely",
        "--method forgetting --use correct=correct",
        1,
        ["line 4", "are 1", "2 or more", "record more epochs"],
        files=pool(3, correct=[1, *[float("nan")] * 5]),
    ),
    "a length of errors in no norm": select("parameter-not-listed", f"{EL2N} --set norm=3", 1, ["norm=3", "1, 2"]),
    "doubt without margins": select(
        "optional-need-missing",
        "--method el2n-ccs --label label --use probs=probs --set cutoff=0.1",
        1,
        ["cutoff=0.1", "--use margins"],
    ),
    "visits that nothing supplies": select("need-not-bound", "--method aum", 2, ["margins", "--use margins=COLUMN"]),
    "a second loss that nothing supplies": select(
        "need-without-column", "--method rho --use loss=loss", 2, ["reference_loss", "--use reference_loss", "cost"]
    ),
    "a loss that is no number": select(
        "column-wrong-type",
        "--method rho --use loss=text --use reference_loss=loss",
        2,
        ["'text'", "--use loss needs integer or number"],
    ),
}
