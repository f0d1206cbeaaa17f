"""What a photo says of itself: when, where and with what it was taken. Claims, like those of the tablet beside them."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image
from shapely.geometry import Point

LONGEST_NAME = 80


@dataclass(frozen=True)
class Said:
    """`taken_at` has a zone only where the camera wrote one; what is absent or makes no sense is None."""

    taken_at: datetime | None = None
    location: Point | None = None
    device: str | None = None


def said_by(image: Image.Image) -> Said:
    """Read the metadata of an opened image; damaged ones say nothing, the picture itself may be sound."""
    try:
        exif = image.getexif()
        shot, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ArithmeticError, struct.error):
        return Said()
    return Said(_moment(shot), _place(place), _device(exif))


def _moment(shot: Mapping[int, Any]) -> datetime | None:
    written = f"{shot.get(ExifTags.Base.DateTimeOriginal, '')}".strip("\0 ")
    zone = f"{shot.get(ExifTags.Base.OffsetTimeOriginal, '')}".strip("\0 ")
    for text, shape in ((written + zone, "%Y:%m:%d %H:%M:%S%z"), (written, "%Y:%m:%d %H:%M:%S")):
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - a camera without a zone means the local one
        except ValueError:
            continue
    return None


def _place(place: Mapping[int, Any]) -> Point | None:
    lat = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef) == "S")
    lon = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef) == "W")
    if lat is None or lon is None or not (abs(lat) <= 90 and abs(lon) <= 180):
        return None
    return None if lat == lon == 0 else Point(lon, lat)  # 0, 0 is what a receiver without a fix writes


def _degrees(parts: Any, negative: bool) -> float | None:
    """Degrees, minutes and seconds as one number."""
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(found):
        return None
    return -found if negative else found


def _device(exif: Mapping[int, Any]) -> str | None:
    """Maker and model, without the maker twice."""
    maker, model = (f"{exif.get(tag, '')}".strip("\0 ") for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    name = model if model.startswith(maker) else f"{maker} {model}"
    return "".join(filter(str.isprintable, name))[:LONGEST_NAME].strip() or None
