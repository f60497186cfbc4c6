"""Instructions from nine sets in one pool, cleaned with `tamis.clean`, and samples of two tasks as what is wanted.

    TAMIS_DATA=… python studies/prepare_instructions.py

- The pool: the random 9,000 of Alpaca, the three sets of GPTeacher, the chain-of-thought tasks of FLAN, templates of
  T0, and 2,000 of Code Alpaca. Exact and near copies are dropped, and rows that hold half of an item of either task,
  or half of its question.
- `gsm8k`: 1,000 of its training problems with their solutions; `mbpp`: all 974 problems with their programs. A study
  divides each anew for each seed: one half tells the methods what is wanted, the other half judges the model.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from common import PREPARED, SEED, data, leave_notes, write

import tamis

FOLDER = PREPARED / "instructions"
INSTRUCTIONS = {
    "alpaca": "alpaca_random9k",
    "gpteacher-code": "gpteacher_codegen",
    "gpteacher-roleplay": "gpteacher_roleplay",
    "gpteacher-tools": "gpteacher_toolformer",
    "code-alpaca": "code_alpaca_2k",
}
ITEMS = 1_000


def read(name: str, prompt: str, answer: str) -> list[tuple[str, str]]:
    """Pairs of what is asked and what is answered, by templates of the columns."""
    rows = pq.read_table(data(f"instruct/{name}.parquet")).to_pylist()
    rows = [{key: str(value or "").replace("<|endoftext|>", "") for key, value in row.items()} for row in rows]
    return [(prompt.format(**row).strip(), answer.format(**row).strip().replace("\r\n", "\n")) for row in rows]


def columns(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Two columns of text, `prompt` and `completion`."""
    return {"prompt": [prompt for prompt, _ in pairs], "completion": [answer for _, answer in pairs]}


def main() -> None:
    """Write the pool and two targets."""
    sets = {name: read(file, "{instruction}\n{input}", "{output}") for name, file in INSTRUCTIONS.items()}
    sets["flan-cot"] = read("flan_cot", "{input}", "{rationale}\n{target}")
    sets["t0"] = read("t0_templates", "{prompt}", "{completion}")
    made = columns([pair for pairs in sets.values() for pair in pairs])
    made["source"] = [name for name, pairs in sets.items() for _ in pairs]
    problems = read("gsm8k_train", "{question}", "{answer}")
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(problems))[:ITEMS])
    targets = {"gsm8k": [problems[row] for row in drawn], "mbpp": read("mbpp", "{text}", "{code}")}
    for name, pairs in targets.items():
        write(FOLDER / f"{name}.parquet", columns(pairs))
        write(FOLDER / f"{name}_questions.parquet", {"text": [question for question, _ in pairs]})
    write(FOLDER / "all.parquet", made)
    found = tamis.clean(
        str(FOLDER / "all.parquet"),
        near_duplicates="0.8",
        test_set=[str(FOLDER / f"{name}{part}.parquet") for name in targets for part in ("", "_questions")],
        drop_contaminated="0.5",
    )
    pool = pa.table(made).take(pa.array(np.sort(found.rows)))
    write(FOLDER / "pool.parquet", dict(zip(pool.column_names, pool, strict=True)))
    dropped = Counter({step.replace("_", " "): n for step, n in Counter(found.dropped["step"].to_pylist()).items()})
    dropped["exact copies"] = len(made["source"]) - len(pool) - dropped.total()
    size = sum(len(text.encode()) for name in ("prompt", "completion") for text in pool[name].to_pylist())
    kept = Counter(pool["source"].to_pylist())
    leave_notes(
        __file__,
        [
            f"The pool has {len(pool):,} of {len(made['source']):,} instructions, {size:,} bytes: "
            + ", ".join(f"{count:,} of {name}" for name, count in kept.most_common())
            + f". Dropped were {', '.join(f'{count:,} by {step}' for step, count in dropped.most_common())}.",
            *(f"{name}: {len(pairs):,} problems with their answers." for name, pairs in targets.items()),
        ],
    )


if __name__ == "__main__":
    main()
