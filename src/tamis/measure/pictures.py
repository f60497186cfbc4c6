"""Pictures: the bytes of an image file as pixels in RGB, upright, whatever the file's own mode."""

import io
import warnings
from functools import cache
from typing import Any

import numpy as np

from tamis import refusals

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO", "AVIF", "JPEG2000")
PIXELS = 89_478_485  # a picture of this size fills 256 MB
ORIENTATION = 0x0112
DEEP = ("I", "I;16", "I;16L", "I;16B", "F")


class Unreadable(ValueError):
    """Bytes that are no picture; the message says why, in a few words for the middle of a sentence."""


def has_pillow() -> bool:
    """Whether Pillow is there."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        return False
    return True


def need_pillow(place: str) -> None:
    """Refuse to go on without Pillow."""
    if not has_pillow():
        raise refusals.PACKAGE_MISSING(place, package="Pillow", extra="images")


def picture(content: bytes, least: int = 0) -> Any:
    """The first frame as a Pillow image in RGB, turned as its EXIF orientation says; needs Pillow.

    Transparent parts are laid on white, 16 bits are cut to 8, and other deep greys are stretched from their least to
    their greatest value. A JPEG much larger than `least` pixels on each side is decoded at 1/2, 1/4 or 1/8 of its
    size, which saves most of the time. Raises `Unreadable` for what is no image, cut short, or a decompression bomb.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_formats()) as image:
                if image.width * image.height > PIXELS:
                    raise Unreadable(f"{image.width:,} × {image.height:,} pixels are more than {PIXELS:,}")
                if least:
                    image.draft(None, (least, least))
                image.load()
                turn = _orientation(image)  # of a TIFF, loading has turned it and has taken the tag away
                found = _rgb(image)
    except UnidentifiedImageError:
        raise Unreadable(f"{len(content):,} bytes that are no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None
    except Image.DecompressionBombError:
        raise Unreadable(f"it has more than {PIXELS:,} pixels") from None
    except Unreadable:
        raise
    except Exception as error:  # decoders fail in many ways on bytes that were tampered with
        said = (str(error).splitlines() or [""])[0].strip(" .") or type(error).__name__
        raise Unreadable(said) from None
    return found if turn is None else found.transpose(turn)


@cache
def _formats() -> tuple[str, ...]:
    """Those of `FORMATS` that this Pillow has; its others run programs or are not for pictures."""
    from PIL import Image

    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _orientation(image: Any) -> Any:
    """How to turn what is stored, or None."""
    from PIL.Image import Transpose

    try:
        found = image.getexif().get(ORIENTATION)
    except Exception:  # broken metadata say nothing about the pixels
        return None
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip
    return turns.get(found)


def _rgb(image: Any) -> Any:
    """A loaded image in RGB."""
    from PIL import Image

    if image.mode in DEEP:
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return image.convert("RGB")


def _eight_bits(deep: Any) -> Any:
    """Grey values of 16 bits by their high byte; of others between their least and greatest."""
    values = np.nan_to_num(np.asarray(deep, np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if deep.dtype.kind in "iu" and low >= 0 and high < 1 << 16:
        return (values / 257).round().astype(np.uint8)
    return ((values - low) * (255 / max(high - low, 1e-12))).round().astype(np.uint8)
