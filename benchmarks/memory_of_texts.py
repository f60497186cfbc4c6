"""The memory of every step that reads texts, over pools of growing size: what does not grow is bounded by its block.

Run `python benchmarks/memory_of_texts.py`; it prints a table and writes it to `benchmarks/results/memory_of_texts.md`.
The last rows train a small causal model first, which takes torch and transformers.
"""

import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from common import data, grow, run, write_page, write_target

GIGABYTES = (0.05, 0.1, 0.2, 0.4)
FEW = (2_000, 4_000, 8_000, 16_000)
RULES = ("gopher-quality", "gopher-repetition", "c4", "fineweb-quality")
NOTE = (
    "Megabytes of anonymous memory of all processes together, every 20 ms, of the whole command with two workers; "
    "pools are the texts of `text/pool.parquet`, each size twice the one before. *Bytes a row* is the slope between "
    "the two largest: what a step keeps of every row (a number, a vector, the minima of a text), and not its text. "
    "Causal models read pools of 2,000 to 16,000 rows, so that their slope is mostly noise."
)


def steps(pool: Path, wanted: Path) -> dict[str, list[str]]:
    """The command of each step, without its output folder."""
    asked = [str(pool), "--text", "text", "--workers", "2"]
    select = ["select", *asked, "--target", str(wanted), "--budget", "1000", "--no-subset", "--method"]
    clean = ["clean", *asked, "--no-subset"]
    return {
        "clean by rules": [*clean, *(word for name in RULES for word in ("--rules", name))],
        "near copies by shingles": [*clean, "--near-duplicates", "0.8"],
        "near copies by vectors": [*clean, "--near-duplicates", "embedding:0.95"],
        "test items": [*clean, "--test-set", str(wanted), "--drop-contaminated", "0.5"],
        "vectors by hashed words": ["measure", "vectors", *asked, "--represent", "hashed-words"],
        "vectors by latent semantics": ["measure", "vectors", *asked],
        "losses by n-grams": ["measure", "losses", *asked],
        "dsir": [*select, "dsir"],
        "quality-classifier": [*select, "quality-classifier"],
        "color-filter": [*select, "color-filter"],
        "betr": [*select, "betr"],
    }


def model_steps(pool: Path, model: Path) -> dict[str, list[str]]:
    """The same of what a causal model measures."""
    asked = [str(pool), "--text", "text", "--workers", "2"]
    return {
        "losses by a causal model": ["measure", "losses", *asked, "--model", str(model)],
        "vectors by a causal model": ["measure", "vectors", *asked, "--represent", str(model)],
        "gradients of a causal model": ["measure", "vectors", *asked, "--represent", f"gradients:{model}"],
    }


def untrained(folder: Path) -> Path:
    """A folder of a small causal model; what it knows takes no memory."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "studies"))
    from small_causal import new_model, new_tokenizer, save

    texts = pq.read_table(data("text/pool.parquet"), columns=["text"])["text"].slice(0, 2_000).to_pylist()
    return save(folder / "model", new_model(0), new_tokenizer(texts))


def main() -> None:
    """All steps at all sizes."""
    rows: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wanted = write_target(folder / "wanted.jsonl")
        model = untrained(folder)
        sizes, found = {}, {}
        for turn, (gigabytes, few) in enumerate(zip(GIGABYTES, FEW, strict=True)):
            pool, short = folder / f"pool-{turn}.parquet", folder / f"short-{turn}.parquet"
            sizes[turn] = grow(data("text/pool.parquet"), pool, gigabytes)
            pq.write_table(pq.read_table(pool, columns=["text"]).slice(0, few), short, row_group_size=1_000)
            asked = {name: (command, sizes[turn]) for name, command in steps(pool, wanted).items()}
            asked |= {name: (command, few) for name, command in model_steps(short, model).items()}
            for name, (command, count) in asked.items():
                out = folder / "out"
                peak = run([sys.executable, "-m", "tamis", *command, "-o", str(out), "--force"]).peak_mb
                found.setdefault(name, []).append((count, peak))
                print(f"{name}, {count:,} rows: {peak:,.0f} MB", flush=True)
            pool.unlink()
        for name, points in found.items():
            (before, low), (after, high) = points[-2:]
            slope = (high - low) * 2**20 / (after - before)
            few = "" if after > FEW[-1] else f", {points[0][0]:,} to {after:,} rows"
            rows[name] = [name + few, *(f"{peak:,.0f}" for _, peak in points), f"{slope:,.0f}"]
    head = ["", *(f"{count:,} rows" for count in sizes.values()), "bytes a row"]
    write_page("memory_of_texts", "Memory of steps that read texts", NOTE, [head, *rows.values()])


if __name__ == "__main__":
    main()
