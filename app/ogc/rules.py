"""What the parameters of OGC API - Features mean: boxes, times, reference systems. Values in, values out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import TypeAlias

from pyproj import Transformer

from app.kernel.problems import FieldError
from app.ogc.errors import BadParameter

Box: TypeAlias = tuple[float, float, float, float]

OPEN_END = ("", "..")
FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


class Crs(Enum):
    """A reference system by its URI (OGC 18-058r1): EPSG number, whether latitude comes first, digits that matter."""

    CRS84 = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", 4326, False, 7)
    WGS84 = ("http://www.opengis.net/def/crs/EPSG/0/4326", 4326, True, 7)
    CGCS2000 = ("http://www.opengis.net/def/crs/EPSG/0/4490", 4490, True, 7)
    WEB_MERCATOR = ("http://www.opengis.net/def/crs/EPSG/0/3857", 3857, False, 2)

    def __init__(self, uri: str, srid: int, latitude_first: bool, digits: int) -> None:
        self.uri = uri
        self.srid = srid
        self.latitude_first = latitude_first
        self.digits = digits


CRS_BY_URI = {crs.uri: crs for crs in Crs}


def crs_of(uri: str | None, field: str) -> Crs:
    """The reference system a parameter names; CRS84 when it is not said.

    Raises:
        BadParameter: one we do not speak.
    """
    crs = CRS_BY_URI.get(uri or Crs.CRS84.uri)
    if crs is None:
        raise BadParameter(FieldError(field, "choice", {"choices": list(CRS_BY_URI)}))
    return crs


def boxes_of(bbox: str | None, crs: Crs) -> tuple[Box, ...]:
    """A `bbox` parameter as west, south, east, north in degrees; two boxes where it crosses the 180th meridian.

    Six numbers are a box with heights, which nothing here has: they are left aside.

    Raises:
        BadParameter: not four or six finite numbers, south above north, or off the globe.
    """
    if bbox is None:
        return ()
    numbers = _numbers(bbox)
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4:
        raise BadParameter(FieldError("bbox", "length", {"numbers": [4, 6]}))
    west, south, east, north = _in_degrees(numbers, crs)
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise BadParameter(FieldError("bbox", "out_of_range"))
    if west > east:
        return ((west, south, 180.0, north), (-180.0, south, east, north))
    return ((west, south, east, north),)


def _numbers(bbox: str) -> list[float]:
    try:
        numbers = [float(part) for part in bbox.split(",")]
    except ValueError as error:
        raise BadParameter(FieldError("bbox", "invalid")) from error
    if not all(map(math.isfinite, numbers)):
        raise BadParameter(FieldError("bbox", "invalid"))
    return numbers


def _in_degrees(numbers: list[float], crs: Crs) -> Box:
    first, second, third, fourth = numbers
    if crs.latitude_first:
        return second, first, fourth, third
    if crs is not Crs.WEB_MERCATOR:
        return first, second, third, fourth
    back = Transformer.from_crs(crs.srid, 4326, always_xy=True)
    (west, south), (east, north) = back.transform(first, second), back.transform(third, fourth)
    if not all(map(math.isfinite, (west, south, east, north))):
        raise BadParameter(FieldError("bbox", "out_of_range"))
    return west, south, east, north


@dataclass(frozen=True)
class Span:
    """A stretch of time, both ends within; None: without end on that side."""

    first: datetime | None
    last: datetime | None


def span_of(text: str | None) -> Span | None:
    """A `datetime` parameter: an instant, a day, or two of them around a slash, where `..` or nothing is open.

    Raises:
        BadParameter: not of that form, or ending before it begins.
    """
    if text is None:
        return None
    begin, slash, end = text.partition("/")
    if not slash:
        return Span(_instant(begin, last=False), _instant(begin, last=True))
    span = Span(
        None if begin in OPEN_END else _instant(begin, last=False),
        None if end in OPEN_END else _instant(end, last=True),
    )
    if span.first and span.last and span.first > span.last:
        raise BadParameter(FieldError("datetime", "out_of_range"))
    return span


def _instant(text: str, *, last: bool) -> datetime:
    """RFC 3339, as a moment of UTC; of a whole day its first or its last one."""
    try:
        if FULL_DATE.match(text):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1, microseconds=-1) if last else day
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadParameter(FieldError("datetime", "invalid")) from error
