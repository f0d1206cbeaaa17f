"""Ways along streets, by every way of finding them, held against brute force on maps nobody would draw."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.streets.dissection import Order, dissect
from app.streets.ground import Edges, Ground, Stops
from app.streets.hierarchy import Shape
from app.streets.metric import Arcs, Metric
from app.streets.rules import Floats, cost_of, metres_of, seconds_of

SHARES = [0.0, 0.25, 0.5, 1.0]


@st.composite
def grounds(draw: st.DrawFn, least: int = 1, most: int = 60) -> tuple[Ground, Floats]:
    """Junctions anywhere with segments between any of them, and speeds: parallel, circular, closed ones included."""
    size = draw(st.integers(least, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 2 * size + 2))
    lonlat = np.array([120.0, 30.0]) + random.random((size, 2)) / 50
    start, end = random.integers(0, size, count), random.integers(0, size, count)
    near = np.argsort(np.abs(lonlat[:, np.newaxis] - lonlat).sum(axis=2), axis=1)
    if draw(st.booleans()):  # rather neighbours, as in a town, so that the map falls into pieces
        end = near[start, random.integers(0, min(size, 5), count)]
    speed = np.where(random.random(count) < 0.1, 0.0, random.integers(5, 120, count))
    edges = Edges(
        start, end, random.integers(1, 5000, count).astype(float), speed.copy(), random.random(count) < 0.3,
        np.zeros(count, dtype=np.int64), shapely.linestrings(np.stack((lonlat[start], lonlat[end]), axis=1)),
    )  # fmt: skip
    return Ground(lonlat, edges), speed


def metric_of(ground: Ground, speed: Floats) -> Metric:
    """The metric with a hierarchy of pieces as they are kept."""
    arcs = Arcs.of(ground)
    order = Order.from_bytes(dissect(ground.places, ground.edges.start, ground.edges.end).to_bytes())
    return Metric(ground, arcs, speed, lambda: Shape(order, arcs.tail, arcs.head))


def stops_on(ground: Ground, places: list[tuple[int, float]]) -> Stops:
    """Stops by segment and share, on the street itself."""
    edge = np.array([number % len(ground.edges.start) for number, _ in places])
    return Stops(edge, np.array([share for _, share in places]), np.zeros(len(places)))


PLACES = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(SHARES)), min_size=1, max_size=6)


def brute_force(ground: Ground, speed: Floats, stops: Stops) -> Floats:
    """Cost between stops by Floyd and Warshall on the map with its segments cut where the stops are."""
    edges, count = ground.edges, len(ground.lonlat)
    cost = np.full((count + len(stops),) * 2, np.inf)
    np.fill_diagonal(cost, 0.0)
    for edge, kmh in enumerate(speed.tolist()):
        here = [number for number in range(len(stops)) if stops.edge[number] == edge]
        chain = [(0.0, int(edges.start[edge])), *((float(stops.share[n]), count + n) for n in here)]
        chain = [*sorted(chain), (1.0, int(edges.end[edge]))]
        for (since, a), (until, b) in pairwise(chain):
            way = part(edges.length_m[edge], kmh, until) - part(edges.length_m[edge], kmh, since) if kmh else np.inf
            way = 0.0 if since == until else way
            cost[a, b] = min(cost[a, b], way)
            if not edges.oneway[edge] or since == until:
                cost[b, a] = min(cost[b, a], way)
    for via in range(len(cost)):
        cost = np.minimum(cost, cost[:, [via]] + cost[via])
    return cost[count:, count:]


def part(length_m: float, kmh: float, share: float) -> float:
    """Cost of the first share of a segment, in whole milliseconds and decimetres."""
    whole_ms = np.maximum(1.0, np.rint(length_m * 3600.0 / kmh))
    return float(cost_of(np.rint(whole_ms * share), np.rint(np.rint(length_m * 10.0) * share)))


@settings(max_examples=120, deadline=None)
@given(grounds(), PLACES)
def test_every_way_of_asking_finds_what_brute_force_finds(ground_speed: tuple[Ground, Floats],
                                                          places: list[tuple[int, float]]) -> None:  # fmt: skip
    ground, speed = ground_speed
    stops = stops_on(ground, places)
    wanted = brute_force(ground, speed, stops)
    metric = metric_of(ground, speed)
    np.testing.assert_array_equal(metric.by_hierarchy(stops, stops), wanted)
    np.testing.assert_array_equal(metric.by_search(stops, stops), wanted)
    one = Stops(stops.edge[:1], stops.share[:1], stops.gap_m[:1])
    np.testing.assert_array_equal(metric.by_search(stops, one), wanted[:, :1])


@settings(max_examples=25, deadline=None)
@given(grounds(least=100, most=400), st.integers(0, 2**32))
def test_the_hierarchy_of_a_larger_map_equals_its_searches(ground_speed: tuple[Ground, Floats], seed: int) -> None:
    ground, speed = ground_speed
    random = np.random.default_rng(seed)
    stops = Stops(random.integers(0, len(speed), 40), random.random(40), np.zeros(40))
    metric = metric_of(ground, speed)
    np.testing.assert_array_equal(metric.by_hierarchy(stops, stops), metric.by_search(stops, stops))


@settings(max_examples=60, deadline=None)
@given(grounds(), PLACES)
def test_no_detour_is_faster_and_two_way_streets_are_the_same_both_ways(
    ground_speed: tuple[Ground, Floats], places: list[tuple[int, float]]
) -> None:
    ground, speed = ground_speed
    stops = stops_on(ground, places)
    cost = metric_of(ground, speed).by_hierarchy(stops, stops)
    assert (cost <= (cost[:, :, np.newaxis] + cost).min(axis=1)).all()
    assert (np.diag(cost) == 0).all()
    edges = ground.edges
    both = Edges(edges.start, edges.end, edges.length_m, edges.speed_kmh, np.zeros(len(speed), bool),
                 edges.street_class, edges.lines)  # fmt: skip
    cost = metric_of(ground.with_edges(both), speed).by_hierarchy(stops, stops)
    np.testing.assert_array_equal(cost, cost.T)


@settings(max_examples=60, deadline=None)
@given(grounds(), st.tuples(*[st.tuples(st.integers(0, 200), st.sampled_from(SHARES))] * 2))
def test_the_way_shown_is_as_long_as_the_way_told(ground_speed: tuple[Ground, Floats],
                                                  places: tuple[tuple[int, float], ...]) -> None:  # fmt: skip
    ground, speed = ground_speed
    start, goal = (stops_on(ground, [place]) for place in places)
    metric = metric_of(ground, speed)
    cost = metric.by_search(start, goal)
    way = metric.way(start, goal)
    assert (way is None) == (not np.isfinite(cost[0, 0]))
    if way is not None:
        edges = ground.edges
        metres = sum(abs(stretch.until - stretch.since) * edges.length_m[stretch.edge] for stretch in way)
        seconds = sum(
            abs(stretch.until - stretch.since) * edges.length_m[stretch.edge] * 3.6 / speed[stretch.edge]
            for stretch in way if stretch.since != stretch.until
        )  # fmt: skip
        assert abs(metres - metres_of(cost)[0, 0]) < 0.1 * len(way)
        assert abs(seconds - seconds_of(cost)[0, 0]) < 0.002 * len(way)
        assert all(s.until >= s.since or not edges.oneway[s.edge] for s in way)


def test_points_of_one_street_do_not_leave_it_unless_it_is_one_way() -> None:
    lonlat = np.array([(120.0, 30.0), (120.01, 30.0), (120.01, 30.01)])
    start, end = np.array([0, 1, 2]), np.array([1, 2, 0])
    lines = shapely.linestrings(np.stack((lonlat[start], lonlat[end]), axis=1))
    ground = Ground(lonlat, Edges(start, end, np.full(3, 1000.0), np.full(3, 36.0), np.array([True, False, False]),
                                  np.zeros(3, dtype=np.int64), lines))  # fmt: skip
    metric = metric_of(ground, ground.edges.speed_kmh)
    oneway, twoway = stops_on(ground, [(0, 0.2), (0, 0.7)]), stops_on(ground, [(1, 0.2), (1, 0.7)])
    assert seconds_of(metric.by_search(oneway, oneway)).tolist() == [[0.0, 50.0], [250.0, 0.0]]
    assert seconds_of(metric.by_hierarchy(twoway, twoway)).tolist() == [[0.0, 50.0], [50.0, 0.0]]
