"""The work behind a plan: read the day, let it be solved, note how far it is, leave one line for every visit."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app.kernel.actor import SYSTEM
from app.kernel.problems import NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.planning import queries, solving
from app.planning.inputs import Day, day_of
from app.planning.models import Change, Plan, PlanState, PlanStop
from app.planning.service import AT_WORK
from app.solver import packed
from app.solver.check import Verdict, judge
from app.solver.explain import why_left_out
from app.solver.model import Plan as Solution
from app.solver.model import Stop

log = logging.getLogger(__name__)

TRAIL = 60  # points of the way to the plan that are kept
NOTED_EVERY_S = 1.0


def make(uow: UnitOfWork, plan_id: UUID) -> None:
    """Make a plan that waits, or that a worker left half made. Done again, it does nothing.

    Its progress is written in transactions of their own, so that the desk sees it; the caller's only holds the task,
    and is kept awake meanwhile.
    """
    begun = _begin(uow, plan_id)
    if begun is None:
        return
    day, inputs, plan = begun
    progress = _Progress(uow, plan_id)
    try:
        found = solving.solve(inputs, seed=plan.seed, seconds=plan.seconds, tick=progress.tick)
        verdict = judge(day.problem, found.plan)
    except solving.SolverFailed as error:
        log.exception("no plan", extra={"plan_id": str(plan_id), "said": str(error)})
        _end(uow, plan_id, PlanState.FAILED)
        return
    if not verdict.feasible:  # the last word is the judge's, whatever a solver believes
        log.error("a plan broke a rule", extra={"plan_id": str(plan_id), "rule": verdict.violations[0].code})
        _end(uow, plan_id, PlanState.FAILED)
        return
    _propose(uow, plan_id, day, found, verdict)


def repeat(uow: UnitOfWork, plan: Plan) -> Solution:
    """The plan of a row once more, from what is kept in it.

    Raises:
        NotFound: nothing was kept: it was never proposed.
        SolverFailed: the solver's process broke.
    """
    if plan.inputs is None or plan.rounds is None:
        raise NotFound
    uow.session.refresh(plan, ["inputs"])
    return solving.repeat(plan.inputs, seed=plan.seed, rounds=plan.rounds)


def _begin(uow: UnitOfWork, plan_id: UUID) -> tuple[Day, bytes, Plan] | None:
    with uow.runtime.unit_of_work(SYSTEM) as own:
        plan = queries.get_plan(own.session, own.actor, plan_id, lock=True)
        if plan.state not in AT_WORK:
            return None
        day = day_of(own, plan.branch_id, plan.day)
        inputs = packed.pack(day.problem)
        plan.state, plan.inputs, plan.input_hash = PlanState.RUNNING, inputs, packed.digest(inputs)
        plan.engine, plan.travel_version = packed.ENGINE, day.travel_version
        plan.crews, plan.visits = len({row.crew_id for row in day.rows.shifts}), len(day.rows.visits)
        plan.trail = []
        return day, inputs, plan


class _Progress:
    """Notes the best plan so far about once a second, and hears when the desk wants no more."""

    def __init__(self, uow: UnitOfWork, plan_id: UUID) -> None:
        self.uow, self.plan_id = uow, plan_id
        self.noted_at: datetime | None = None

    def tick(self, best: solving.Found | None) -> bool:
        """Whether to go on; without a plan there is nothing to keep, so it goes on until there is one."""
        self.uow.session.execute(select(1))  # a transaction that sleeps for a minute is ended by the database
        with self.uow.runtime.unit_of_work(SYSTEM) as own:
            if self.noted_at is not None and own.now - self.noted_at < timedelta(seconds=NOTED_EVERY_S):
                return True
            self.noted_at = own.now
            plan = queries.get_plan(own.session, own.actor, self.plan_id, lock=True)
            if best is not None:
                _note(plan, best)
            return plan.state is PlanState.RUNNING and not (plan.stop_asked and best is not None)


def _note(plan: Plan, best: solving.Found) -> None:
    plan.rounds, plan.cost, plan.left_out = best.rounds, best.cost, best.left_out
    point = [round(best.seconds, 1), best.cost, best.left_out]
    if not plan.trail or plan.trail[-1][1:] != point[1:]:
        plan.trail = [*plan.trail, point][-TRAIL:]


def _end(uow: UnitOfWork, plan_id: UUID, state: PlanState) -> None:
    with uow.runtime.unit_of_work(SYSTEM) as own:
        plan = queries.get_plan(own.session, own.actor, plan_id, lock=True)
        if plan.state in AT_WORK:
            plan.state, plan.finished_at = state, own.now


def _propose(uow: UnitOfWork, plan_id: UUID, day: Day, found: solving.Found, verdict: Verdict) -> None:
    with uow.runtime.unit_of_work(SYSTEM) as own:
        plan = queries.get_plan(own.session, own.actor, plan_id, lock=True)
        if plan.state not in AT_WORK:  # cancelled while it was being solved
            return
        own.session.execute(delete(PlanStop).where(PlanStop.plan_id == plan.id))
        _note(plan, found)
        plan.state, plan.finished_at, plan.terms = PlanState.PROPOSED, own.now, dict(verdict.terms)
        made = {stop.visit: (crew, stop) for crew, stop in found.plan.stops()}
        for place, row in enumerate(day.rows.visits):
            line = _line(day, place, row, made.get(place))
            own.session.add(PlanStop(id=own.new_id(), branch_id=plan.branch_id, plan_id=plan.id, **line))


def _line(day: Day, place: int, row: Any, made: tuple[int, Stop] | None) -> dict[str, Any]:
    """What the plan would do with one visit."""
    before = {"crew_before_id": row.crew_id, "start_before": row.planned_start, "booking_id": row.booking_id}
    if made is None:
        code, params = why_left_out(day.problem, day.problem.visits[place])
        return {"job_id": row.id, **before, "change": Change.REFUSED, "reason": {"code": code, "params": params}}
    crew, stop = made
    start = day.span.start + timedelta(seconds=stop.start)
    there = {
        "crew_id": day.rows.shifts[crew].crew_id,
        "planned_start": start,
        "planned_end": start + timedelta(seconds=day.problem.visits[place].service),
    }
    kept = row.crew_id == there["crew_id"] and row.planned_start == start
    change = Change.NEW if row.booking_id is None else Change.KEPT if kept else Change.MOVED
    return {"job_id": row.id, **before, **there, "change": change, "reason": None}
