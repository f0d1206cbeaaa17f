"""Line drawings that stand for photos and signatures: generated, marked synthetic, shared by many rows."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from app.district.book import Book

WIDTH, HEIGHT = 960, 720
THUMB = 4  # times smaller
NOISE = 10  # grain, so that a drawing weighs what a photo from a tablet weighs after scaling

Keep = Callable[[bytes], str]


@dataclass(frozen=True)
class Photo:
    """A stored file: hashes are SHA-256 in hexadecimal."""

    sha256: str
    thumbnail: str
    size_bytes: int
    mime: str
    width: int
    height: int


def make_photos(rng: Random, book: Book, count: int, keep: Keep) -> tuple[list[Photo], list[Photo]]:
    """(`count` photos, a dozen signatures), kept through `keep`, with their rows in the table of blobs."""
    at = book.anchor
    photos = [_kept(book, _jpeg(_scene(rng)), _jpeg_small, "image/jpeg", keep, at) for _ in range(count)]
    return photos, [_kept(book, _png(_signature(rng)), None, "image/png", keep, at) for _ in range(12)]


def _kept(book: Book, content: tuple[bytes, Image.Image], small: Callable[[Image.Image], bytes] | None, mime: str,
          keep: Keep, at: datetime) -> Photo:  # fmt: skip
    data, image = content
    sha256 = keep(data)
    thumbnail = sha256
    kind = "photo" if small else "signature"
    book.put("blob", sha256=bytes.fromhex(sha256), size=len(data), mime=mime, kind=kind, state="verified",
             declared_at=at, verified_at=at)  # fmt: skip
    if small:
        thumbnail = keep(small(image))
    return Photo(sha256, thumbnail, len(data), mime, image.width, image.height)


def _jpeg(image: Image.Image) -> tuple[bytes, Image.Image]:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=62)
    return out.getvalue(), image


def _jpeg_small(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.reduce(THUMB).save(out, "JPEG", quality=70)
    return out.getvalue()


def _png(image: Image.Image) -> tuple[bytes, Image.Image]:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), image


@cache
def _grain() -> npt.NDArray[np.int16]:
    """One sheet of grain, shifted about for each picture: making it takes longer than drawing on it."""
    noise = np.random.default_rng(20260716).normal(0, NOISE, (HEIGHT, WIDTH, 1))
    return np.asarray(noise, dtype=np.int16)


def _scene(rng: Random) -> Image.Image:
    """A wall with boxes, pipes and a dial or two, drawn in lines."""
    tone = tuple(rng.randrange(190, 240) for _ in range(3))
    grain = np.roll(_grain(), (rng.randrange(HEIGHT), rng.randrange(WIDTH)), (0, 1))
    image = Image.fromarray(np.clip(np.array(tone) + grain, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randrange(2, 5)):
        _box(rng, pen)
    for _ in range(rng.randrange(2, 6)):
        _pipe(rng, pen)
    pen.rectangle((0, HEIGHT - 34, WIDTH, HEIGHT), fill=(40, 44, 52))
    pen.text((12, HEIGHT - 26), f"SYNTHETIC PICTURE  {rng.getrandbits(40):010x}", fill=(255, 255, 255))
    return image


def _box(rng: Random, pen: ImageDraw.ImageDraw) -> None:
    x, y, w, h = rng.randrange(40, 680), rng.randrange(40, 420), rng.randrange(120, 260), rng.randrange(120, 260)
    ink = tuple(rng.randrange(20, 110) for _ in range(3))
    pen.rectangle((x, y, x + w, y + h), outline=ink, width=5)
    pen.ellipse((x + 20, y + 20, x + 90, y + 90), outline=ink, width=4)
    pen.line((x + 55, y + 55, x + 55 + rng.randrange(-28, 28), y + 30), fill=(180, 30, 30), width=4)
    for row in range(rng.randrange(2, 6)):
        pen.line((x + 16, y + 104 + row * 16, x + w - 16, y + 104 + row * 16), fill=ink, width=2)


def _pipe(rng: Random, pen: ImageDraw.ImageDraw) -> None:
    points = [(rng.randrange(WIDTH), rng.randrange(HEIGHT - 60))]
    for step in range(rng.randrange(3, 6)):
        x, y = points[-1]
        points.append((rng.randrange(WIDTH), y) if step % 2 else (x, rng.randrange(HEIGHT - 60)))
    pen.line(points, fill=tuple(rng.randrange(70, 170) for _ in range(3)), width=rng.choice((6, 9, 14)), joint="curve")


def _signature(rng: Random) -> Image.Image:
    image = Image.new("L", (600, 200), 255)
    pen = ImageDraw.Draw(image)
    x, y = 60.0, 110.0
    for _ in range(rng.randrange(5, 9)):
        points = [(x, y)]
        for _ in range(rng.randrange(4, 9)):
            x, y = min(560.0, x + rng.uniform(2, 26)), min(180.0, max(20.0, y + rng.uniform(-50, 50)))
            points.append((x, y))
        pen.line(points, fill=20, width=4, joint="curve")
    return image
