"""Whole trips: from points beside the streets, and where no street helps."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString

from app.kernel.problems import Invalid
from app.streets import profiles
from app.streets.edge_times import EdgeTimes
from app.streets.ground import Edges, Ground
from app.streets.models import StreetClass
from app.streets.rules import DETOUR, STRAIGHT_KMH, Floats, Travel, straight

STEP_DEG = 0.002  # about 200 m
NIGHT = datetime(2026, 7, 16, 20, 0, tzinfo=UTC)  # four in the morning in Shanghai
PEAK = datetime(2026, 7, 16, 0, 0, tzinfo=UTC)  # eight on a Thursday there


def grid(side: int) -> Floats:
    """Junctions of a square grid, row by row."""
    return np.array([(120 + column * STEP_DEG, 30 + row * STEP_DEG) for row in range(side) for column in range(side)])


def times(lonlat: Floats, ends: list[tuple[int, int]], *, length_m: float | list[float] = 200.0,
          speed_kmh: float | list[float] = 36.0, oneway: bool = False,
          street_class: StreetClass = StreetClass.SECONDARY) -> EdgeTimes:  # fmt: skip
    """The engine over straight streets."""
    start, end = np.array(ends, dtype=np.int64).T
    count = len(ends)
    edges = Edges(
        start, end, np.broadcast_to(np.array(length_m, dtype=float), count).copy(),
        np.broadcast_to(np.array(speed_kmh, dtype=float), count).copy(), np.full(count, oneway),
        np.full(count, list(StreetClass).index(street_class)),
        shapely.linestrings(np.stack((lonlat[start], lonlat[end]), axis=1)),
    )  # fmt: skip
    return EdgeTimes(Ground(lonlat, edges), version="1", timezone="Asia/Shanghai")


def trip(engine: EdgeTimes, source: Floats, target: Floats, *, at: datetime = NIGHT, profile: str = "posted") -> Travel:
    return engine.matrix(source[np.newaxis], target[np.newaxis], at=at, profile=profile)


def test_a_oneway_street_is_a_detour_in_one_direction_only() -> None:
    square = grid(2)  # 0-1 is one way; back from 1 to 0 leads round the block
    engine = times(square, [(0, 1), (1, 3), (3, 2), (2, 0)], oneway=True)
    assert trip(engine, square[0], square[1]).distance_m[0, 0] == pytest.approx(200)
    assert trip(engine, square[1], square[0]).distance_m[0, 0] == pytest.approx(600)


def test_the_fastest_of_parallel_streets_is_taken() -> None:
    two = grid(2)[:2]
    engine = times(two, [(0, 1), (0, 1)], length_m=[300.0, 200.0], speed_kmh=[90.0, 30.0])
    travel = trip(engine, two[0], two[1])
    assert (travel.distance_m[0, 0], travel.time_s[0, 0]) == (pytest.approx(300), pytest.approx(12))


def test_a_place_without_a_way_is_estimated_and_says_so() -> None:
    two = grid(2)[:2]
    engine = times(two, [(0, 1)], oneway=True)
    travel = trip(engine, two[1], two[0])
    assert travel.estimated.tolist() == [[True]]
    assert travel.distance_m[0, 0] == pytest.approx(straight(two[[1]], two[[0]]).distance_m[0, 0])
    way = engine.path(two[1], two[0], at=NIGHT, profile="posted")
    assert way.estimated
    assert way.distance_m == pytest.approx(travel.distance_m[0, 0])


def test_an_island_is_reached_by_an_estimate_only() -> None:
    places = np.concatenate((grid(2), grid(2) + 0.01))
    engine = times(places, [(0, 1), (1, 3), (4, 5), (5, 7)])
    travel = engine.matrix(places[[0, 4]], places[[3, 7]], at=NIGHT, profile="posted")
    assert travel.estimated.tolist() == [[False, True], [True, False]]


def test_a_place_far_from_every_street_is_estimated() -> None:
    town = grid(2)
    engine = times(town, [(0, 1)])
    far = np.array([120.5, 30.5])
    assert trip(engine, far, town[0]).estimated.tolist() == [[True]]
    (area,) = engine.isochrones(far, [10], at=NIGHT, profile="posted")
    assert area.estimated
    assert area.area.covers(shapely.Point(far))


def test_next_door_nobody_drives_to_the_junction_and_back() -> None:
    door, neighbour = np.array([120.0005, 30.0]), np.array([120.0006, 30.0])
    travel = trip(times(grid(2), [(0, 1)]), neighbour, door)
    assert travel.distance_m[0, 0] < 15
    assert travel.estimated.tolist() == [[False]]


def test_a_house_in_the_middle_of_a_street_is_reached_there_and_not_over_its_corner() -> None:
    places = grid(2)
    engine = times(places, [(0, 1)], length_m=192.6)  # as long as it is drawn
    yard = np.array([120 + STEP_DEG / 2, 30.0005])  # 55.6 m off the middle
    travel = trip(engine, places[0], yard)
    assert travel.distance_m[0, 0] == pytest.approx(96.3 + 55.6 * DETOUR, abs=0.5)
    assert travel.time_s[0, 0] == pytest.approx(9.63 + 55.6 * DETOUR * 3.6 / STRAIGHT_KMH, abs=0.1)


def test_a_way_is_drawn_along_the_streets_it_takes() -> None:
    places = grid(3)
    engine = times(places, [(0, 1), (1, 2), (2, 5), (5, 8), (8, 7)])
    way = engine.path((places[0] + places[1]) / 2, (places[8] + places[7]) / 2, at=NIGHT, profile="posted")
    wanted = LineString([(places[0] + places[1]) / 2, *places[[1, 2, 5, 8]], (places[8] + places[7]) / 2])
    assert way.line.equals_exact(wanted, 1e-9)
    assert way.distance_m == pytest.approx(800, abs=1)


def test_what_is_reached_grows_with_the_minutes_and_holds_every_street_reached() -> None:
    places = grid(12)  # 2.2 km on a side
    ends = [(n, n + step) for n in range(144) for step in (1, 12) if n + step < 144 and (step == 12 or n % 12 < 11)]
    engine = times(places, ends)
    areas = engine.isochrones(places[0], [1, 2, 4], at=NIGHT, profile="posted")
    reached = engine.matrix(places[[0]], places, at=NIGHT, profile="posted").time_s[0]
    for area in areas:
        inside = shapely.contains_xy(area.area, places)
        assert inside[reached <= area.minutes * 60].all()
        assert not inside[reached > area.minutes * 60 + 45].any(), "nothing two blocks beyond"
    assert areas[2].area.covers(areas[1].area)
    assert areas[1].area.covers(areas[0].area)


def test_a_vehicle_has_its_own_speed_and_hours_and_says_whose_word_that_is() -> None:
    two = grid(2)[:2]
    engine = times(two, [(0, 1)], length_m=1000.0, speed_kmh=60.0, street_class=StreetClass.PRIMARY)
    seconds = {
        (code, at): trip(engine, two[0], two[1], at=at, profile=code).time_s[0, 0]
        for code in ("posted", "van", "scooter") for at in (NIGHT, PEAK)
    }  # fmt: skip
    assert seconds["posted", NIGHT] == seconds["posted", PEAK] == pytest.approx(60)
    assert seconds["van", PEAK] == pytest.approx(100)
    assert seconds["van", NIGHT] == pytest.approx(50)
    assert seconds["scooter", PEAK] == pytest.approx(144)
    assert {code for code in profiles.codes() if profiles.profile(code).confidence == "data"} == {"posted"}
    with pytest.raises(Invalid):
        trip(engine, two[0], two[1], profile="hovercraft")


def test_hours_over_midnight_belong_to_the_day_that_they_begin_on() -> None:
    van = profiles.profile("van")
    assert profiles.hours_at(van, datetime(2026, 7, 18, 4, 59)) == "night"  # noqa: DTZ001 — a clock on the wall
    assert profiles.hours_at(van, datetime(2026, 7, 18, 8, 0)) == "all_day"  # noqa: DTZ001 — a Saturday
    assert profiles.hours_at(van, datetime(2026, 7, 17, 8, 0)) == "morning_peak"  # noqa: DTZ001


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_the_straight_line_is_known_to_be_short(east: float, north: float) -> None:
    travel = straight(np.array([[120.0 + east, 30.0 + north]]), np.array([[120.0, 30.0]]))
    flat_m = float(np.hypot(east * 111_195 * np.cos(np.radians(30)), north * 111_195))
    assert travel.distance_m[0, 0] == pytest.approx(flat_m * DETOUR, rel=2e-3, abs=0.01)
    assert travel.time_s[0, 0] == pytest.approx(travel.distance_m[0, 0] / (STRAIGHT_KMH / 3.6))
    assert bool(travel.estimated[0, 0])
