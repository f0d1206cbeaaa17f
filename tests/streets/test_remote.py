"""Routing servers: the same contract for every engine, over real HTTP.

No OSRM and no Valhalla runs here. What stands in is a small server that speaks their documented formats; its numbers
are those of the streets themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, mapping

from app.config import Settings, SettingsError
from app.streets.dialects import polyline6
from app.streets.edge_times import EdgeTimes
from app.streets.remote import remote_times
from app.streets.rules import Floats
from app.streets.travel import StraightTimes, TravelTimes
from tests.streets.test_rules import grid, times

AT = datetime(2026, 7, 16, tzinfo=UTC)
TOWN = np.concatenate((grid(3), grid(2)[:2] + 0.02))  # nine junctions, and an island of two


def town() -> EdgeTimes:
    ends = [(0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (0, 3), (3, 6), (1, 4), (4, 7), (2, 5), (5, 8), (9, 10)]
    return times(TOWN, ends)


class StandIn(BaseHTTPRequestHandler):
    """Answers as OSRM and Valhalla document it; under /broken with something else."""

    streets = town()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        *_, service, _version, _profile, places = address.path.split("/")
        at = np.array([[float(part) for part in place.split(",")] for place in places.split(";")])
        if service == "table":
            rows, columns = ([int(n) for n in asked[name].split(";")] for name in ("sources", "destinations"))
            metres, seconds = self.cells(at[rows], at[columns])
            gaps = [{"distance": gap} for gap in self.streets.ground.stops(at).gap_m.tolist()]
            waypoints = {"sources": [gaps[n] for n in rows], "destinations": [gaps[n] for n in columns]}
            self.answer({"code": "Ok", "distances": metres, "durations": seconds, **waypoints})
            return
        way = self.streets.path(at[0], at[1], at=AT, profile="posted")
        route = {"geometry": mapping(way.line), "distance": way.distance_m, "duration": way.time_s}
        self.answer({"code": "Ok", "routes": [route]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/sources_to_targets"):
            metres, seconds = self.cells(*(_places(asked[name]) for name in ("sources", "targets")))
            kilometres = [[None if cell is None else cell / 1000 for cell in row] for row in metres]
            self.answer({"sources_to_targets": {"distances": kilometres, "durations": seconds}, "units": "kilometers"})
            return
        places = _places(asked["locations"])
        if self.path.endswith("/route"):
            way = self.streets.path(*places, at=AT, profile="posted")
            summary = {"length": way.distance_m / 1000, "time": way.time_s}
            self.answer({"trip": {"legs": [{"shape": encoded(way.line), "summary": summary}]}})
            return
        minutes = [contour["time"] for contour in asked["contours"]]
        areas = self.streets.isochrones(places[0], minutes, at=AT, profile="posted")
        features = [{"type": "Feature", "geometry": mapping(area.area), "properties": {"contour": area.minutes}}
                    for area in areas]  # fmt: skip
        self.answer({"type": "FeatureCollection", "features": features})

    def cells(self, sources: Floats, targets: Floats) -> tuple[list[Any], list[Any]]:
        travel = self.streets.matrix(sources, targets, at=AT, profile="posted")
        afar = self.streets.ground.stops(sources).gap_m[:, np.newaxis] > 2000
        known = ~travel.estimated | afar  # OSRM takes any place
        return tuple(  # type: ignore[return-value]
            np.where(known, cells, None).tolist() for cells in (travel.distance_m, travel.time_s)
        )

    def answer(self, body: dict[str, Any]) -> None:
        broken = self.path.startswith("/broken")
        sent = b'{"code": "InvalidQuery"}' if broken else json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


def encoded(line: LineString) -> str:
    """Google's encoded polyline with six decimals."""
    lonlat = np.rint(np.array(line.coords) * 1e6).astype(int)
    text = ""
    for step in np.diff(lonlat, axis=0, prepend=[[0, 0]])[:, ::-1].ravel().tolist():
        rest = ~(step << 1) if step < 0 else step << 1
        while rest >= 32:
            text, rest = text + chr((32 | (rest & 31)) + 63), rest >> 5
        text += chr(rest + 63)
    return text


def _places(listed: list[dict[str, float]]) -> Floats:
    return np.array([(place["lon"], place["lat"]) for place in listed])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), StandIn) as httpd:
        Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(params=["own streets", "osrm", "valhalla"])
def engine(request: pytest.FixtureRequest, server: str) -> TravelTimes:
    setting = "" if request.param == "own streets" else f"{request.param}+{server}/"
    return remote_times(setting, town())


def test_every_engine_keeps_the_same_contract(engine: TravelTimes) -> None:
    sources, targets = TOWN[[0, 8, 9]], TOWN[[0, 4, 10, 2]]
    travel = engine.matrix(sources, targets, at=AT, profile="van")
    wanted = town().matrix(sources, targets, at=AT, profile="posted")
    assert travel.time_s.shape == travel.distance_m.shape == travel.estimated.shape == (3, 4)
    np.testing.assert_array_equal(travel.estimated, wanted.estimated)
    np.testing.assert_allclose(travel.distance_m, wanted.distance_m, atol=0.5)
    assert travel.estimated.tolist() == [[False, False, True, False]] * 2 + [[True, True, False, True]]
    way = engine.path(TOWN[0], TOWN[8], at=AT, profile="posted")
    assert (way.distance_m, way.time_s, way.estimated) == (pytest.approx(800), pytest.approx(80), False)
    assert shapely.get_num_coordinates(way.line) == 5
    near, far = engine.isochrones(TOWN[4], [1, 5], at=AT, profile="posted")
    assert [near.minutes, far.minutes] == [1, 5]
    assert far.area.covers(near.area)
    assert near.area.covers(shapely.Point(TOWN[4]))
    assert engine.version


@pytest.mark.parametrize("dialect", ["osrm", "valhalla"])
@pytest.mark.parametrize("state", ["silent", "broken"])
def test_a_server_that_does_not_answer_is_replaced_by_the_streets(server: str, dialect: str, state: str) -> None:
    base = f"{server}/broken" if state == "broken" else "http://127.0.0.1:1"  # nobody listens on port 1
    engine, own = remote_times(f"{dialect}+{base}", town()), town()
    travel = engine.matrix(TOWN[[0]], TOWN[[8, 10]], at=AT, profile="posted")
    assert travel.time_s.tolist() == own.matrix(TOWN[[0]], TOWN[[8, 10]], at=AT, profile="posted").time_s.tolist()
    assert travel.estimated.tolist() == [[False, True]]
    assert not engine.path(TOWN[0], TOWN[8], at=AT, profile="posted").estimated
    assert [area.estimated for area in engine.isochrones(TOWN[0], [5], at=AT, profile="posted")] == [False]


def test_a_place_that_osrm_takes_from_afar_is_estimated(server: str) -> None:
    engine = remote_times(f"osrm+{server}", StraightTimes())
    far = TOWN[[4]] + 1.0
    travel = engine.matrix(np.concatenate((far, TOWN[[0]])), TOWN[[8]], at=AT, profile="posted")
    assert travel.estimated.tolist() == [[True], [False]]
    assert travel.distance_m[0, 0] > 100_000


def test_a_line_is_read_as_google_describes_it() -> None:
    places = [(-120.2, 38.5), (-120.95, 40.7), (-126.453, 43.252)]  # those of the algorithm's page
    assert polyline6(encoded(LineString(places))).tolist() == [list(place) for place in places]
    assert polyline6("_izlhA~rlgdF").tolist() == [[-120.2, 38.5]]
    for nonsense in ("_izlhA~rlgd", "\x01", "中"):
        with pytest.raises(ValueError):
            polyline6(nonsense)


def test_without_server_and_streets_everything_is_estimated() -> None:
    engine = remote_times("osrm+http://127.0.0.1:1", StraightTimes())
    assert engine.matrix(TOWN[[0]], TOWN[[8]], at=AT, profile="posted").estimated.tolist() == [[True]]
    assert engine.path(TOWN[0], TOWN[8], at=AT, profile="posted").estimated


@pytest.mark.parametrize("setting", ["graphhopper+http://routing", "osrm+routing:5000", "http://routing:5000"])
def test_a_setting_that_names_no_known_server_stops_the_start(setting: str) -> None:
    env = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x", "BLOB_ROOT": "x", "SECRET_KEY": "x" * 32}
    assert Settings.from_env({**env, "TRAVEL_ENGINE": "valhalla+http://routing:8002"}).travel_engine
    with pytest.raises(SettingsError, match="TRAVEL_ENGINE"):
        Settings.from_env({**env, "TRAVEL_ENGINE": setting})
