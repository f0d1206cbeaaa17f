"""Travel times from a routing server of one's own: Valhalla or OSRM over HTTP. What it does not answer is estimated.

Formats: https://valhalla.github.io/valhalla/api/matrix/api-reference/ (and turn-by-turn, isochrone) and
https://project-osrm.org/docs/v5.24.0/api/ (table and route services). OSRM draws no isochrones.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import requests
from shapely.errors import GEOSException
from shapely.geometry import LineString, MultiPolygon, Polygon, shape

from app.streets import profiles
from app.streets.rules import Floats, Travel, straight
from app.streets.travel import Isochrone, TravelTimes, Way, straight_way

log = logging.getLogger(__name__)

PATIENCE_S = (1.0, 5.0)  # to connect, to answer
COORDINATES = 6  # decimals: 0.1 m
COSTING = {"truck": "truck", "scooter": "motor_scooter"}  # Valhalla's word for our vehicles; the others are cars
Json = dict[str, Any]


class Unusable(Exception):
    """The server did not answer, or nothing that the format knows."""


class Dialect(Protocol):
    """One server's formats. Answers are metres and seconds with nan where the server knows no way."""

    name: str

    def matrix(self, base: str, sources: Floats, targets: Floats, profile: str) -> tuple[Floats, Floats]:
        """Metres and seconds, n × m."""

    def path(self, base: str, source: Floats, target: Floats, profile: str) -> tuple[LineString, float, float]:
        """The line, metres and seconds."""

    def isochrones(self, base: str, place: Floats, minutes: Sequence[int], profile: str) -> dict[int, MultiPolygon]:
        """Areas by minutes; none where the server draws none."""


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


class Osrm:
    """OSRM's `table` and `route`. Its vehicle is the one that its data were prepared for."""

    name = "osrm"

    def matrix(self, base: str, sources: Floats, targets: Floats, profile: str) -> tuple[Floats, Floats]:
        """One request, by GET as the server wants it; its own limit on places is a setting of the server."""
        count = len(sources)
        asked = {
            "annotations": "duration,distance",
            "sources": ";".join(map(str, range(count))),
            "destinations": ";".join(map(str, range(count, count + len(targets)))),
        }
        places = _osrm_places(np.concatenate((sources, targets)))
        answer = _asked("GET", f"{base}/table/v1/driving/{places}", params=asked)
        size = (count, len(targets))
        return _numbers(answer.get("distances"), size), _numbers(answer.get("durations"), size)

    def path(self, base: str, source: Floats, target: Floats, profile: str) -> tuple[LineString, float, float]:
        """The first route."""
        places = _osrm_places(np.stack((source, target)))
        asked = {"overview": "full", "geometries": "geojson"}
        answer = _asked("GET", f"{base}/route/v1/driving/{places}", params=asked)
        try:
            route = answer["routes"][0]
            return LineString(route["geometry"]["coordinates"]), float(route["distance"]), float(route["duration"])
        except (KeyError, IndexError, TypeError, ValueError, GEOSException) as error:
            raise Unusable("no route in the answer") from error

    def isochrones(self, base: str, place: Floats, minutes: Sequence[int], profile: str) -> dict[int, MultiPolygon]:
        """None: OSRM has no such service."""
        return {}


class Valhalla:
    """Valhalla's `sources_to_targets`, `route` and `isochrone`."""

    name = "valhalla"

    def matrix(self, base: str, sources: Floats, targets: Floats, profile: str) -> tuple[Floats, Floats]:
        """One request; the server answers kilometres."""
        asked = {
            "sources": _valhalla_places(sources),
            "targets": _valhalla_places(targets),
            "costing": COSTING.get(profile, "auto"),
            "units": "kilometers",
            "verbose": False,
        }
        cells = _asked("POST", f"{base}/sources_to_targets", json=asked).get("sources_to_targets")
        if not isinstance(cells, dict):
            raise Unusable("no matrix in the answer")
        size = (len(sources), len(targets))
        return _numbers(cells.get("distances"), size) * 1000.0, _numbers(cells.get("durations"), size)

    def path(self, base: str, source: Floats, target: Floats, profile: str) -> tuple[LineString, float, float]:
        """The trip's first leg."""
        places = _valhalla_places(np.stack((source, target)))
        asked = {
            "locations": places,
            "costing": COSTING.get(profile, "auto"),
            "units": "kilometers",
            "shape_format": "geojson",
        }
        answer = _asked("POST", f"{base}/route", json=asked)
        try:
            leg = answer["trip"]["legs"][0]
            line = LineString(leg["shape"]["coordinates"])
            return line, float(leg["summary"]["length"]) * 1000.0, float(leg["summary"]["time"])
        except (KeyError, IndexError, TypeError, ValueError, GEOSException) as error:
            raise Unusable("no trip in the answer") from error

    def isochrones(self, base: str, place: Floats, minutes: Sequence[int], profile: str) -> dict[int, MultiPolygon]:
        """One request for all minutes."""
        asked = {
            "locations": _valhalla_places(place[np.newaxis]),
            "costing": COSTING.get(profile, "auto"),
            "contours": [{"time": one} for one in minutes],
            "polygons": True,
        }
        answer = _asked("POST", f"{base}/isochrone", json=asked)
        try:
            return {
                int(feature["properties"]["contour"]): _multi(shape(feature["geometry"]))
                for feature in answer["features"]
            }
        except (KeyError, TypeError, ValueError, GEOSException) as error:
            raise Unusable("no areas in the answer") from error


DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Osrm(), Valhalla())}


def remote_times(setting: str, fallback: TravelTimes) -> TravelTimes:
    """The engine of `Settings.travel_engine`, such as `osrm+http://routing:5000`; without one, `fallback`."""
    if not setting:
        return fallback
    name, _, base = setting.partition("+")
    return RemoteTimes(DIALECTS[name], base, fallback)


def _asked(method: str, address: str, **what: Any) -> Json:
    try:
        response = requests.request(method, address, timeout=PATIENCE_S, **what)
        answer = response.json()
    except (requests.RequestException, ValueError) as error:
        raise Unusable(type(error).__name__) from error
    if response.status_code != requests.codes.ok or not isinstance(answer, dict):
        raise Unusable(f"status {response.status_code}")
    return answer


def _numbers(rows: Any, size: tuple[int, int]) -> Floats:
    try:
        numbers = np.array(rows, dtype=np.float64)  # null becomes nan
    except (TypeError, ValueError) as error:
        raise Unusable("no numbers in the answer") from error
    if numbers.size != size[0] * size[1]:
        raise Unusable("a matrix of another size")
    return numbers.reshape(size)


def _osrm_places(places: Floats) -> str:
    return ";".join(f"{lon:.{COORDINATES}f},{lat:.{COORDINATES}f}" for lon, lat in places)


def _valhalla_places(places: Floats) -> list[Json]:
    return [{"lon": round(float(lon), COORDINATES), "lat": round(float(lat), COORDINATES)} for lon, lat in places]


def _multi(area: Any) -> MultiPolygon:
    return MultiPolygon([area]) if isinstance(area, Polygon) else MultiPolygon(area)
