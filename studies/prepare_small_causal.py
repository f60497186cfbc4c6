"""`pool_20k`: 20,000 documents of the pool, and what small causal models that were trained on others make of them.

    TAMIS_DATA=… python studies/prepare_small_causal.py

- The pool: those 20,000 of `text/pool.parquet` that `random` draws; 20,000 others train the models.
- The target: half of the held-out pages of Python documentation; the other half is `test.parquet`.
- `prior_s`, `conditional_s`: nats per token of a model that learned from the others with seed s, and of the same one
  after some steps on the target. `vector_s`: hidden states of the prior of seed s, `gradient` its gradients (seed 0).
- `losses`: nats per character of four models, the worst for the target first: the prior of seed 0, after some steps on
  what the others have of four other domains.
"""

import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from common import PREPARED, SEED, data, leave_charges, leave_notes, vectors, write
from small_causal import BATCH, CONTEXT, learn, new_model, new_tokenizer, save

import tamis

FOLDER = PREPARED / "small_causal"
ROWS, SEEDS = 20_000, 3
STEPS, TUNED, RATE = 400, 60, 4e-3
TARGET, OTHERS = "python_docs", ("biomedical", "law", "movie_reviews", "shell_docs")


def spent() -> float:
    """Processor seconds so far, of this process and those that it waited for."""
    return sum(used.ru_utime + used.ru_stime for used in (getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)))


def measured(kind: str, pool: str, *models: Path | str) -> Path:
    """The folder that `tamis measure` writes of a file of texts."""
    what = f"gradients-{kind}" if str(models[0]).startswith("gradients:") else kind
    out = FOLDER / f"measured/{what}-{Path(str(models[0])).name}-{pool}"
    asked = ["--model", ",".join(map(str, models))] if kind == "losses" else ["--represent", str(models[0])]
    command = [sys.executable, "-m", "tamis", "measure", kind, str(FOLDER / f"{pool}_texts.parquet"), *asked]
    command += ["--duplicates", "keep", "--text", "text", "-o", str(out), "--force"]
    subprocess.run(command, check=True)
    return out


def per_token(pool: str, model: Path) -> np.ndarray:
    """Nats per token of each document."""
    table = pq.read_table(measured("losses", pool, model) / "losses.parquet")
    return table["nll"].to_numpy() / np.maximum(table["tokens"].to_numpy(), 1)


def main() -> None:
    """Write the pool, the target and the test set."""
    whole = pq.read_table(data("text/pool.parquet"))
    drawn = tamis.select(str(data("text/pool.parquet")), "random", budget=2 * ROWS, seed=SEED).rows
    mine, others = np.sort(drawn[:ROWS]), drawn[ROWS:]
    sample = pq.read_table(PREPARED / f"domain_text/{TARGET}_target.parquet")
    order = np.random.default_rng(SEED).permutation(len(sample))
    halves = [sample.take(pa.array(np.sort(order[part::2]))) for part in range(2)]
    tables = {"pool": whole.take(pa.array(mine)), "target": halves[0]}
    write(FOLDER / "test.parquet", dict(zip(sample.column_names, halves[1], strict=True)))
    for name, table in tables.items():
        write(FOLDER / f"{name}_texts.parquet", {"text": table["text"]})
    rest = whole.take(pa.array(others))
    learned, domains = rest["text"].to_pylist(), np.array(rest["domain"].to_pylist())
    wanted = halves[0]["text"].to_pylist()
    torch.set_num_threads(1)
    made: dict[str, dict[str, pa.Array]] = {name: {} for name in tables}
    charges: dict[str, float] = {"prior": 0, "losses of both": 0, "conditional": 0, "vectors": 0}
    began = spent()
    tokenizer = new_tokenizer(learned)

    def charge(name: str, share: int = SEEDS) -> None:
        nonlocal began
        now = spent()
        charges[name] = charges.get(name, 0) + (now - began) / share
        began = now

    for seed in range(SEEDS):
        model = learn(new_model(seed), tokenizer, learned, STEPS, RATE, seed)
        prior = save(FOLDER / f"models/prior-{seed}", model, tokenizer)
        charge("prior")
        tuned = learn(model, tokenizer, wanted, TUNED, RATE / 4, seed)
        conditional = save(FOLDER / f"models/conditional-{seed}", tuned, tokenizer)
        charge("conditional")
        made["pool"][f"prior_{seed}"] = per_token("pool", prior)
        made["pool"][f"conditional_{seed}"] = per_token("pool", conditional)
        charge("losses of both")
        for name in tables:
            made[name][f"vector_{seed}"] = vectors(np.load(measured("vectors", name, prior) / "vectors.npy"))
        charge("vectors")
    for name in tables:
        found = np.load(measured("vectors", name, f"gradients:{FOLDER / 'models/prior-0'}") / "vectors.npy")
        made[name]["gradient"] = vectors(found)
    charge("gradients", 1)
    folders, results = [], []
    for domain in OTHERS:
        texts = [text for text, of in zip(learned, domains, strict=True) if of == domain]
        model = new_model(0)
        model.load_state_dict(type(model).from_pretrained(FOLDER / "models/prior-0").state_dict())
        folders.append(save(FOLDER / f"models/{domain}", learn(model, tokenizer, texts, TUNED, RATE / 4, 0), tokenizer))
        results.append(per_token("target", folders[-1]).mean())
    best_last = np.argsort(results)[::-1]
    found = np.load(measured("losses", "pool", *(folders[place] for place in best_last)) / "losses.npy")
    made["pool"]["losses"] = vectors(found.astype(np.float32))
    charge("four models and their losses", 1)
    for name, table in tables.items():
        write(FOLDER / f"{name}.parquet", dict(zip(table.column_names, table, strict=True)) | made[name])
    leave_charges(
        FOLDER,
        {
            "both": charges["prior"] + charges["conditional"] + charges["losses of both"],
            "vector": charges["prior"] + charges["vectors"],
            "gradient": charges["prior"] + charges["gradients"],
            "losses": charges["prior"] + charges["four models and their losses"],
        },
    )
    size = sum(weights.numel() for weights in new_model(0).parameters())
    best = [OTHERS[place] for place in best_last]
    leave_notes(
        __file__,
        [
            f"pool_20k has {ROWS:,} documents drawn from 346,192 by `random` with seed {SEED}; "
            f"{np.sum(np.array(tables['pool']['domain'].to_pylist()) == TARGET):,} are of the target's domain.",
            f"The models have {size:,} weights and learned for {STEPS} steps of {BATCH} windows of {CONTEXT} tokens "
            f"from {ROWS:,} other documents, with {SEEDS} seeds; the conditionals {TUNED} steps more from "
            f"{len(wanted)} documents of the target. Of a document the first {CONTEXT} tokens are measured.",
            "Nats per token of the target before and after these steps: "
            + ", ".join(
                f"{per_token('target', FOLDER / f'models/prior-{seed}').mean():.3f} and "
                f"{per_token('target', FOLDER / f'models/conditional-{seed}').mean():.3f}"
                for seed in range(SEEDS)
            )
            + ".",
            f"Models of `losses`, the worst for the target first: {', '.join(best)}.",
            "Processor seconds a seed: "
            + ", ".join(f"{name} {cost:.0f}" for name, cost in charges.items())
            + "; gradients and the four models once.",
        ],
    )


if __name__ == "__main__":
    main()
