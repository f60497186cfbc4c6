"""How often verdicts are wrong where methods are random, and how often they see a planted effect.

Run `python benchmarks/evidence_power.py [--studies 2000]`; it writes `results/evidence_power.md`, in about two minutes.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from common import write_page

from tamis.evidence.judge import judge
from tamis.evidence.power import power

NOTE = """Each line is {studies:,} studies whose seeds were fixed before any of them ran: study i of line j draws from
`default_rng((20240, j, i))`. *Called different* is the share whose verdict is better or worse, for several methods the
share in which at least one is. *Computed* is the power of the paired t test from the noncentral t distribution, and its
size, 5 %, where nothing is planted; ± is the Monte Carlo error of one standard deviation, *off* how many of these the
two are apart. A line with ≤ has an upper bound in place of a value. Effects are in standard deviations of the paired
differences. Accuracies on few test examples take few values, so that all differences may be equal by chance, which
leaves a t test no spread to compare them with: two seeds are called different too often there, and three are not. The
sentence of such a verdict says that it can be luck."""
SEED = 20240
EFFECTS, SEEDS = (0.5, 1.0, 2.0, 3.0), (3, 5, 10, 20)
LEVEL, SPREAD = 0.8, 0.02

Draw = Callable[[np.random.Generator], dict[str, tuple[Any, Any]]]


def normal(effect: float, seeds: int, methods: int = 1) -> Draw:
    """Methods and random whose values are normal and share nothing; differences have a deviation of √2 · SPREAD."""

    def draw(rng: np.random.Generator) -> dict[str, tuple[Any, Any]]:
        random, *others = rng.normal(LEVEL, SPREAD, (methods + 1, seeds))
        own = random if methods > 1 else None  # several methods meet the same random, as they do in a study
        planted = effect * math.sqrt(2) * SPREAD
        return {
            f"method {i}": (values + planted, rng.normal(LEVEL, SPREAD, seeds) if own is None else own)
            for i, values in enumerate(others)
        }

    return draw


def counted(seeds: int, disagree: int, examples: int = 100) -> Draw:
    """Accuracies of two models that disagree on so many of the test examples, and are right on each by a coin."""

    def draw(rng: np.random.Generator) -> dict[str, tuple[Any, Any]]:
        right = rng.binomial(disagree, 0.5, seeds)
        base = rng.binomial(examples - disagree, LEVEL, seeds)
        return {"method": ((base + right) / examples, (base + disagree - right) / examples)}

    return draw


def lines() -> Iterator[tuple[str, int, float, bool, Draw]]:
    """What a line is called, its seeds, the share computed, whether that is a bound, and how a study is drawn."""
    yield "nothing planted", 5, 0.05, False, normal(0, 5)
    for methods in (4, 10):
        yield f"nothing planted, {methods} methods (Holm)", 5, 0.05, True, normal(0, 5, methods)
    for disagree in (50, 10, 4):
        for seeds in (2, 3, 5):
            words = f"nothing planted, accuracy on 100 examples of which {disagree} are judged differently"
            yield words, seeds, 0.05, True, counted(seeds, disagree)
    for effect in EFFECTS:
        for seeds in SEEDS:
            yield f"planted: {effect:g} sd", seeds, power(effect, 1.0, seeds), False, normal(effect, seeds)


def alone(studies: int) -> list[list[str]]:
    """The statistics by themselves: drawn values in, verdicts out."""
    rows = []
    for number, (words, seeds, computed, bound, draw) in enumerate(lines()):
        called = 0
        for study in range(studies):
            found = judge(draw(np.random.default_rng((SEED, number, study))), higher_is_better=True)
            called += any(each["verdict"] != "no difference" for each in found)
        rows.append(row(words, seeds, called / studies, computed, bound, studies))
        print(rows[-1], flush=True)
    return rows


def row(words: str, seeds: int, rate: float, computed: float, bound: bool, studies: int) -> list[str]:
    """One row of the table."""
    error = math.sqrt(computed * (1 - computed) / studies)
    off = "–" if bound or error < 1e-6 else f"{(rate - computed) / error:+.1f}".replace("-", "−")
    expected = f"{'≤ ' if bound else ''}{100 * computed:.1f} %"
    return [words, str(seeds), f"{100 * rate:.1f} %", expected, f"± {100 * error:.1f}", off]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    asked = parser.parse_args()
    head = ["studies", "seeds", "called different", "computed", "±", "off"]
    note = NOTE.format(studies=asked.studies)
    rows = [head, *alone(asked.studies)]
    write_page("evidence_power", "Verdicts on methods whose worth is known", note, rows, packages="numpy scipy")


if __name__ == "__main__":
    main()
