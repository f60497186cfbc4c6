"""Make `report.png` and `evidence.png`: the tops of two pages, as Chromium shows them at 1280 pixels.

python docs/images/make.py [--browser chromium]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WIDTH, SCALE = 1280, 1.25
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()
PAGES = {  # picture: its height, and the command whose page it is
    "report": (1490, "select examples/pool --method dsir --target examples/targets/peps.jsonl --budget 200"),
    "evidence": (
        1180,
        "bench examples/digits/pool.csv --test examples/digits/test.csv --task classify --label digit "
        "--methods top:trust,top:luck --budgets 5%,30%",
    ),
}


def main() -> None:
    """Run the samples and photograph their pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", default="chromium")
    browser = parser.parse_args().browser
    for picture, (height, command) in PAGES.items():
        with tempfile.TemporaryDirectory() as name:
            subprocess.run([sys.executable, "-m", "tamis", *command.split(), "-o", f"{name}/out"], cwd=ROOT, check=True)
            size = f"--window-size={WIDTH},{height} --force-device-scale-factor={SCALE}"
            view = f"{size} --user-data-dir={name}/user".split()
            target = HERE / f"{picture}.png"
            page = f"file://{name}/out/report.html"
            subprocess.run([browser, *FLAGS, *view, f"--screenshot={target}", page], check=True, capture_output=True)
        print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
