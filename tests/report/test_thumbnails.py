"""Images in the report: small, whole, only where wanted, and never able to act."""

import base64
import io
import json
import re
import sys
from html import unescape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tamis.measure.thumbnails import MOST_BYTES, SIDE, thumbnail
from tamis.report.page import render

from .sample import build

THUMB = re.compile(r'<img class="thumb" alt="([^"]*)" src="([^"]*)" width="96" height="96"/>')
ROWS = 30


def saved(pixels, kind="PNG"):
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, kind)
    return sink.getvalue()


def noise(seed, height=150, width=200):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def decoded(url):
    kind, _, body = url.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(body, validate=True)))
    assert kind == f"data:image/{image.format.lower()}"
    return image


def pool(path, **columns):
    images = [saved(np.full((4, 8, 3), row, np.uint8)) for row in range(ROWS)]
    pq.write_table(pa.table({"score": range(ROWS), "image": images} | columns), path)
    return path


@pytest.fixture
def report(folder, run):
    """Select the best ten of a pool and read the report."""

    def call(path, *words):
        told = run("select", path, "--method", "top:score", "--budget", 10, "-o", "out", *words)
        assert told.code == 0, told.err
        return (folder / "out/report.html").read_text()

    return call


@pytest.mark.parametrize("text", [False, True])
def test_the_shown_rows_have_their_images(report, text):
    """Image number `row` has the grey value `row` everywhere, so that each thumbnail says whose it is."""
    page = report(pool("p.parquet", **({"text": [f"text {row}" for row in range(ROWS)]} if text else {})))
    found = THUMB.findall(page)
    rows = [int(alt.removeprefix("The image of row ")) for alt, _ in found]
    assert rows == [*range(29, 19, -1), *range(19, 14, -1), *range(5)]
    for row, (_, url) in zip(rows, found, strict=True):
        image = decoded(url)
        assert image.size == (8, 4) and image.getpixel((3, 2)) == (row, row, row)
    assert ('class="two swap gallery"' in page) == (not text)
    assert ("10 of 30 images kept" in re.sub(r"<[^>]*>", "", page)) == (not text)


def test_no_examples(report):
    assert "<img" not in report(pool("p.parquet"), "--no-examples")
    assert "<img" not in report(pool("q.parquet"), "--image", "none", "--force")


def test_images_named_by_id(report):
    page = report(pool("p.parquet", id=[f'"><b id={row}>' for row in range(ROWS)]))
    assert unescape(THUMB.findall(page)[0][0]) == 'The image of id "><b id=29>'
    assert "<b id" not in page


def test_what_cannot_be_shown_is_said_and_stops_nothing(report):
    images = [saved(noise(row, 9, 9)) for row in range(ROWS)]
    images[29], images[28], images[27] = b"<script>alert(1)</script>", None, images[27][:-40]
    page = report(pool("p.parquet", image=pa.array(images, pa.binary())))
    notes = re.findall(r'<p class="note">Its image cannot be shown: (.*?)</p>', page)
    assert [re.sub(r"<[^>]*>", "", note)[:20] for note in notes[:2]] == ["25 bytes that are no", "it is empty"]
    assert len(notes) == 3 and len(THUMB.findall(page)) == 17


def test_paths(report, folder):
    (folder / "pictures").mkdir()
    for row in range(ROWS):
        (folder / f"pictures/{row}.png").write_bytes(saved(np.full((2, 2, 3), row, np.uint8)))
    (folder / "pictures/29.png").unlink()
    page = report(pool("p.parquet", image=[f"pictures/{row}.png" for row in range(ROWS)]), "--image", "image")
    assert "there is no file &#39;pictures/29.png&#39;" in page
    assert decoded(THUMB.findall(page)[0][1]).getpixel((0, 0)) == (28, 28, 28)


def test_without_pillow(report, monkeypatch):
    path = pool("p.parquet")
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    page = report(path)
    assert "<img" not in page and "row 29" not in page
    assert page.count("pip install &#39;tamis[images]&#39;") == 1


def test_several_shards_and_files(report, folder):
    """Rows to show lie in some shards only."""
    for part in range(3):
        images = [saved(np.full((2, 2, 3), 100 * part + row, np.uint8)) for row in range(20)]
        columns = {"score": [part * 20 + row for row in range(20)], "image": images}
        (folder / "pool").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), f"pool/{part}.parquet", row_group_size=7)
    found = THUMB.findall(report("pool", "--workers", 2))
    values = [decoded(url).getpixel((0, 0))[0] for _, url in found]
    assert values == [*range(219, 209, -1), *range(209, 204, -1), *range(5)]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (96, 96), (600, 800), (3000, 10), (10, 3000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_thumbnails_are_small(height, width, kind):
    found = thumbnail(saved(noise(0, height, width), kind))
    image = decoded(found)
    assert max(image.size) <= SIDE and max(image.size) == min(SIDE, max(height, width))
    assert min(image.size) == 1 or abs(image.width / image.height - width / height) < 0.02
    assert len(found) < 1.4 * MOST_BYTES
    assert thumbnail(saved(noise(0, height, width), kind)) == found


def test_thumbnails_look_like_the_image():
    """Of what is not noise, the best quality that fits is kept."""
    rows, columns = np.mgrid[:96, :96]
    smooth = np.stack([128 + 100 * np.sin(rows / 9), 128 + 90 * np.cos((rows + columns) / 11), 255 - columns], axis=-1)
    grainy = smooth + np.random.default_rng(0).normal(0, 2, smooth.shape)
    image = decoded(thumbnail(saved(grainy.clip(0, 255).astype(np.uint8))))
    assert image.format == "JPEG" and np.abs(np.asarray(image, float) - smooth).mean() < 2.3


def test_the_page_stays_small():
    """Twenty thumbnails of noise, the worst there is, add less than 100 kB."""
    manifest, summary, examples = build(8, 40)
    examples["top"] = (examples["top"] * 4)[:10]
    alone = len(render(manifest, summary, examples).encode())
    every = [one for key in ("top", "border", "below", "bottom") for one in examples[key]]
    for number, one in enumerate(every):
        one["image"] = thumbnail(saved(noise(number)))
    page = render(manifest, summary, examples)
    assert len(THUMB.findall(page)) == 20 and len(page.encode()) - alone < 100_000


EVIL = [
    'data:image/svg+xml;base64,PHN2Zy8+', 'data:image/png;base64,AAAA" onerror="alert(1)', "javascript:alert(1)",
    "data:text/html;base64,AAAA", "https://example.org/a.png", "data:image/png;base64,AAAA\n<script>",
    "data:image/png;base64," + "A" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("value", EVIL)
def test_no_other_url_becomes_an_image(value):
    manifest, summary, examples = build()
    examples["top"][0]["image"] = value
    page = render(manifest, summary, examples)
    assert "<img" not in page and "<script" not in page and not re.search(r"<[^>]*onerror", page)


def test_the_manifest_and_selection_hold_no_image(report, folder):
    report(pool("p.parquet"))
    manifest = json.loads((folder / "out/manifest.json").read_text())
    assert manifest["roles"]["image"] == {"column": "image", "how": "guessed"}
    assert "base64" not in json.dumps(manifest)
    assert (
        pq.read_table("out/subset.parquet")["image"].to_pylist() == pq.read_table("p.parquet")["image"][20:].to_pylist()
    )
