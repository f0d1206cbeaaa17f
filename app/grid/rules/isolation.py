"""Cutting a piece out of a network: which devices border it, who else goes dark, what can be fed from elsewhere.

A stuck or buried device cannot be turned, so the piece grows past it to the next ones that can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.grid.rules.feeding import Feeding, fed_by, feed, joined_to
from app.grid.rules.wiring import Bools, Ints, Wiring


@dataclass(frozen=True)
class Section:
    """A piece that usable devices cut out: `border` are those that carry now and must stop, `sources` lie inside."""

    nodes: Bools
    border: Ints
    sources: Ints


@dataclass(frozen=True)
class Isolation:
    """A section cut out: who is dark in it (`section`), and who beside it only because of it (`beyond`)."""

    section: Section
    beyond: Bools


@dataclass(frozen=True)
class Step:
    """One operation: a device is made to carry (`joins`) or to stop; how many customers it brings back."""

    link: int
    joins: bool
    restores: int = 0


@dataclass(frozen=True)
class SwitchingPlan:
    """Operations in order, and the nodes that stay dark after the last: the section, and what no tie reaches."""

    isolation: Isolation
    steps: list[Step]
    dark: Bools


def section_around(wiring: Wiring, nodes: Iterable[int], *, stuck: Iterable[int] = ()) -> Section:
    """The piece around these nodes up to the devices that can be turned; `stuck` were found stuck just now."""
    turning = wiring.device & wiring.usable
    turning[list(stuck)] = False
    inside = joined_to(wiring.cut(turning), np.fromiter(nodes, dtype=np.int64))
    border = turning & wiring.carries & (inside[wiring.start] != inside[wiring.end])
    return Section(inside, np.flatnonzero(border), np.flatnonzero(inside & wiring.source))


def around_link(wiring: Wiring, link: int, *, stuck: Iterable[int] = ()) -> Section:
    """The piece around a leak or fault in a link; a device that fails itself cannot border its own section."""
    ends = [int(wiring.start[link]), int(wiring.end[link])]
    return section_around(wiring, ends, stuck=[*stuck, link])


def isolate(feeding: Feeding, section: Section) -> Isolation:
    """Who goes dark when the border is cut: the section, and what had its only supply through it."""
    left = fed_by(_without(feeding.wiring, section))
    return Isolation(section, feeding.fed & ~left & ~section.nodes)


def switching_plan(feeding: Feeding, section: Section, *, backfeed: bool = True) -> SwitchingPlan:
    """Part the section from its supply, then bring back what can be fed over open ties, each piece by one tie only.

    `backfeed=False` only parts (a gas network has its rings closed already).

    Pieces come back largest first; of several ties the one whose feeder carries the fewest customers serves (the
    network knows no ratings of lines, so how much a feeder may take is for the dispatcher to judge).
    """
    isolation = isolate(feeding, section)
    steps = [Step(link, joins=False) for link in _from_the_source_down(feeding, section.border)]
    wiring = _without(feeding.wiring, section)
    dark = isolation.beyond.copy()
    while backfeed and (tie := _best_tie(wiring, dark, section)) is not None:
        piece = joined_to(wiring, np.array([_dark_end(wiring, tie, dark)]))
        steps.append(Step(tie, joins=True, restores=int(wiring.customers[piece].sum())))
        wiring = wiring.switched(on=[tie])
        dark &= ~piece
    return SwitchingPlan(isolation, steps, dark | (section.nodes & feeding.fed))


def makes_a_loop(wiring: Wiring, link: int) -> bool:
    """Whether joining over this link would feed something from two sides at once."""
    left = wiring.switched(off=[link])
    fed = fed_by(left)
    ends = int(wiring.start[link]), int(wiring.end[link])
    return bool(fed[ends[0]] and fed[ends[1]])


def _without(wiring: Wiring, section: Section) -> Wiring:
    """With the border open and nothing fed from inside the section."""
    parted = wiring.switched(off=section.border.tolist())
    return parted.cut(wiring.within(section.nodes)) if len(section.sources) else parted


def _from_the_source_down(feeding: Feeding, border: Ints) -> list[int]:
    """The device on the supply side first: it takes the voltage away before the others are touched."""
    places = [feeding.place_of_link(int(link)) or len(feeding.node) for link in border]
    return [int(border[k]) for k in np.argsort(places, kind="stable")]


def _best_tie(wiring: Wiring, dark: Bools, section: Section) -> int | None:
    """The device to close next; None where none joins a dark piece to a fed one."""
    if not dark.any():
        return None
    feeding = feed(wiring)
    able = wiring.device & wiring.usable & ~wiring.carries & ~wiring.touching(section.nodes)
    lit = feeding.fed & ~section.nodes
    a, b = wiring.start, wiring.end
    ties = np.flatnonzero(able & ((dark[a] & lit[b]) | (dark[b] & lit[a])))
    if not len(ties):
        return None
    return min(_rank(feeding, int(tie), dark) for tie in ties)[-1]


def _rank(feeding: Feeding, tie: int, dark: Bools) -> tuple[int, int, int]:
    """Most customers brought back first, then the feeder that carry the fewest, then the order of ids."""
    wiring = feeding.wiring
    end = _dark_end(wiring, tie, dark)
    piece = joined_to(wiring, np.array([end]))
    lit_end = int(wiring.end[tie] if end == wiring.start[tie] else wiring.start[tie])
    head = int(feeding.feeder[feeding.place[lit_end]])
    return -int(wiring.customers[piece].sum()), feeding.customers_below(head), tie


def _dark_end(wiring: Wiring, tie: int, dark: Bools) -> int:
    return int(wiring.start[tie] if dark[wiring.start[tie]] else wiring.end[tie])
