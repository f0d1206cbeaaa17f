"""The district's ground and networks hold together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import STRtree
from shapely.geometry import Point

from app.district.book import Row
from tests.district.collected import Collected, collect

SIZES = ["tiny", "demo"]


@pytest.fixture(params=SIZES)
def made(request: pytest.FixtureRequest) -> Collected:
    """Each size in turn."""
    found: Collected = request.getfixturevalue(request.param)
    return found


def pieces(count: int, ends: Iterable[tuple[int, int]]) -> tuple[int, np.ndarray]:
    a, b = np.array(list(ends)).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    return int(number), label


def carries(link: Row) -> bool:
    """As the field says it: a closed switch, an open valve."""
    return bool(link["state"] == ("open" if link["kind"] == "valve" else "closed"))


def network(made: Collected, commodity: str, *, ties_closed: bool = False) -> tuple[list[Row], list[tuple[int, int]]]:
    """Nodes, and links that conduct, as pairs of positions."""
    nodes = made.where("network_node", commodity=commodity)
    at = {node["id"]: n for n, node in enumerate(nodes)}
    links = made.where("network_link", commodity=commodity)
    live = [link for link in links if ties_closed or carries(link)]
    return nodes, [(at[link["from_node_id"]], at[link["to_node_id"]]) for link in live]


def test_every_street_can_be_reached_from_every_other(made: Collected) -> None:
    nodes = made.tables["street_node"]
    first = nodes[0]["id"]
    number, _ = pieces(
        len(nodes), ((e["from_node_id"] - first, e["to_node_id"] - first) for e in made.tables["street_edge"])
    )
    assert number == 1


def test_streets_meet_only_at_junctions(made: Collected) -> None:
    lines = [edge["path"] for edge in made.tables["street_edge"]]
    crossing = STRtree(lines).query(lines, predicate="crosses")
    # a street bends with the plane at its own vertices, so a T-junction may be overshot by a hand's breadth
    deep = [(a, b) for a, b in crossing.T if a < b and _overshoot_m(lines[a], lines[b]) > 1.0]
    assert deep == []


def _overshoot_m(one, other) -> float:
    at = one.intersection(other)
    return max(min(part.distance(end) for end in (*one.boundary.geoms, *other.boundary.geoms))
               for part in getattr(at, "geoms", [at]))  # fmt: skip


def test_no_street_runs_into_the_bay(made: Collected) -> None:
    (bay,) = made.where("place", kind="water", name_zh="龙衡湾")
    assert [e["name"] for e in made.tables["street_edge"] if e["path"].intersects(bay["boundary"])] == []


def test_estates_do_not_overlap(made: Collected) -> None:
    kinds = ("estate", "village", "industrial_park")
    outlines = [row["boundary"] for kind in kinds for row in made.where("place", kind=kind)]
    touching = STRtree(outlines).query(outlines, predicate="intersects")
    assert [(a, b) for a, b in touching.T if a < b] == []


def test_premises_stand_in_their_estate(made: Collected) -> None:
    outlines = {row["id"]: row["boundary"].buffer(12) for row in made.tables["place"]}
    strays = [p["code"] for p in made.tables["premises"] if not outlines[p["place_id"]].covers(Point(p["location"]))]
    assert strays == []


def test_feeders_are_radial_while_ties_are_open(made: Collected) -> None:
    nodes, links = network(made, "power")
    number, label = pieces(len(nodes), links)
    sources = [n for n, node in enumerate(nodes) if node["kind"] == "substation"]
    assert number == len(sources) == len({label[n] for n in sources})
    assert len(links) == len(nodes) - number  # a forest: no loop anywhere


def test_each_tie_would_close_a_way_between_two_feeders(made: Collected) -> None:
    ends = {node["id"]: node["feeder_code"] for node in made.where("network_node", commodity="power")}
    ties = made.where("network_link", kind="tie_switch")
    assert all(ends[tie["from_node_id"]] != ends[tie["to_node_id"]] for tie in ties)
    assert {tie["normal_state"] for tie in ties} == {"open"}


def test_every_premises_is_fed_by_exactly_one_transformer(made: Collected) -> None:
    nodes, links = network(made, "power")
    transformer = [node["kind"] == "transformer" for node in nodes]
    low = [(a, b) for a, b in links if _is_low(nodes[a]) and _is_low(nodes[b])]
    _, label = pieces(len(nodes), low)
    feeding: Counter[int] = Counter(int(label[n]) for n in range(len(nodes)) if transformer[n])
    at = {node["id"]: n for n, node in enumerate(nodes)}
    counts = {feeding[int(label[at[p["service_node_id"]]])] for p in made.tables["premises"]}
    assert counts == {1}


def _is_low(node: Row) -> bool:
    return node["kind"] in ("transformer", "service_point")


def test_each_feeder_is_one_tree_below_its_breaker(made: Collected) -> None:
    members: dict[str, set[UUID]] = defaultdict(set)
    for node in made.where("network_node", commodity="power"):
        members[node["feeder_code"]].add(node["id"])
    breakers = made.where("network_link", kind="breaker")
    assert len(breakers) == len({breaker["feeder_code"] for breaker in breakers}) == len(members) - 1
    assert all(breaker["to_node_id"] in members[breaker["feeder_code"]] for breaker in breakers)


def test_every_riser_is_reached_from_a_gate_station(made: Collected) -> None:
    nodes, links = network(made, "gas")
    _, label = pieces(len(nodes), links)
    supplied = {int(label[n]) for n, node in enumerate(nodes) if node["kind"] == "gate_station"}
    assert all(int(label[n]) in supplied for n, node in enumerate(nodes) if node["kind"] == "riser")


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9))
def test_any_seed_makes_a_district_that_holds_together(seed: int) -> None:
    made = collect("tiny", seed)
    for check in (
        test_every_street_can_be_reached_from_every_other,
        test_no_street_runs_into_the_bay,
        test_estates_do_not_overlap,
        test_feeders_are_radial_while_ties_are_open,
        test_every_premises_is_fed_by_exactly_one_transformer,
        test_every_riser_is_reached_from_a_gate_station,
    ):
        check(made)
