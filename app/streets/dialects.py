"""What routing servers are asked and answer: the formats of OSRM and Valhalla.

https://valhalla.github.io/valhalla/api/matrix/api-reference/ (and turn-by-turn, isochrone) and
https://project-osrm.org/docs/v5.24.0/api/ (table and route services). OSRM draws no isochrones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import requests
from shapely.errors import GEOSException
from shapely.geometry import LineString, MultiPolygon, Polygon, shape

from app.streets.rules import FARTHEST_STREET_M, Bools, Floats

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
        far = _far(answer.get("sources"), count)[:, np.newaxis] | _far(answer.get("destinations"), len(targets))
        metres, seconds = _numbers(answer.get("distances"), size), _numbers(answer.get("durations"), size)
        return np.where(far, np.nan, metres), np.where(far, np.nan, seconds)

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
        }
        answer = _asked("POST", f"{base}/route", json=asked)
        try:
            leg = answer["trip"]["legs"][0]
            line = LineString(polyline6(leg["shape"]))
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


def _far(waypoints: Any, count: int) -> Bools:
    """Which places OSRM took from so far away that they are not on its map: it takes any."""
    try:
        gaps = np.array([float(waypoint["distance"]) for waypoint in waypoints])
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable("no waypoints in the answer") from error
    if len(gaps) != count:
        raise Unusable("waypoints of another number")
    return gaps > FARTHEST_STREET_M


def polyline6(encoded: str) -> Floats:
    """Longitudes and latitudes (n × 2) of Google's encoded polyline with six decimals, which Valhalla writes.

    Raises:
        ValueError: it ends within a number, or holds what no polyline does.
    """
    numbers, value, shift = [], 0, 0
    for character in encoded:
        chunk = ord(character) - 63
        if not 0 <= chunk < 64:
            raise ValueError(encoded)
        value |= (chunk & 31) << shift
        shift += 5
        if chunk < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    if shift:
        raise ValueError(encoded)
    return np.cumsum(np.array(numbers, dtype=np.float64).reshape(-1, 2), axis=0)[:, ::-1] / 1e6


def _osrm_places(places: Floats) -> str:
    return ";".join(f"{lon:.{COORDINATES}f},{lat:.{COORDINATES}f}" for lon, lat in places)


def _valhalla_places(places: Floats) -> list[Json]:
    return [
        {
            "lon": round(float(lon), COORDINATES),
            "lat": round(float(lat), COORDINATES),
            "search_cutoff": FARTHEST_STREET_M,  # farther away the server refuses, and the streets answer
        }
        for lon, lat in places
    ]


def _multi(area: Any) -> MultiPolygon:
    return MultiPolygon([area]) if isinstance(area, Polygon) else MultiPolygon(area)
