"""Days for benchmarks of planning: a clustered city with one-way detours, crews of several trades and grades, promises.

The shape follows the measured instances: four trades in three grades, eight kinds of crew, starts at home, shifts of
nine hours with a break, visits in three tiers, some urgent with 45, 90 or 120 minutes, some with two-hour or half-day
appointments. With `mixed` also what those did not have: several windows, parts, bounds of work, pins, two-crew visits.
"""

from __future__ import annotations

import numpy as np

from app.solver.model import (
    Booked,
    Break,
    Certificate,
    Crew,
    Matrix,
    Pin,
    Problem,
    Requirement,
    Tier,
    Visit,
    Window,
)

TRADES = ("power", "gas", "metering", "care")
KINDS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("power", 3), ("metering", 2)),
    (("power", 2),),
    (("power", 1), ("metering", 1)),
    (("gas", 3), ("metering", 1)),
    (("gas", 2),),
    (("gas", 1), ("care", 1)),
    (("metering", 3), ("care", 2)),
    (("power", 2), ("gas", 2)),
)
HOUR = 3_600
OPEN, CLOSE = 8 * HOUR, 17 * HOUR
DETOUR, METRES_A_SECOND, SIDE_M = 1.3, 8.3, 16_000.0
ALWAYS = Window(0, 48 * HOUR)


def day(visits: int, crews: int, seed: int, *, mixed: bool = False) -> Problem:
    """A day of so many visits and crews; the same seed gives the same day."""
    random = np.random.default_rng(seed)
    made = tuple(_crew(random, number, mixed) for number in range(crews))
    asked = tuple(_visit(random, number, crews + number, made, mixed) for number in range(visits))
    return Problem(made, asked, _travel(random, crews, visits), ("fuse", "meter") if mixed else ())


def _travel(random: np.random.Generator, crews: int, visits: int) -> Matrix:
    """Seconds, rounded up so that no detour is ever a short cut; to the north-east it is uphill and slower."""
    centres = random.uniform(0, SIDE_M, (max(3, visits // 60), 2))
    homes = random.uniform(0, SIDE_M, (crews, 2))
    near = centres[random.integers(0, len(centres), visits)] + random.normal(0, SIDE_M / 14, (visits, 2))
    places = np.concatenate((homes, near)).astype(np.float32)
    hill = places.sum(axis=1) * np.float32(0.004)
    seconds = np.zeros((len(places), len(places)), dtype=np.int32)
    for row, place in enumerate(places):  # by row: a whole day's differences at once would take twice the memory
        metres = np.hypot(*(places - place).T) * DETOUR
        seconds[row] = np.ceil(metres / METRES_A_SECOND + np.maximum(0, hill - hill[row]) + 60)
        seconds[row, row] = 0
    return seconds


def _crew(random: np.random.Generator, number: int, mixed: bool) -> Crew:
    begins = int(random.choice((OPEN - HOUR, OPEN, OPEN, OPEN + HOUR)))
    kind = KINDS[number % len(KINDS)]
    rest = Break(Window(begins + 3 * HOUR, begins + 5 * HOUR), HOUR // 2)
    return Crew(
        f"C{number:03d}",
        Window(begins, begins + CLOSE - OPEN),
        number,
        None if mixed and random.random() < 0.1 else number,
        tuple(Certificate(trade, grade, ALWAYS) for trade, grade in kind),
        (rest,) if mixed and random.random() < 0.7 else (),
        7 * HOUR if mixed and random.random() < 0.3 else None,
        (int(random.integers(0, 6)), int(random.integers(0, 6))) if mixed else (),
    )


def _visit(random: np.random.Generator, number: int, place: int, crews: tuple[Crew, ...], mixed: bool) -> Visit:
    trade = str(random.choice(TRADES, p=(0.35, 0.3, 0.25, 0.1)))
    grade = int(random.choice((1, 2, 3), p=(0.6, 0.3, 0.1))) if trade != "care" else 1
    asked = (Requirement(trade, grade),)
    visit = Visit(
        f"V{number:04d}",
        place,
        int(random.integers(2, 8)) * 300,
        asked,
        windows=_windows(random, mixed),
        tier=Tier(int(random.choice((0, 1, 2), p=(0.8, 0.15, 0.05)))),
    )
    return _harder(random, visit, crews) if mixed else visit


def _windows(random: np.random.Generator, mixed: bool) -> tuple[Window, ...]:
    kind = random.random()
    begins = OPEN + int(random.integers(0, 8)) * HOUR
    if kind < 0.06:  # urgent: reported in the course of the day
        return (Window(begins, begins + int(random.choice((45, 90, 120))) * 60),)
    if kind < 0.5:
        return (Window(begins, begins + 2 * HOUR),)
    if mixed and kind < 0.7:
        return (Window(OPEN, OPEN + HOUR), Window(15 * HOUR, 16 * HOUR)) if kind < 0.6 else ()
    return (Window(OPEN, 12 * HOUR),) if random.random() < 0.5 else (Window(13 * HOUR, CLOSE),)


def _harder(random: np.random.Generator, visit: Visit, crews: tuple[Crew, ...]) -> Visit:
    """The same visit with parts, a second crew, a wish, a due time or a pin, each now and then."""
    booked, pin = None, Pin.FREE
    if random.random() < 0.15:
        pin = Pin(int(random.choice((1, 2))))
        booked = Booked((int(random.integers(0, max(1, len(crews)))),), OPEN + int(random.integers(0, 8)) * HOUR)
    two = booked is None and random.random() < 0.04
    return Visit(
        visit.id,
        visit.place,
        visit.service,
        visit.requires,
        (Requirement(visit.requires[0].skill),) if two else None,
        visit.windows,
        OPEN + 2 * HOUR if random.random() < 0.05 else None,
        (int(random.random() < 0.15), int(random.random() < 0.15)),
        visit.tier,
        int(random.integers(0, 100)),
        frozenset({int(random.integers(0, max(1, len(crews))))}) if random.random() < 0.1 else frozenset(),
        pin,
        booked,
    )
