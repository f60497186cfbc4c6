"""Make `report.png`: the top of the report of the first run, as Chromium shows it at 1280 pixels.

python docs/images/make.py [--browser chromium]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WIDTH, HEIGHT, SCALE = 1280, 1490, 1.25
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()


def main() -> None:
    """Run the sample and photograph its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", default="chromium")
    browser = parser.parse_args().browser
    with tempfile.TemporaryDirectory() as name:
        asked = "select examples/pool --method dsir --target examples/targets/peps.jsonl --budget 200 -o".split()
        subprocess.run([sys.executable, "-m", "tamis", *asked, f"{name}/out"], cwd=ROOT, check=True)
        view = f"--window-size={WIDTH},{HEIGHT} --force-device-scale-factor={SCALE} --user-data-dir={name}/user".split()
        target = HERE / "report.png"
        page = f"file://{name}/out/report.html"
        subprocess.run([browser, *FLAGS, *view, f"--screenshot={target}", page], check=True, capture_output=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
