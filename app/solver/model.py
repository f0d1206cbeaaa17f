"""What a plan is made of.

Everything is frozen, counts in whole seconds from the problem's own epoch and names places by their row in the travel
matrix; crews and visits are named by their position in the problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int32]

RENDEZVOUS_S = 300  # how far apart the two crews of one visit may begin


class Window(NamedTuple):
    """From and until, both included. For a visit it is when service may begin, not when it must be over."""

    start: int
    end: int

    def holds(self, second: int) -> bool:
        """Whether a moment lies within."""
        return self.start <= second <= self.end


class Break(NamedTuple):
    """A rest that a crew with any work must take: it begins within the window and falls into no service.

    It may fall into a drive, which then takes that much longer.
    """

    window: Window
    lasts: int


class Requirement(NamedTuple):
    """A skill at no less than a grade (1 junior, 2 intermediate, 3 senior), held by somebody in the crew."""

    skill: str
    least: int = 1


class Certificate(NamedTuple):
    """A skill that somebody in the crew holds, at a grade, while it is valid (both ends included)."""

    skill: str
    grade: int
    valid: Window


class Tier(IntEnum):
    """Whose visit it is: what it costs to leave it out."""

    STANDARD = 0
    PRIORITY = 1
    CRITICAL = 2


class Pin(IntEnum):
    """How much of what was agreed may change, least first."""

    FREE = 0  # crew, time and day: it may be left for another day at its tier's price
    SAME_DAY = 1  # crew and time: leaving it out drops a promise
    SAME_CREW = 2  # only the time: another crew is a broken rule, leaving it out drops a promise
    FROZEN = 3  # nothing: crew and time stand, leaving it out is a broken rule


@dataclass(frozen=True)
class Booked:
    """What stands in the book for a visit: its crews (two where two are needed) and when it begins."""

    crews: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Crew:
    """Who can be sent. `shift` is from when it can leave `start` until when it must be at `end`.

    `end` None: it may stop where its last visit was. `max_work` bounds drives and services together, without waiting
    and breaks. `stock` is what is on the van, part by part in the order of `Problem.parts`.
    """

    id: str
    shift: Window
    start: int
    end: int | None
    certificates: tuple[Certificate, ...] = ()
    breaks: tuple[Break, ...] = ()
    max_work: int | None = None
    stock: tuple[int, ...] = ()


@dataclass(frozen=True)
class Visit:
    """A job to be done. No `windows`: at any time. With `second`, two crews begin together: each fits one of the two.

    `due` is when service should have begun; later is allowed and priced by tier. `priority` (0 to 100) orders visits
    of one tier. `wish` names crews that know this customer. `parts` are taken from the van of the crew that meets
    `requires`. `booked` is where it stands now, `pin` how much of that may change.
    """

    id: str
    place: int
    service: int
    requires: tuple[Requirement, ...] = ()
    second: tuple[Requirement, ...] | None = None
    windows: tuple[Window, ...] = ()
    due: int | None = None
    parts: tuple[int, ...] = ()
    tier: Tier = Tier.STANDARD
    priority: int = 0
    wish: frozenset[int] = frozenset()
    pin: Pin = Pin.FREE
    booked: Booked | None = None

    @property
    def crews(self) -> int:
        """How many crews it takes."""
        return 1 if self.second is None else 2


@dataclass(frozen=True)
class Prices:
    """What a plan costs beside its travel: everything in seconds of travel, so that costs add up.

    The prices of leaving out are those of the measured instances (standard, priority, critical).
    """

    left_out: tuple[int, int, int] = (20_000, 60_000, 200_000)
    dropped: int = 200_000  # on top, where it was promised for the day
    late: tuple[int, int, int] = (1, 4, 20)  # a second after `due`
    moved: int = 900  # a crew that is another than the booked one
    shifted: int = 300  # a start more than `shift_free` from the booked one
    shift_free: int = 900
    unwished: int = 300  # none of the wished crews
    over_grade: int = 120  # a grade more than was asked for: keeps scarce people free
    overload: int = 1  # a second of work above `Problem.fair_work`

    def leaving_out(self, visit: Visit) -> int:
        """What it costs when nobody makes the visit."""
        promised = self.dropped if visit.pin is not Pin.FREE else 0
        return self.left_out[visit.tier] * (100 + visit.priority) // 100 + promised


class _Rows(dict[int, list[int]]):
    """Rows of a matrix as lists, each made when it is first read: a decision about one visit reads a tenth of them."""

    def __init__(self, matrix: Matrix) -> None:
        super().__init__()
        self._matrix = matrix

    def __missing__(self, row: int) -> list[int]:
        made: list[int] = self._matrix[row].tolist()
        self[row] = made
        return made


@dataclass(frozen=True, eq=False)
class Problem:
    """A day to be planned. `travel[a, b]` is the seconds from place a to place b, int32, not symmetric.

    `fair_work` is how many seconds of work a crew may have before more of it counts as unfair; None where nobody asks.
    """

    crews: tuple[Crew, ...]
    visits: tuple[Visit, ...]
    travel: Matrix
    parts: tuple[str, ...] = ()
    prices: Prices = field(default_factory=Prices)
    fair_work: int | None = None

    @cached_property
    def ways(self) -> dict[int, list[int]]:
        """The travel matrix as Python's own numbers, which single look-ups read ten times faster; a row when asked."""
        return _Rows(self.travel)


class Stop(NamedTuple):
    """A crew's part in a visit and when its service begins."""

    visit: int
    start: int


class Route(NamedTuple):
    """A crew's day: stops in order, and when each of its breaks begins (in the order of `Crew.breaks`).

    A crew without stops stays at home and needs no breaks.
    """

    stops: tuple[Stop, ...] = ()
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A route for each crew, in the order of the problem's crews."""

    routes: tuple[Route, ...]

    @classmethod
    def empty(cls, problem: Problem) -> Plan:
        """Nobody goes anywhere."""
        return cls((Route(),) * len(problem.crews))

    def stops(self) -> Iterator[tuple[int, Stop]]:
        """Every stop with its crew."""
        for crew, route in enumerate(self.routes):
            for stop in route.stops:
                yield crew, stop

    def left_out(self, problem: Problem) -> tuple[int, ...]:
        """Visits that nobody makes."""
        made = {stop.visit for _, stop in self.stops()}
        return tuple(visit for visit in range(len(problem.visits)) if visit not in made)
