"""Traces over random networks are what walking from link to link finds."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.grid.rules.feeding import fed_by, feed
from app.grid.rules.tracing import above_link, above_node, below_link, below_node, between
from app.grid.rules.wiring import Wiring, ids_of
from tests.grid.nets import fed, flood, line, net, nets


@given(nets())
def test_fed_is_what_a_walk_from_the_sources_reaches(wiring: Wiring) -> None:
    feeding = feed(wiring)
    assert set(np.flatnonzero(feeding.fed)) == set(np.flatnonzero(fed_by(wiring))) == fed(wiring)


@given(nets())
def test_below_a_link_is_exactly_what_goes_dark_when_it_opens(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for link in np.flatnonzero(wiring.carries):
        part = below_link(feeding, int(link))
        assert set(part.nodes) == fed(wiring) - fed(wiring, without=[int(link)])
        assert sorted(part.nodes) == sorted(set(part.nodes))
        assert int(link) in part.links


@given(nets())
def test_below_a_node_is_exactly_what_goes_dark_when_nothing_passes_it(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for node in range(wiring.size):
        beside = np.flatnonzero((wiring.start == node) | (wiring.end == node))
        left = fed(wiring, without=beside.tolist()) - {node}
        assert set(below_node(feeding, node).nodes) == fed(wiring) - left


@given(nets())
def test_the_links_below_are_the_closed_ones_among_the_nodes_and_the_one_that_leads_in(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for link in np.flatnonzero(wiring.carries):
        part = below_link(feeding, int(link))
        inside = np.isin(np.arange(wiring.size), part.nodes)
        loose = wiring.start == wiring.end  # from a node to itself: carries nothing anywhere
        assert set(part.links) - set(np.flatnonzero(loose)) >= set(np.flatnonzero(wiring.within(inside) & ~loose)) - {
            int(link)
        }


@given(nets())
def test_the_way_up_leads_link_by_link_to_a_source(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for node in np.flatnonzero(feeding.fed):
        part = above_node(feeding, int(node))
        assert part.nodes[0] == node
        assert wiring.source[part.nodes[-1]]
        for here, link, there in zip(part.nodes, part.links, part.nodes[1:], strict=False):
            assert {wiring.start[link], wiring.end[link]} == {here, there}
            assert wiring.carries[link]
        assert len(part.links) == len(part.nodes) - 1


@given(nets())
def test_a_way_is_called_looped_when_some_piece_of_it_could_be_missed(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for node in np.flatnonzero(feeding.fed):
        part = above_node(feeding, int(node))
        spared = [link for link in part.links if int(node) in fed(wiring, without=[int(link)])]
        assert part.looped == bool(spared)


@given(nets(), st.data())
def test_the_way_between_two_is_there_exactly_when_a_walk_finds_one(wiring: Wiring, data: st.DataObject) -> None:
    node = st.integers(0, wiring.size - 1)
    a, b = data.draw(node), data.draw(node)
    part = between(feed(wiring), a, b)
    assert (part is not None) == (b in flood(wiring, [a], wiring.carries))
    if part is not None:
        assert (part.nodes[0], part.nodes[-1]) == (a, b)
        assert len(set(part.nodes.tolist())) == len(part.nodes)
        assert wiring.carries[part.links].all()


@given(nets())
def test_customers_below_a_place_are_those_of_its_nodes(wiring: Wiring) -> None:
    feeding = feed(wiring)
    for place in range(1, len(feeding.node)):
        below = feeding.node[place : feeding.last[place]]
        assert feeding.customers_below(place) == wiring.customers[below].sum()


def test_ids_that_end_in_zeros_are_found_and_given_back_whole() -> None:
    ids = [UUID(int=1 << 64), UUID(int=7), UUID(int=7 << 100)]
    wiring = replace(net(3, [], [0]), node_ids=ids_of(sorted(ids)))
    assert [wiring.nodes(np.array([wiring.node(one)])) for one in ids] == [[one] for one in ids]
    assert wiring.node(UUID(int=8)) is None
    assert wiring.node(UUID(int=7 << 101)) is None


def test_an_open_switch_feeds_nothing() -> None:
    feeding = feed(line(4, devices=[1], open_=[1]))
    assert below_link(feeding, 1).nodes.size == 0
    assert below_node(feeding, 3).nodes.size == 0
    assert above_node(feeding, 3).nodes.size == 0
    assert above_link(feeding, 2).nodes.size == 0


def test_a_link_of_a_ring_takes_the_supply_from_nobody() -> None:
    ring = net(4, [(0, 1, False, True, True), (1, 2, False, True, True), (2, 3, False, True, True),
                   (3, 1, False, True, True)], [0])  # fmt: skip
    part = below_link(feed(ring), 1)
    assert part.nodes.size == 0
    assert part.looped
    assert set(below_link(feed(ring), 0).nodes) == {1, 2, 3}
    assert above_link(feed(ring), 2).looped


def test_two_stations_in_parallel_are_a_loop() -> None:
    both = net(3, [(0, 1, False, True, True), (1, 2, False, True, True)], [0, 2])
    assert below_link(feed(both), 0).looped
