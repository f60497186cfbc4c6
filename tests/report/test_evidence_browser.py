"""The report of a study in a real browser: nothing is complained of, nothing leaves the page, nothing is cut off."""

import html
import re
import subprocess

import pytest

from tamis.report.evidence_page import render

from .evidence_sample import build, failed
from .test_browser import BROWSER, BROWSERS_OWN, FLAGS

MEASURE = """<script>onload = () => parent.postMessage(
document.documentElement.scrollWidth - document.documentElement.clientWidth, "*")</script></body>"""
FRAME = """<body><iframe width={width} height=900 srcdoc="{page}"></iframe><pre id="over"></pre>
<script>onmessage = e => document.getElementById("over").textContent = e.data</script>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")


def _browse(tmp_path, page, *flags):
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [BROWSER, *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_no_complaint_and_no_request(tmp_path):
    evidence = build(3, 2)
    evidence["failed"] = failed()
    log, picture = tmp_path / "net.json", tmp_path / "page.png"
    flags = [f"--log-net-log={log}", "--window-size=1280,4000", f"--screenshot={picture}"]
    done = _browse(tmp_path, render(evidence), *flags)
    assert picture.stat().st_size > 20_000 and "CONSOLE" not in done.stderr
    hosts = set(re.findall(r'"url":"(?:https?|wss?)://([^"/:]+)', log.read_text()))
    assert not {host for host in hosts if not host.endswith(BROWSERS_OWN)}


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(tmp_path, width):
    evidence = build(8, 4, headline=("accuracy", "log_loss"))
    evidence["verdicts"] = [v | {"method": v["method"] * 9} for v in evidence["verdicts"]]
    page = render(evidence).replace("<details", '<details open="open"').replace("</body>", MEASURE)
    frame = FRAME.format(width=width, page=html.escape(page))
    done = _browse(tmp_path, frame, "--virtual-time-budget=5000", "--dump-dom")
    assert re.findall(r'<pre id="over">(.*?)</pre>', done.stdout)[-1] == "0"
