"""Images as vectors: the formula, every mode and orientation of a file, and bytes that are no image."""

import importlib.util
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tamis.errors import Refused
from tamis.measure.images import SmallImage, encoder, small_image
from tamis.measure.pictures import PIXELS, Unreadable, picture

from .made import noise, saved

BLUE_ON_CLEAR = np.zeros((32, 32, 4), np.uint8)
BLUE_ON_CLEAR[8:24, 4:28] = (20, 60, 220, 255)


def vector(content):
    return small_image([content])[0]


def pixels(content):
    return np.asarray(picture(content))


def slowly(rgb):
    """The formula of `small_image`, pixel by pixel in Python's own numbers, for 32 × 32 pixels."""
    values = [[[int(v) / 255 for v in pixel] for pixel in row] for row in rgb]

    def cells(count, function):
        step = 32 // count
        return [
            math.fsum(function(*values[y * step + i][x * step + j]) for i in range(step) for j in range(step)) / step**2
            for y in range(count)
            for x in range(count)
        ]

    def unit(vector, least):
        length = max(math.sqrt(math.fsum(v * v for v in vector)), least)
        return [v / length for v in vector]

    grey = cells(8, lambda r, g, b: 0.299 * r + 0.587 * g + 0.114 * b)
    grey = unit([v - math.fsum(grey) / 64 for v in grey], 0.02 * 8)
    colour = unit(cells(4, lambda r, g, b: r - g) + cells(4, lambda r, g, b: (r + g) / 2 - b), 0.02 * 4)
    flat = [[pixel[channel] for row in values for pixel in row] for channel in range(3)]
    mean = [math.fsum(channel) / 1024 for channel in flat]
    twice = [2 * math.sqrt(math.fsum((v - m) ** 2 for v in c) / 1024) for c, m in zip(flat, mean, strict=True)]
    statistics = [math.sqrt(v / 6) for v in [*mean, *(1 - m for m in mean), *twice, *(1 - s for s in twice)]]
    boxes = [0] * 64
    for row in rgb.tolist():
        for r, g, b in row:
            boxes[r // 64 * 16 + g // 64 * 4 + b // 64] += 1
    histogram = [math.sqrt(count / 1024) for count in boxes]
    parts = ((grey, 0.4), (colour, 0.25), (statistics, 0.1), (histogram, 0.25))
    return np.array([v * math.sqrt(weight) for part, weight in parts for v in part])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_formula(seed):
    rgb = noise(seed)
    found = vector(saved(rgb))
    assert found.dtype == np.float32 and found.shape == (SmallImage.width,) == (172,)
    assert np.abs(found - slowly(rgb)).max() < 1e-6
    assert abs(np.linalg.norm(found) - 1) < 1e-6


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_one_colour(colour):
    rgb = np.full((32, 32, 3), colour, np.uint8)
    rgb[0, 0] = np.minimum(rgb[0, 0], 254)  # noise of the encoding counts for little
    found = vector(saved(rgb))
    assert np.isfinite(found).all() and np.abs(found - slowly(rgb)).max() < 1e-6
    assert np.linalg.norm(found[:64]) < 0.05


@pytest.mark.parametrize(("down", "across"), [(1, 1), (2, 3), (7, 2), (20, 25)])
def test_a_larger_image_is_averaged(down, across):
    rgb = noise(3)
    assert (vector(saved(np.kron(rgb, np.ones((down, across, 1), np.uint8)))) == vector(saved(rgb))).all()


def test_a_smaller_image_is_spread():
    rgb = noise(4, 16, 16)
    assert (vector(saved(rgb)) == vector(saved(np.kron(rgb, np.ones((2, 2, 1), np.uint8))))).all()


def test_alone_as_among_others():
    """More images than a block, of all sizes: the bits of a vector do not depend on its neighbours."""
    images = [saved(noise(i, 20 + i % 30, 20 + i % 7)) for i in range(300)]
    together = small_image(images)
    assert (together == np.stack([vector(content) for content in images])).all()
    with pytest.raises(Refused, match="image 299: "):
        small_image([*images[:299], b"x"])
    assert small_image([]).shape == (0, 172)


def test_a_large_photograph_is_decoded_at_a_fraction():
    rgb = np.kron(noise(5), np.ones((40, 40, 1), np.uint8))
    content = saved(rgb, "JPEG", quality=95)
    assert picture(content, least=128).size == (160, 160) and picture(content).size == (1280, 1280)
    assert vector(content) @ vector(saved(rgb)) > 0.995


MODES = {
    "opaque": ("RGBA", "PNG", {}), "palette": ("P", "PNG", {}), "gif": ("P", "GIF", {}), "bmp": ("RGB", "BMP", {}),
    "tiff": ("RGB", "TIFF", {}), "webp": ("RGB", "WEBP", {"lossless": True}), "ppm": ("RGB", "PPM", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", MODES)
def test_modes_of_colour(name):
    mode, kind, options = MODES[name]
    rgb = noise(6) // 128 * 255
    assert (pixels(saved(rgb, kind, mode, **options)) == rgb).all()


def test_modes_of_grey():
    grey = noise(7)[..., 0]
    rgb = np.stack([grey] * 3, axis=-1)
    deep = grey.astype(np.uint16)
    for content in (
        saved(grey), saved(grey, mode="LA"), saved(deep * 257), saved(deep * 257, "TIFF"),
        saved(Image.fromarray((deep * 257).astype(np.int32)), "TIFF"),
    ):  # fmt: skip
        assert (pixels(content) == rgb).all()
    black = grey > 127
    assert (pixels(saved(Image.fromarray(black), "PNG"))[..., 1] == black * 255).all()
    stretched = np.linspace(-3, 7, 1024, dtype=np.float32).reshape(32, 32)
    found = pixels(saved(stretched, "TIFF"))[..., 0]
    assert (found == np.round((stretched.astype(float) + 3) * 25.5)).mean() > 0.99
    assert found.min() == 0 and found.max() == 255
    flat = pixels(saved(np.full((4, 4), np.nan, np.float32), "TIFF"))
    assert (flat == 0).all()


def test_inks():
    rgb = np.kron(noise(8)[:4, :4], np.ones((8, 8, 1), np.uint8))
    found = pixels(saved(rgb, "JPEG", "CMYK", quality=100))
    assert np.abs(found.astype(int) - rgb).mean() < 12


def test_transparent_parts_are_white():
    on_white = BLUE_ON_CLEAR[..., :3].copy()
    on_white[BLUE_ON_CLEAR[..., 3] == 0] = 255
    image = Image.fromarray(BLUE_ON_CLEAR)
    index = image.convert("RGB").quantize(4)
    clear = index.getpixel((0, 0))
    for content in (saved(image), saved(image, "WEBP", lossless=True), saved(index, transparency=clear)):
        assert (pixels(content) == on_white).all()
    half = BLUE_ON_CLEAR.copy()
    half[..., 3] = 128
    assert np.abs(pixels(saved(half)).astype(int) - (half[..., :3] * (128 / 255) + 127)).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(kind, orientation):
    """What is stored is the upright image turned back, by the definition of the EXIF tag."""
    upright = noise(9, 20, 30)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright), 7: np.rot90(upright, 2).transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    content = saved(np.ascontiguousarray(stored), kind, exif=exif, **options)
    assert (pixels(content) == upright).all()
    assert (vector(content) == vector(saved(upright))).all()


def test_broken_metadata_do_not_matter():
    content = saved(noise(10), exif=b"Exif\0\0II*\0\xff\xff\xff\xff nothing of this kind")
    assert (pixels(content) == noise(10)).all()


def test_the_first_frame():
    frames = [Image.fromarray(noise(i) // 128 * 255).convert("P") for i in (11, 12)]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (pixels(content) == noise(11) // 128 * 255).all()


WHOLE = saved(noise(13, 64, 64), "JPEG")
BOMB = saved(np.zeros((1, 1), np.uint8))
BOMB = BOMB[:16] + (30_000).to_bytes(4) * 2 + BOMB[24:29]
BOMB += __import__("zlib").crc32(BOMB[12:29]).to_bytes(4) + saved(np.zeros((1, 1), np.uint8))[33:]
BROKEN = {
    "nothing": (b"", "0 bytes that are no JPEG"), "a text": (b"hello, world", "12 bytes that are no JPEG"),
    "cut": (WHOLE[:-200], "truncated"), "a bomb": (BOMB, f"{PIXELS:,}"),
    "a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_image_is_refused_with_its_place(name):
    content, said = BROKEN[name]
    with pytest.raises(Refused) as refused:
        small_image([WHOLE, WHOLE, content], lambda index: f"pool.parquet, row {40 + index}")
    assert refused.value.kind == "image-unreadable"
    assert str(refused.value).startswith("pool.parquet, row 42: ") and said in str(refused.value)
    assert " at 0x" not in str(refused.value)


def test_a_large_picture_is_refused_before_it_is_decoded():
    with pytest.raises(Unreadable, match="9,500 × 9,500"):
        picture(saved(Image.new("1", (9500, 9500))))


SEEDS = [saved(noise(14, 24, 20), kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6), st.data())
def test_mutated_files_are_read_or_refused(content, changes, data):
    mutated = bytearray(content)
    for at, value in changes:
        mutated[at % len(mutated)] = value
    mutated = mutated[: data.draw(st.integers(0, len(mutated)))] if data.draw(st.booleans()) else mutated
    try:
        found = vector(bytes(mutated))
    except Refused as error:
        assert error.kind == "image-unreadable" and "\n" not in str(error)
    else:
        assert np.isfinite(found).all() and np.linalg.norm(found) < 1.001


def test_encoders_by_name(folder):
    found = encoder("small-image")
    assert found.name == "small-image" and found.width == 172 and "weak" in found.note
    assert (found.encode([WHOLE]) == small_image([WHOLE])).all()
    with pytest.raises(Refused, match=r"'small_image': there is no such encoder .*did you mean 'small-image'"):
        encoder("small_image")
    with pytest.raises(Refused, match="'clip\\.onnx': there is no such encoder"):
        encoder("clip.onnx")


def test_without_pillow(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "PIL"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Refused, match=r"Pillow.*tamis\[images\]"):
        small_image([WHOLE])


def test_importing_loads_no_pillow():
    """Nothing at the top of these modules may load it: the base install has none."""
    code = "import sys, tamis.measure.image_vectors, tamis.measure.onnx_images, tamis.measure.thumbnails\n"
    code += "sys.exit(any(name in sys.modules for name in ('PIL', 'onnxruntime')))"
    assert importlib.util.find_spec("PIL")
    assert __import__("subprocess").run([sys.executable, "-c", code]).returncode == 0
