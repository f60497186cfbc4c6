"""Killed at any instant, the rerun resumes and gives the same bytes."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tamis import run, select
from tamis.engine.folder import STATE

WORDS = [f"word{i}" for i in range(4000)]
OUTPUTS = (
    "selection.parquet",
    "scores.parquet",
    "duplicates.parquet",
    "subset.parquet",
    "manifest.json",
    "report.html",
)
CRASHING = """
import os, sys
import tamis, tamis.engine.select, tamis.ops._ngram_kernels
real, (pool, target, folder) = os.replace, sys.argv[1:]
for renames in range(100):
    child = os.fork()
    if child == 0:
        left = [renames]
        def replace(*args):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            real(*args)
        os.replace = replace
        CALL
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 9:
        sys.exit(code)
"""


DSIR = 'tamis.select(pool, "dsir", target=target, budget="10%", temperature=1, output=f"{folder}/out{renames}")'
CLEANED = [
    {"rules": "gopher-quality:min-stop-words=0", "near_duplicates": 0.8, "against": []},
    {"method": "dsir", "budget": "10%", "set": {"temperature": 1}},
]


def write_pool(folder: Path, files: int, rows: int, first: int = 0) -> None:
    """Shards of random words; a fifth of each file leans to the target."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, first + files):
        rng = random.Random(index)
        texts = [" ".join(rng.choices(WORDS[: 400 if i % 5 == 0 else 4000], k=60)) for i in range(rows)]
        ids = [f"{index}-{i}" for i in range(rows)]
        pq.write_table(pa.table({"id": ids, "text": texts}), folder / f"shard{index}.parquet")


def command(pool: Path, target: Path, out: Path, workers: int = 1) -> list[str]:
    return [
        *("select", str(pool), "--method", "dsir", "--target", str(target), "--budget", "10%"),
        *("--set", "temperature=1", "--workers", str(workers), "-o", str(out)),
    ]


def tamis(arguments: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "tamis", *arguments], capture_output=True, text=True, **options)  # type: ignore[call-overload]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parts(out: Path) -> dict[str, int]:
    """Finished shards of scan and score with the time of their writing; a shard's `.arrow` is written last."""
    found = [*(out / ".tamis").glob("scan-*/*.arrow"), *(out / ".tamis").glob("score-*/*.arrow")]
    return {str(path): path.stat().st_mtime_ns for path in found if not path.name.startswith("tmp-")}


def assert_same(out: Path, reference: Path) -> None:
    for name in OUTPUTS[:4]:
        assert digest(out / name) == digest(reference / name), name
    assert sorted(path.name for path in out.iterdir()) == sorted([".tamis", *OUTPUTS])
    assert not list(out.rglob("tmp-*"))


def made(folder: Path, files: int, rows: int, wanted: int) -> tuple[Path, Path, Path]:
    """A pool, its target, and an undisturbed run of one process."""
    write_pool(folder / "pool", files=files, rows=rows)
    write_pool(folder / "target", files=1, rows=wanted)
    done = tamis(command(folder / "pool", folder / "target", folder / "reference"))
    assert done.returncode == 0, done.stderr
    return folder / "pool", folder / "target", folder / "reference"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return made(tmp_path_factory.mktemp("small"), files=2, rows=60, wanted=20)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Enough to be worth processes."""
    return made(tmp_path_factory.mktemp("large"), files=5, rows=4000, wanted=200)


def test_a_crash_before_any_rename_is_survived(small: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pool, target, reference = small
    done = subprocess.run(
        [sys.executable, "-c", CRASHING.replace("CALL", DSIR), pool, target, tmp_path], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    crashed = sorted(tmp_path.glob("out*"), key=lambda out: int(out.name[3:]))[:-1]
    assert len(crashed) > 12
    for out in crashed:
        assert not (out / "manifest.json").exists()
        before = parts(out)
        select(str(pool), "dsir", target=str(target), budget="10%", temperature=1, output=out)
        assert_same(out, reference)
        after = parts(out)
        assert all(after[path] == when for path, when in before.items())


def test_a_crash_before_any_rename_of_a_recipe_is_survived(small: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Cleaning, then a choice among what is left: every instant between two files that are written."""
    pool, target, _ = small
    recipe = {"pool": str(pool), "target": str(target), "steps": CLEANED}
    call = f"tamis.run({recipe!r} | {{'output': f'{{folder}}/out{{renames}}'}})"
    script = CRASHING.replace("CALL", call)
    done = subprocess.run([sys.executable, "-c", script, pool, target, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *crashed, whole = sorted(tmp_path.glob("out*"), key=lambda out: int(out.name[3:]))
    assert len(crashed) > 24
    for out in crashed[:: 3 if len(crashed) > 30 else 1]:
        run(recipe | {"output": str(out)})
        for path in sorted(whole.rglob("*.parquet")):
            if STATE not in path.parts:
                assert digest(path) == digest(out / path.relative_to(whole)), path
        assert not list(out.rglob("tmp-*"))


def test_workers_give_the_same_bytes(large: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pool, target, reference = large
    done = tamis(command(pool, target, tmp_path / "two", workers=2))
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "two", reference)


@pytest.mark.slow
def test_sigkill_at_random_moments(large: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pool, target, reference = large
    whole = time.monotonic()
    assert tamis(command(pool, target, tmp_path / "timed", workers=2)).returncode == 0
    whole = time.monotonic() - whole
    rng = random.Random(7)
    for attempt in range(20):
        out = tmp_path / f"out{attempt}"
        process = subprocess.Popen(
            [sys.executable, "-m", "tamis", *command(pool, target, out, workers=2)], stderr=subprocess.PIPE
        )
        time.sleep(whole * rng.uniform(0.3, 1.0))
        workers = children(process.pid)
        victim = workers[-1] if attempt % 3 == 0 and workers else process.pid
        os.kill(victim, signal.SIGKILL)
        said = process.communicate(timeout=60)[1].decode()
        assert "Traceback" not in said
        if victim != process.pid and process.returncode:
            assert process.returncode == 1 and "run the same command again" in said, said
        wait_until_gone(workers)
        before = parts(out)
        again = tamis(command(pool, target, out, workers=2))
        assert again.returncode == 0, again.stderr
        assert_same(out, reference)
        after = parts(out)
        assert all(after[path] == when for path, when in before.items())


def children(pid: int) -> list[int]:
    """All processes that descend from `pid`."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return direct + [below for child in direct for below in children(child)]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "orphan processes"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_finished_shards_serve_a_pool_that_has_grown(small: tuple[Path, Path, Path], tmp_path: Path) -> None:
    pool, target, _ = small
    grown = tmp_path / "pool"
    grown.mkdir()
    for path in pool.iterdir():
        os.link(path, grown / path.name)
    out = tmp_path / "out"
    assert tamis(command(grown, target, out)).returncode == 0
    scans = {path: when for path, when in parts(out).items() if "/scan-" in path}
    write_pool(grown, files=1, rows=50, first=10)
    refused = tamis(command(grown, target, out))
    assert refused.returncode == 2 and "before the files of the pool changed" in refused.stderr
    assert tamis([*command(grown, target, out), "--force"]).returncode == 0
    after = parts(out)
    assert all(after[path] == when for path, when in scans.items())
    assert tamis(command(grown, target, tmp_path / "fresh")).returncode == 0
    assert digest(out / "selection.parquet") == digest(tmp_path / "fresh" / "selection.parquet")


def test_a_locked_folder_is_refused(small: tuple[Path, Path, Path], tmp_path: Path) -> None:
    import fcntl

    pool, target, _ = small
    out = tmp_path / "out"
    (out / ".tamis").mkdir(parents=True)
    with (out / ".tamis" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = tamis(command(pool, target, out))
    assert refused.returncode == 1 and "another tamis" in refused.stderr
