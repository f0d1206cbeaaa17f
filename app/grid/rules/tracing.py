"""Traces: what loses supply without a thing, what supplies it, the way between two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.grid.rules.feeding import NONE, Feeding, fed_by, way_between
from app.grid.rules.wiring import Bools, Ints, Wiring


@dataclass(frozen=True)
class Part:
    """Part of a network, by numbers. `looped`: supply would come another way, so a piece of the answer is spared."""

    nodes: Ints
    links: Ints
    looped: bool = False


NOTHING = Part(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def below_link(feeding: Feeding, link: int) -> Part:
    """The link and all that loses supply with it; nothing where it carries nothing or a loop leads around it."""
    if not feeding.wiring.carries[link]:
        return NOTHING
    alone = np.array([link])
    place = feeding.place_of_link(link)
    if place is None or not feeding.bridge[place]:
        spared = bool(feeding.fed[feeding.wiring.start[link]])
        return Part(NOTHING.nodes, alone, looped=spared)
    return _interval(feeding, place)


def below_node(feeding: Feeding, node: int) -> Part:
    """The node and all that loses supply when nothing passes it. A node that is not fed feeds nothing."""
    place = int(feeding.place[node])
    if place == NONE:
        return NOTHING
    if feeding.radial(place):
        return _interval(feeding, place)
    here = np.zeros(feeding.wiring.size, dtype=np.bool_)
    here[node] = True
    left = fed_by(feeding.wiring.cut(feeding.wiring.touching(here)))
    return part_of(feeding.wiring, feeding.fed & ~(left & ~here))


def above_node(feeding: Feeding, node: int) -> Part:
    """The way from the node to its source; `looped` where it is not the only one."""
    place = int(feeding.place[node])
    if place == NONE:
        return NOTHING
    path = np.array(feeding.path_up(place))
    links = feeding.above[path]
    inner = links != NONE
    return Part(feeding.node[path], links[inner], looped=not feeding.bridge[path[inner]].all())


def above_link(feeding: Feeding, link: int) -> Part:
    """The link and the way from it to its source."""
    place = feeding.place_of_link(link)
    ends = feeding.place[[feeding.wiring.start[link], feeding.wiring.end[link]]]
    if not feeding.wiring.carries[link] or ends.max() == NONE:
        return NOTHING
    up = above_node(feeding, int(feeding.node[ends.min() if place is None else place]))
    if place is not None:
        return up
    return Part(up.nodes, np.concatenate(([link], up.links)), looped=True)


def between(feeding: Feeding, a: int, b: int) -> Part | None:
    """The shortest way over links that carry, counted in links; None where there is none."""
    way = way_between(feeding.wiring, a, b)
    return None if way is None else Part(*way)


def part_of(wiring: Wiring, nodes: Bools) -> Part:
    """These nodes with the carrying links among them."""
    return Part(np.flatnonzero(nodes), np.flatnonzero(wiring.within(nodes)))


def _interval(feeding: Feeding, place: int) -> Part:
    last = int(feeding.last[place])
    links = feeding.above[place:last]
    nodes = feeding.node[place:last]
    inner = feeding.chord_ends_before[last] - feeding.chord_ends_before[place]
    if inner:
        ends = feeding.place[feeding.wiring.start[feeding.chords]]
        links = np.concatenate((links, feeding.chords[(place <= ends) & (ends < last)]))
    return Part(nodes, links[links != NONE])
