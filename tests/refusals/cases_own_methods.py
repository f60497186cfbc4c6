"""Cases: methods of one's own, and what they may not give back."""

from .material import own
from .running import select

MINE = "--method own.py:mine --score score --target wanted.jsonl"
FIT = """
import tamis
from tamis.vocabulary import Order

def same(*given): ...

@tamis.method(family="mine", cost="O(n)", memory="n", loses="always", fit=same, merge=same, finish=same)
def mine(text, state) -> Order: ...
"""


def mine(kind, arguments, body, code, named, returns="Score"):
    """A case of a method `mine` whose body is this line."""
    return select(kind, MINE, code, named, files=own(arguments, body, returns))


CASES = {
    "own file is a folder": select(
        "own-file-unreadable", "--method own.py:mine", 2, ["--method own.py:mine", "readable"], files={"own.py/x": ""}
    ),
    "fit of an order": select("fit-of-order", MINE, 2, ["mine", "Order", "leave the fit out"], files={"own.py": FIT}),
    "a method of texts that fails": mine("method-failed", "text", "return text.nothing", 1, ["mine", "AttributeError"]),
    "an order that fails": mine(
        "method-failed", "score", "return score.nothing", 1, ["mine", "AttributeError"], "Order"
    ),
    "need of another kind": mine("need-not-supplied", "text, key", "...", 2, ["mine", "'key'", "reads texts"]),
    "too few scores": mine("scores-of-wrong-shape", "score", "return score[:-1]", 1, ["mine", "(11,)", "12 rows"]),
    "too many columns": mine(
        "scores-of-wrong-count", "score", "return np.ones((len(score), 2))", 1, ["mine", "2 columns", "give 1"]
    ),
    "scores not finite": mine(
        "scores-not-finite", "score", "return 0 * score - np.inf", 1, ["mine", "[-inf]", "finite"]
    ),
    "a row twice": mine("order-not-distinct", "score", "return Order(np.array([1, 1]))", 1, ["distinct"], "Order"),
    "a row too far": mine("order-outside", "score", "return Order(np.array([12]))", 1, ["0 … 11"], "Order"),
    "a method that fails": mine("method-failed", "score", "return score / {}", 1, ["mine", "TypeError"]),
}
