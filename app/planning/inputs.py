"""A branch's day, read and turned into what a solver takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from app.dispatch.queries import branch_zone
from app.dispatch.rules import day_span
from app.kernel.unit_of_work import UnitOfWork
from app.planning import queries, rules
from app.planning.queries import Span
from app.planning.rules import Rows
from app.solver.model import Problem
from app.streets.profiles import POSTED
from app.streets.service import travel_times


@dataclass(frozen=True)
class Day:
    """A day as rows and as numbers, and whose travel times they are."""

    span: Span
    rows: Rows
    problem: Problem
    travel_version: str


def day_of(uow: UnitOfWork, branch_id: UUID, day: date) -> Day:
    """The branch's day as of now. Seven queries, or up to three more to read changed streets."""
    start, end = day_span(day, ZoneInfo(branch_zone(uow.session, branch_id)))
    span = Span(branch_id, start, end, uow.now)
    visits = queries.visits(uow.session, span)
    rows = Rows(
        queries.shifts(uow.session, span),
        queries.certificates(uow.session, span),
        visits,
        queries.taken(uow.session, span),
        queries.known_to(uow.session, span, [row.premises_id for row in visits if row.premises_id is not None]),
    )
    rows = rules.left_alone(rows, uow.now)
    times = travel_times(uow, branch_id)
    places = np.array(rows.places, dtype=np.float64).reshape(-1, 2)
    seconds = times.matrix(places, places, at=start, profile=POSTED).time_s if len(places) else np.zeros((0, 0))
    problem = rules.problem_of(rows, rules.whole_minutes(seconds), start=start, now=uow.now)
    return Day(span, rows, problem, f"{times.engine} {times.version}")
