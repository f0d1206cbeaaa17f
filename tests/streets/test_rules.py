"""Travel along streets, held against every other way of computing it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.streets.rules import DETOUR, STRAIGHT_KMH, Edges, Floats, StreetGraph, straight

STEP_DEG = 0.002  # about 200 m


def grid(side: int) -> Floats:
    """Junctions of a square grid, row by row."""
    return np.array([(120 + column * STEP_DEG, 30 + row * STEP_DEG) for row in range(side) for column in range(side)])


@st.composite
def towns(draw: st.DrawFn) -> tuple[Floats, Edges]:
    """A few junctions, any segments between them, parallel and circular ones included."""
    size = draw(st.integers(2, 9))
    ends = draw(st.lists(st.tuples(*[st.integers(0, size - 1)] * 2), min_size=1, max_size=25))
    count = len(ends)
    lengths = draw(st.lists(st.floats(1, 5000), min_size=count, max_size=count))
    speeds = draw(st.lists(st.floats(5, 120), min_size=count, max_size=count))
    oneway = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    start, end = np.array(ends, dtype=np.int64).T
    return grid(3)[:size], Edges(start, end, np.array(lengths), np.array(speeds), np.array(oneway))


def brute_force(size: int, edges: Edges) -> tuple[Floats, Floats]:
    """Fastest seconds between all junctions and the metres of a fastest way, by Floyd and Warshall."""
    time = np.full((size, size), np.inf)
    metres = np.full((size, size), np.inf)
    np.fill_diagonal(time, 0.0)
    np.fill_diagonal(metres, 0.0)
    rows = zip(edges.start, edges.end, edges.length_m, edges.speed_kmh, edges.oneway, strict=True)
    for start, end, length_m, speed_kmh, oneway in rows:
        for a, b in [(start, end)] if oneway else [(start, end), (end, start)]:
            if length_m / speed_kmh * 3.6 < time[a, b]:
                time[a, b], metres[a, b] = length_m / speed_kmh * 3.6, length_m
    for via in range(size):
        better = time[:, [via]] + time[[via], :] < time
        metres = np.where(better, metres[:, [via]] + metres[[via], :], metres)
        time = np.where(better, time[:, [via]] + time[[via], :], time)
    return time, metres


@settings(max_examples=60, deadline=None)
@given(towns())
def test_one_search_backwards_finds_what_brute_force_finds(town: tuple[Floats, Edges]) -> None:
    lonlat, edges = town
    time, metres = brute_force(len(lonlat), edges)
    graph = StreetGraph(lonlat, edges)
    for goal in range(len(lonlat)):
        travel = graph.travel_to(lonlat[goal], lonlat)
        reached = np.isfinite(time[:, goal])
        np.testing.assert_array_equal(travel.estimated, ~reached)
        np.testing.assert_allclose(travel.time_s[reached], time[reached, goal], rtol=1e-6, atol=1e-6)
        alone = reached & _one_fastest_way(time, edges, goal)
        np.testing.assert_allclose(travel.distance_m[alone], metres[alone, goal], rtol=1e-6, atol=1e-6)


def _one_fastest_way(time: Floats, edges: Edges, goal: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where no other way is as fast to the second's millionth, so that its metres are certain."""
    ways = np.zeros(len(time), dtype=np.int64)
    rows = zip(edges.start, edges.end, edges.length_m, edges.speed_kmh, edges.oneway, strict=True)
    for start, end, length_m, speed_kmh, oneway in rows:
        for a, b in [(start, end)] if oneway else [(start, end), (end, start)]:
            if (
                a != b
                and np.isfinite(time[b, goal])
                and abs(length_m / speed_kmh * 3.6 + time[b, goal] - time[a, goal]) < 1e-6
            ):
                ways[a] += 1
    unique = ways <= 1
    return unique if bool(unique.all()) else np.zeros(len(time), dtype=np.bool_)


def test_a_oneway_street_is_a_detour_in_one_direction_only() -> None:
    square = grid(2)  # 0-1 is one way; back from 1 to 0 leads round the block
    edges = Edges(
        np.array([0, 1, 3, 2]), np.array([1, 3, 2, 0]), np.full(4, 200.0), np.full(4, 36.0), np.array([True] * 4)
    )
    graph = StreetGraph(square, edges)
    assert graph.travel_to(square[1], square[[0]]).distance_m[0] == pytest.approx(200)
    assert graph.travel_to(square[0], square[[1]]).distance_m[0] == pytest.approx(600)


def test_the_fastest_of_parallel_streets_is_taken() -> None:
    two = grid(2)[:2]
    edges = Edges(
        np.array([0, 0]), np.array([1, 1]), np.array([300.0, 200.0]), np.array([90.0, 30.0]), np.zeros(2, bool)
    )
    travel = StreetGraph(two, edges).travel_to(two[1], two[[0]])
    assert (travel.distance_m[0], travel.time_s[0]) == (pytest.approx(300), pytest.approx(12))


def test_a_place_without_a_way_is_estimated_and_says_so() -> None:
    two = grid(2)[:2]
    edges = Edges(np.array([0]), np.array([1]), np.array([200.0]), np.array([36.0]), np.array([True]))
    travel = StreetGraph(two, edges).travel_to(two[0], two[[1]])
    assert travel.estimated.tolist() == [True]
    assert travel.distance_m[0] == pytest.approx(straight(two[0], two[[1]]).distance_m[0])


def test_a_place_far_from_every_street_is_estimated() -> None:
    town = grid(2)
    edges = Edges(np.array([0]), np.array([1]), np.array([200.0]), np.array([36.0]), np.array([False]))
    travel = StreetGraph(town, edges).travel_to(town[0], np.array([[120.5, 30.5]]))
    assert travel.estimated.tolist() == [True]


def test_next_door_nobody_drives_to_the_junction_and_back() -> None:
    town = grid(2)
    edges = Edges(np.array([0]), np.array([1]), np.array([200.0]), np.array([36.0]), np.array([False]))
    door, neighbour = np.array([120.0005, 30.0]), np.array([[120.0006, 30.0]])
    travel = StreetGraph(town, edges).travel_to(door, neighbour)
    assert travel.distance_m[0] < 15
    assert travel.estimated.tolist() == [False]


@given(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_the_straight_line_is_known_to_be_short(east: float, north: float) -> None:
    goal = np.array([120.0, 30.0])
    travel = straight(goal, np.array([[120.0 + east, 30.0 + north]]))
    flat_m = float(np.hypot(east * 111_195 * np.cos(np.radians(30)), north * 111_195))
    assert travel.distance_m[0] == pytest.approx(flat_m * DETOUR, rel=2e-3, abs=0.01)
    assert travel.time_s[0] == pytest.approx(travel.distance_m[0] / (STRAIGHT_KMH / 3.6))
    assert bool(travel.estimated[0])
