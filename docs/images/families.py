"""Make `sets.svg` and a picture of each family of methods: small drawings of digits, and which of them methods keep.

python docs/images/families.py [NAME…]

The digits 0, 3, 4 and 7 that scikit-learn ships, 64 pixels each, lie where their first two principal components put
them, and methods see no more than that: the place on the page, with a third number that is the same for all, so that
the angle between two vectors is about the distance between their points. All is chosen by `tamis.select`.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import tamis

HERE = Path(__file__).parent
DIGITS = (0, 3, 4, 7)
HEIGHT = 30.0  # the third number, about as large as the places are far from the middle
WIDE, GAP, HEAD, EDGE, CELL = 196, 16, 58, 10, 4
TINTS = ("#dceafa", "#fdeac6", "#e2f0dc", "#efe1f4")
STYLE = (
    'text { font-family: -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #16191d } '
    ".name { font-size: 15px; font-weight: 600 } .what { font-size: 12px; fill: #5b626b } "
    "path { stroke-linecap: round } .map { shape-rendering: crispEdges } "
    ".pool { stroke: #a3abb4; stroke-width: 2.6 } "
    ".kept { stroke: #0b6b5b; stroke-width: 7.4 } .rim { stroke: #fff; stroke-width: 9.6 } "
    ".square { stroke-linecap: square; stroke: #fff; stroke-width: 6.4 } .given { stroke: #d1540f; stroke-width: 4.4 }"
)


class Panel(NamedTuple):
    """What one method keeps: its name, a line on what is seen, and places of the points of the pool.

    `given` are points drawn as squares, those of a target or labelled already; `ground` is a drawing below all.
    """

    name: str
    what: str
    kept: NDArray[np.int64]
    given: NDArray[np.float64] | None = None
    ground: str = ""


def principal(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components, `[n, 2]`; the larger part of each lies on the same side everywhere."""
    centred = pixels - pixels.mean(axis=0)
    found = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    return np.asarray(found * np.where(np.sum(found**3, axis=0) < 0, -1, 1)).round(2)


PIXELS, DIGIT = load_digits(return_X_y=True)
PIXELS, DIGIT = PIXELS[np.isin(DIGIT, DIGITS)], DIGIT[np.isin(DIGIT, DIGITS)]
POINTS = principal(PIXELS)
LOW, HIGH = POINTS.min(axis=0), POINTS.max(axis=0)
SCALE = (WIDE - 2 * EDGE) / (HIGH - LOW)[0]
TALL = CELL * int(np.ceil(((HIGH - LOW)[1] * SCALE + 2 * EDGE) / CELL))
POOL: dict[str, Any] = {
    "vector": np.column_stack([POINTS, np.full(len(POINTS), HEIGHT)]).astype(np.float32),
    "digit": DIGIT.astype(str),
    "ink": PIXELS.sum(axis=1),
}
PROBS = {"probs": "probs"}
SEED = 3  # of the labelled rows


def kept(method: str, budget: int | str, pool: dict[str, Any] | None = None, **options: Any) -> NDArray[np.int64]:
    """The rows that a method keeps of the pool."""
    embedding = {} if method.startswith(("random", "top")) else {"embedding": "vector"}
    rows: NDArray[np.int64] = tamis.select(pool or POOL, method, budget=budget, **embedding, **options).rows
    return rows


def like(digits: dict[int, int]) -> NDArray[np.int64]:
    """The first so many points of these digits."""
    return np.concatenate([np.flatnonzero(digit == DIGIT)[:count] for digit, count in digits.items()])


def sets() -> tuple[str, list[Panel]]:
    """One method of each of four families."""
    wanted = like({7: 4, 3: 4})
    target = {"vector": POOL["vector"][wanted]}
    labelled, chances, ground = guessed()
    return f"What four methods keep of the same {len(POINTS)} drawings of digits", [
        Panel("facility-location", "something like everything", kept("facility-location", 24)),
        Panel("ssp-prototypes", "what is typical (keep=near)", kept("ssp-prototypes", 24, clusters=4, keep="near")),
        Panel("margin", "where a model is undecided", kept("margin", 24, chances, use=PROBS), POINTS[labelled], ground),
        Panel("rds-plus", "what is like a target ■", kept("rds-plus", 24, target=target), POINTS[wanted]),
    ]


def coverage() -> tuple[str, list[Panel]]:
    """Methods that cover the pool."""
    return f"Random, k-center, facility-location and graph-cut keep 24 of {len(POINTS)} drawings of digits", [
        Panel("random", "many where there are many", kept("random", 24)),
        Panel("k-center", "even distances, edges included", kept("k-center", 24)),
        Panel("facility-location", "even, and denser in crowds", kept("facility-location", 24)),
        Panel("graph-cut", "like most others on average", kept("graph-cut", 24)),
    ]


def clusters() -> tuple[str, list[Panel]]:
    """Methods that divide the pool into clusters."""
    return f"Prototypes, hard examples, concepts and near copies among {len(POINTS)} drawings of digits", [
        Panel("ssp-prototypes", "near a centroid (keep=near)", kept("ssp-prototypes", 48, clusters=4, keep="near")),
        Panel("ssp-prototypes", "far from all (keep=far)", kept("ssp-prototypes", 48, clusters=4)),
        Panel("concept-prune", "far, most of wide clusters", kept("concept-prune", 48, clusters=8)),
        Panel("semdedup", "auto: none like another kept", kept("semdedup", "auto", clusters=4, eps=0.003)),
    ]


def uncertainty() -> tuple[str, list[Panel]]:
    """Methods that ask a model, on the map of what it predicts."""
    labelled, chances, ground = guessed()
    had = POINTS[labelled]
    with tempfile.TemporaryDirectory() as name:
        tamis.select(chances, "random", budget=len(labelled), seed=SEED, output=f"{name}/labelled")
        start = f"{name}/labelled"
        return "What to label after 16 drawings of digits ■, on the map of what a model predicts", [
            Panel("random", "anywhere", kept("random", 20, chances, start=start), had, ground),
            Panel("margin", "where two classes meet", kept("margin", 20, chances, use=PROBS, start=start), had, ground),
            Panel("badge", "undecided, and apart", kept("badge", 20, chances, use=PROBS, start=start), had, ground),
            Panel(
                "pcoreset",
                "every mix of predictions",
                kept("pcoreset", 20, chances, use=PROBS, start=start),
                had,
                ground,
            ),
        ]


def dynamics() -> tuple[str, list[Panel]]:
    """Methods that ask a model while it trains, some of whose labels are wrong."""
    seen, wrong = trained()
    use, doubt = {"probs": "probs"}, {"margins": "margins"}
    chosen = {
        ("random", "many where there are many"): kept("random", 48, seen),
        ("el2n", "the hardest: nearly all of ■"): kept("el2n", 48, seen, use=use, label="digit"),
        ("aum", "the ones least in doubt"): kept("aum", 48, seen, use=doubt),
        ("el2n-ccs", "every difficulty (cutoff=0.1)"): kept(
            "el2n-ccs", 48, seen, use=use | doubt, label="digit", cutoff=0.1
        ),
    }
    return f"What three scores of training keep of {len(POINTS)} drawings of digits, 40 of them with wrong labels ■", [
        Panel(*said, rows, POINTS[np.setdiff1d(wrong, rows)]) for said, rows in chosen.items()
    ]


def annotation() -> tuple[str, list[Panel]]:
    """Methods that choose what to label without a model."""
    return f"Random, ideal and vote-k choose 12 of {len(POINTS)} drawings of digits to label", [
        Panel("random", "many where there are many", kept("random", 12)),
        Panel("ideal", "from where all is soon reached", kept("ideal", 12)),
        Panel("vote-k", "neighbour of most, 150 votes each", kept("vote-k", 12)),
        Panel("vote-k", "30 votes each (neighbours=30)", kept("vote-k", 12, neighbours=30)),
    ]


def targets() -> tuple[str, list[Panel]]:
    """Methods that choose what is like a target."""
    wanted = like({0: 8, 7: 3})
    target = {"vector": POOL["vector"][wanted]}
    said = ("each of the target in turn", "who is furthest behind", "layers of neighbours", "what the pool lacks")
    names = ("rds-plus", "bids", "tarot", "got-d")
    return "What four methods keep for a target of eight zeros and three sevens ■", [
        Panel(name, what, kept(name, 44, target=target), POINTS[wanted]) for name, what in zip(names, said, strict=True)
    ]


def combined() -> tuple[str, list[Panel]]:
    """One objective, then more of them."""
    wanted = like({4: 6})
    target, balance = {"vector": POOL["vector"][wanted]}, {"balance": "digit=0:0.5,3:0.3,7:0.2"}
    return f"The combined objective with one, two and three terms, on {len(POINTS)} drawings of digits", [
        Panel("quality", "those with most ink", kept("top:ink", 24)),
        Panel("coverage, ½ quality", "everywhere, with much ink", kept("combine", 24, score="ink", quality=0.5)),
        Panel(
            "coverage, ½ similarity",
            "everywhere, and like ■",
            kept("combine", 24, target=target, similarity=0.5),
            POINTS[wanted],
        ),
        Panel("coverage, balance", "half 0, 30 % 3, 20 % 7", kept("combine", 24, use=balance, balanced=2)),
    ]


PICTURES: dict[str, Callable[[], tuple[str, list[Panel]]]] = {
    "sets": sets, "coverage": coverage, "clusters": clusters, "uncertainty": uncertainty, "dynamics": dynamics,
    "annotation": annotation, "targets": targets, "combine": combined,
}  # fmt: skip


def guessed() -> tuple[NDArray[np.int64], dict[str, Any], str]:
    """Rows with labels, the pool with the probabilities of a model that learnt from them, and a map of its classes."""
    labelled = tamis.select(POOL, "random", budget=16, seed=SEED).rows
    model = LogisticRegression(C=10.0, max_iter=5000).fit(POINTS[labelled] / HEIGHT, DIGIT[labelled])
    probs = model.predict_proba(POINTS / HEIGHT).astype(np.float32).round(5)
    across, down = np.meshgrid(np.arange(0, WIDE, CELL), np.arange(0, TALL, CELL))
    seen = model.predict(back(np.column_stack([across.ravel(), down.ravel()]) + CELL / 2) / HEIGHT)
    seen = seen.reshape(across.shape)
    drawn = [
        f'<path class="map" fill="{tint}" d="{areas(seen == digit)}"/>'
        for tint, digit in zip(TINTS, DIGITS, strict=True)
    ]
    return labelled, {**POOL, "probs": probs}, "".join(drawn)


def trained() -> tuple[dict[str, Any], NDArray[np.int64]]:
    """The pool with wrong labels, what a linear model said of it in 30 steps of training, and the rows of those."""
    rng = np.random.default_rng(0)
    wrong, label = np.sort(rng.choice(len(DIGIT), 40, replace=False)), np.searchsorted(DIGITS, DIGIT)
    label[wrong] = (label[wrong] + rng.integers(1, 4, 40)) % 4
    own, inputs = np.eye(4, dtype=bool)[label], np.column_stack([POINTS / HEIGHT, np.ones(len(POINTS))])
    weights, said, margins = np.zeros((3, 4)), [], []
    for _ in range(30):
        logits = inputs @ weights
        powers = np.exp(logits)
        said.append(powers / powers.sum(axis=1, keepdims=True))
        margins.append(logits[own] - np.where(own, -np.inf, logits).max(axis=1))
        weights -= 4 * inputs.T @ (said[-1] - own) / len(own)
    found = {"probs": said[10].astype(np.float32).round(5), "margins": np.stack(margins[1:], axis=1).round(5)}
    return {**POOL, **found, "digit": np.array(DIGITS)[label].astype(str)}, wrong


def areas(cells: NDArray[np.bool_]) -> str:
    """A path around the cells that are true, a rectangle for each run of a line."""
    found = []
    for row, line in enumerate(cells):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        for left, right in (CELL * edges).reshape(-1, 2).tolist():
            found.append(f"M{left} {CELL * row}H{right}v{CELL}H{left}z")
    return "".join(found)


def on_page(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in a panel, in pixels."""
    return np.asarray((points - (LOW + HIGH) / 2) * SCALE * (1, -1) + (WIDE / 2, TALL / 2)).round(1)


def back(places: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The points of places in a panel."""
    return np.asarray((places - (WIDE / 2, TALL / 2)) * (1, -1) / SCALE + (LOW + HIGH) / 2)


def dots(points: NDArray[np.float64]) -> str:
    """A path of lines of no length, which round or square ends make dots."""
    return "".join(f"M{x:g} {y:g}h0" for x, y in on_page(points).tolist())


def squares(path: str) -> str:
    """The same dots as squares, with a rim."""
    return f'<path class="square" d="{path}"/><path class="square given" d="{path}"/>'


def picture(title: str, panels: list[Panel]) -> str:
    """Panels side by side as SVG."""
    wide, tall = GAP + (WIDE + GAP) * len(panels), HEAD + TALL + GAP
    ground = next((panel.ground for panel in panels if panel.ground), "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" role="img" aria-labelledby="t">',
        f'<title id="t">{title}</title>',
        f"<style>{STYLE}</style>",
        f'<defs><path id="pool" class="pool" d="{dots(POINTS)}"/><g id="map">{ground}</g></defs>',
        f'<rect width="{wide}" height="{tall}" rx="6" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        left = GAP + (WIDE + GAP) * number
        chosen = dots(POINTS[np.sort(panel.kept)])
        parts += [
            f'<text x="{left}" y="28" class="name">{panel.name}</text>',
            f'<text x="{left}" y="45" class="what">{panel.what}</text>',
            f'<g transform="translate({left} {HEAD})">',
            '<use href="#map"/>' if panel.ground else "",
            '<use href="#pool"/>',
            f'<path class="rim" d="{chosen}"/><path class="kept" d="{chosen}"/>',
            "" if panel.given is None else squares(dots(panel.given)),
            "</g>",
        ]
    return "\n".join([*(part for part in parts if part), "</svg>"]) + "\n"


def main(names: list[str]) -> None:
    """Write the pictures, or those named."""
    for name in names or PICTURES:
        path = HERE / f"{name}.svg"
        path.write_text(picture(*PICTURES[name]()), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
