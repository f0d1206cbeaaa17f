"""Whether a reading of a position can be believed. No database, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from app.kernel.geo import must_lie_in
from app.kernel.problems import FieldError, Invalid

MARGIN_DEG = 0.5  # about 50 km: crews fetch parts and help neighbours, but a fix on another continent is a broken one
CLOCK_TOLERANCE = timedelta(minutes=5)  # tablets are told the server's time at every sync


def check_fix(*, area: BaseGeometry | None, location: Point, at: datetime, now: datetime) -> None:
    """Refuse a fix from the future or from far outside the branch.

    Raises:
        Invalid: `location` is `outside_branch` or `swapped`, `at` is `in_future`.
    """
    if at > now + CLOCK_TOLERANCE:
        raise Invalid(FieldError("at", "in_future"))
    if area is not None:
        west, south, east, north = area.bounds
        around = box(west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
        must_lie_in(around, location)
