"""Cutting a piece out: nothing in it is fed afterwards, nobody beside it is forgotten, nothing is fed twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.grid.rules.feeding import feed
from app.grid.rules.isolation import (
    around_link,
    isolate,
    makes_a_loop,
    section_around,
    switching_plan,
)
from app.grid.rules.wiring import Wiring
from tests.grid.nets import fed, flood, line, net, nets


def after(wiring: Wiring, opened: list[int], shut: list[int] = []) -> set[int]:  # noqa: B006
    """What is fed once these are open and those carries."""
    return fed(wiring.switched(off=opened, on=shut))


@given(nets(), st.data())
def test_a_section_is_what_a_walk_finds_that_stops_at_devices_that_turn(wiring: Wiring, data: st.DataObject) -> None:
    node = data.draw(st.integers(0, wiring.size - 1))
    section = section_around(wiring, [node])
    stops = wiring.device & wiring.usable
    assert set(np.flatnonzero(section.nodes)) == flood(wiring, [node], wiring.carries & ~stops)
    assert (wiring.device & wiring.usable & wiring.carries)[section.border].all()


@given(nets(), st.data())
def test_with_the_border_open_nothing_outside_feeds_the_section(wiring: Wiring, data: st.DataObject) -> None:
    node = data.draw(st.integers(0, wiring.size - 1))
    section = section_around(wiring, [node])
    inside = set(np.flatnonzero(section.nodes))
    left = after(wiring, section.border.tolist())
    if not len(section.sources):
        assert not left & inside
    beyond = set(np.flatnonzero(isolate(feed(wiring), section).beyond))
    outer = wiring.switched(off=section.border.tolist())
    outside = replace(outer, source=wiring.source & ~section.nodes)
    assert beyond == fed(wiring) - fed(outside) - inside


@given(nets(), st.data())
def test_a_device_found_stuck_makes_the_section_grow_past_it(wiring: Wiring, data: st.DataObject) -> None:
    node = data.draw(st.integers(0, wiring.size - 1))
    small = section_around(wiring, [node])
    for stuck in small.border:
        grown = section_around(wiring, [node], stuck=[int(stuck)])
        assert (grown.nodes | small.nodes == grown.nodes).all()
        assert stuck not in grown.border


@given(nets(), st.data())
def test_a_switching_plan_brings_back_by_ties_and_feeds_nothing_twice(wiring: Wiring, data: st.DataObject) -> None:
    node = data.draw(st.integers(0, wiring.size - 1))
    feeding = feed(wiring)
    section = section_around(wiring, [node])
    plan = switching_plan(feeding, section)
    opened = [step.link for step in plan.steps if not step.joins]
    shut = [step.link for step in plan.steps if step.joins]
    assert [step.joins for step in plan.steps] == [False] * len(opened) + [True] * len(shut)
    state = wiring.switched(off=opened)
    if len(section.sources):  # they are shut down by hand: the section is dead whatever its devices do
        state = state.cut(state.within(section.nodes))
    loops = len(feed(state).chords)
    for link in shut:
        assert (wiring.device & wiring.usable & ~wiring.carries)[link]
        assert not makes_a_loop(state, link)
        state = state.switched(on=[link])
        assert len(feed(state).chords) == loops
    lit = fed(state) - set(np.flatnonzero(section.nodes))
    assert set(np.flatnonzero(plan.dark)) == (fed(wiring) - lit)


@given(nets(), st.data())
def test_no_tie_is_left_that_could_bring_somebody_back(wiring: Wiring, data: st.DataObject) -> None:
    node = data.draw(st.integers(0, wiring.size - 1))
    section = section_around(wiring, [node])
    plan = switching_plan(feed(wiring), section)
    able = wiring.device & wiring.usable & ~wiring.carries & ~wiring.touching(section.nodes)
    lit = feed(wiring).fed & ~plan.dark
    dark = plan.dark & ~section.nodes
    crossing = (lit[wiring.start] & dark[wiring.end]) | (lit[wiring.end] & dark[wiring.start])
    assert not (able & crossing).any()


def test_a_leak_in_a_main_is_cut_by_the_valves_on_both_sides() -> None:
    pipes = line(7, devices=[1, 4])
    section = around_link(pipes, 3)
    assert set(section.border) == {1, 4}
    assert set(np.flatnonzero(section.nodes)) == {2, 3, 4}
    assert set(np.flatnonzero(isolate(feed(pipes), section).beyond)) == {5, 6}


def test_past_a_buried_valve_the_next_one_is_shut() -> None:
    section = around_link(line(7, devices=[0, 1, 4], stuck=[1]), 3)
    assert set(section.border) == {0, 4}


def test_a_leaking_valve_does_not_border_its_own_section() -> None:
    assert set(around_link(line(7, devices=[0, 2, 4]), 2).border) == {0, 4}


def test_the_device_towards_the_source_opens_first_and_the_far_part_comes_back_over_the_tie() -> None:
    # 0 source - 1 - 2 - 3 - 4, and 6 source - 5; tie 4 - 5 open
    wiring = net(7, [(3, 4, True, True, True), (1, 2, True, True, True), (0, 1, False, True, True),
                     (2, 3, False, True, True), (6, 5, False, True, True), (4, 5, True, False, True)],
                 [0, 6])  # fmt: skip
    plan = switching_plan(feed(wiring), around_link(wiring, 3))
    assert [(step.link, step.joins, step.restores) for step in plan.steps] == [
        (1, False, 0),
        (0, False, 0),
        (5, True, 5),
    ]
    assert set(np.flatnonzero(plan.dark)) == {2, 3}


def test_of_two_ties_the_one_of_the_lighter_feeder_serves() -> None:
    # the dark end 1 can be fed from 3 (with 4 behind it: 9 customers) or from 5 (6 customers)
    wiring = net(8, [(0, 1, True, True, True), (2, 3, False, True, True), (3, 4, False, True, True),
                     (6, 5, False, True, True), (1, 3, True, False, True), (1, 5, True, False, True),
                     (0, 7, False, True, True)], [0, 2, 6])  # fmt: skip
    plan = switching_plan(feed(wiring), section_around(wiring, [7]))
    assert [step.link for step in plan.steps if step.joins] == [5]


def test_a_station_inside_the_section_is_named() -> None:
    assert section_around(line(3, devices=[1]), [1]).sources.tolist() == [0]
