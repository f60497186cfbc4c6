"""A newcomer's path, timed: a new environment, a CSV of their own, and the commands that `--help` leads to.

Run `python benchmarks/newcomer.py`; it needs a package index for `pip`, and writes `results/newcomer.md`.
"""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from common import write_page

ROOT = Path(__file__).parents[1]
LIMIT = 90.0
NOTE = """Each command runs in a shell of its own, from an empty folder, in a new virtual environment whose packages pip
fetches and installs; nothing is compiled before the first `tamis` command. The CSV holds the texts of the bundled
sample with a column `quality` (their length). `tamis inspect` prints the command that is run after it. The limit is
{limit:.0f} s for all commands together; what is written was looked at: {found}."""


def write_csv(path: Path) -> int:
    """The bundled sample as a CSV of a stranger; returns its rows."""
    rows = [
        row for file in sorted((ROOT / "examples/pool").glob("*.parquet")) for row in pq.read_table(file).to_pylist()
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "source", "quality"])
        writer.writerows([row["id"], row["text"], row["source"], len(row["text"])] for row in rows)
    return len(rows)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = write_csv(folder / "my.csv")
        table = [["command", "seconds"]]
        total = 0.0
        suggested = ""
        for command in (
            f"{sys.executable} -m venv env",
            f"env/bin/pip install --quiet --disable-pip-version-check {ROOT}",
            "env/bin/tamis --help",
            "env/bin/tamis select --help",
            "env/bin/tamis inspect my.csv",
            "SUGGESTED",
            "env/bin/tamis select my.csv --method top:quality --budget 10% -o best",
            "env/bin/tamis why best --row 0",
        ):
            command = f"env/bin/{suggested}" if command == "SUGGESTED" else command
            start = time.perf_counter()
            done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
            seconds = time.perf_counter() - start
            if done.returncode:
                sys.exit(f"exit code {done.returncode} of {command}\n{done.stdout}{done.stderr}")
            if "inspect" in command:
                suggested = next(line.strip() for line in done.stdout.splitlines() if line.strip().startswith("tamis "))
            total += seconds
            shown = command.replace(sys.executable, "python").replace(str(ROOT), "tamis").replace("env/bin/", "")
            table.append([f"`{shown}`", f"{seconds:.1f}"])
        kept = sum(1 for _ in csv.reader((folder / "best/subset.csv").open(newline="", encoding="utf-8"))) - 1
        pages = [path for path in folder.glob("*/report.html") if path.stat().st_size > 10_000]
        if kept != rows // 10 and not 0 < kept <= rows // 10:
            sys.exit(f"the subset holds {kept} rows")
        table.append(["all", f"{total:.1f}"])
        found = f"{kept} of {rows} rows in `subset.csv`, {len(pages)} reports"
        write_page("newcomer", "A newcomer's path", NOTE.format(limit=LIMIT, found=found), table)
        if total > LIMIT:
            sys.exit(f"{total:.0f} s are more than {LIMIT:.0f}")


if __name__ == "__main__":
    main()
