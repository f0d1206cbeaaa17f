"""Travel times from one's own routing server, Valhalla or OSRM, over HTTP. What it does not answer is estimated."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from app.streets import profiles
from app.streets.dialects import DIALECTS, Dialect, Unusable
from app.streets.rules import Floats, Travel, straight
from app.streets.travel import Isochrone, TravelTimes, Way, straight_way

log = logging.getLogger(__name__)


class RemoteTimes:
    """An engine over a server. It never fails to answer: where the server does, `fallback` answers."""

    def __init__(self, dialect: Dialect, base: str, fallback: TravelTimes) -> None:
        self.engine = dialect.name
        self.version = f"{dialect.name}-{fallback.version}"
        self._dialect = dialect
        self._base = base.rstrip("/")
        self._fallback = fallback

    def matrix(self, sources: Floats, targets: Floats, *, at: datetime, profile: str) -> Travel:
        """From each source to each target; cells without a way are estimated."""
        profiles.profile(profile)
        try:
            metres, seconds = self._dialect.matrix(self._base, sources, targets, profile)
        except Unusable as error:
            self._tell(error)
            return self._fallback.matrix(sources, targets, at=at, profile=profile)
        plain, lost = straight(sources, targets), ~(np.isfinite(metres) & np.isfinite(seconds))
        return Travel(np.where(lost, plain.distance_m, metres), np.where(lost, plain.time_s, seconds), lost)

    def path(self, source: Floats, target: Floats, *, at: datetime, profile: str) -> Way:
        """The fastest way; straight where the server knows none."""
        try:
            line, metres, seconds = self._dialect.path(self._base, source, target, profile)
        except Unusable as error:
            self._tell(error)
            return self._fallback.path(source, target, at=at, profile=profile)
        return Way(line, metres, seconds, False) if np.isfinite(seconds) else straight_way(source, target)

    def isochrones(self, place: Floats, minutes: Sequence[int], *, at: datetime, profile: str) -> list[Isochrone]:
        """What is reached; by the fallback where the server draws nothing."""
        try:
            areas = self._dialect.isochrones(self._base, place, minutes, profile)
        except Unusable as error:
            self._tell(error)
            areas = {}
        if set(minutes) <= set(areas):
            return [Isochrone(one, areas[one], False) for one in minutes]
        return self._fallback.isochrones(place, minutes, at=at, profile=profile)

    def _tell(self, error: Unusable) -> None:
        log.warning("routing server unusable", extra={"engine": self.engine, "reason": str(error)})


def remote_times(setting: str, fallback: TravelTimes) -> TravelTimes:
    """The engine of `Settings.travel_engine`, such as `osrm+http://routing:5000`; without one, `fallback`."""
    if not setting:
        return fallback
    name, _, base = setting.partition("+")
    return RemoteTimes(DIALECTS[name], base, fallback)
