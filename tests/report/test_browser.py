"""The report in a real browser: nothing is complained of, and nothing leaves the page."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tamis import select

EXAMPLES = Path(__file__).parents[2] / "examples"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSERS_OWN = (".google.com", ".googleapis.com", ".gvt1.com", ".gstatic.com")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --enable-logging=stderr"
)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 500])
def test_no_complaint_and_no_request(tmp_path, width):
    out = tmp_path / "out"
    select(EXAMPLES / "pool", "dsir", target=EXAMPLES / "targets" / "peps.jsonl", budget=200, output=out)
    log, page = tmp_path / "net.json", out / "report.html"
    command = [BROWSER, *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}"]
    command += [f"--window-size={width},4000", f"--screenshot={tmp_path / 'page.png'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert "CONSOLE" not in done.stderr
    asked = {urlsplit(url) for url in re.findall(r'"url":"([^"]+)"', log.read_text())}
    own = {url.hostname for url in asked if url.scheme in ("http", "https", "ws", "wss")}
    assert not {host for host in own if not host.endswith(BROWSERS_OWN)}
