"""Looking into image files that strangers sent, with Pillow on a short leash."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from app.media.exif import Said, said_by
from app.media.rules import (
    FORMATS,
    MAX_PIXELS,
    THUMBNAIL_MAX_BYTES,
    THUMBNAIL_QUALITIES,
    THUMBNAIL_SIDE_PX,
    Refusal,
)

OPENED = ["JPEG", "PNG", "WEBP"]  # the plug-ins that look at foreign bytes; JPEG's finds MPO
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # by default 179 Mpx pass, 821 MiB in memory


class ImageRefused(Exception):
    """The file is not what it was declared to be."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Examined:
    """What was found: size as seen upright, a small JPEG without any of the original's metadata, and those metadata."""

    width_px: int
    height_px: int
    thumbnail: bytes
    said: Said


def examine(content: Path | BinaryIO, *, mime: str) -> Examined:
    """Open, check and decode the image whole; make its thumbnail.

    Raises:
        ImageRefused: not an image, another format than declared, too many pixels, or damaged.
    """
    with _refusals(), Image.open(content, formats=OPENED) as image:
        if image.format not in FORMATS[mime]:
            raise ImageRefused(Refusal.MISLABELLED)
        said = said_by(image)
        turned = image.getexif().get(0x0112, 1) >= 5  # orientations 5 to 8 lie on their side
        width_px, height_px = reversed(image.size) if turned else image.size
        image.draft("RGB", (THUMBNAIL_SIDE_PX * 2, THUMBNAIL_SIDE_PX * 2))  # JPEG decodes at 1/8: 8 Mpx in 30 ms
        image.load()
        upright = ImageOps.exif_transpose(image)
        return Examined(width_px, height_px, thumbnail_of(upright), said)


@contextmanager
def _refusals() -> Iterator[None]:
    """Pillow's ways of saying no as ours; its warnings about bombs are errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # damaged metadata say nothing; the picture may be sound
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageRefused(Refusal.TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        raise ImageRefused(Refusal.NOT_AN_IMAGE) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # truncated or malformed, by format
        raise ImageRefused(Refusal.DAMAGED) from error


def thumbnail_of(image: Image.Image) -> bytes:
    """A JPEG of at most 320 px a side and 30 kB, on white where the original is see-through."""
    small = image.convert("RGBA") if image.mode in {"RGBA", "LA", "P", "PA"} else image.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
    if small.mode == "RGBA":
        paper = Image.new("RGB", small.size, "white")
        paper.paste(small, mask=small.getchannel("A"))
        small = paper
    for quality in THUMBNAIL_QUALITIES:
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= THUMBNAIL_MAX_BYTES:
            break
    return out.getvalue()
