"""Verbs of planning: ask for a plan, stop one, take what it proposes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from app.dispatch import service as dispatch
from app.dispatch.queries import branch_zone
from app.dispatch.rules import BOOKED_AHEAD
from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, Invalid, NotFound, Problem
from app.kernel.unit_of_work import UnitOfWork
from app.planning import queries
from app.planning.errors import PlanNotReady, PlanOver
from app.planning.events import PlanAsked
from app.planning.models import Change, Outcome, Plan, PlanState, PlanStop

AT_WORK = (PlanState.WAITING, PlanState.RUNNING)
SECONDS = 30


def propose(uow: UnitOfWork, *, day: date, branch_id: UUID, seconds: int = SECONDS, seed: int = 1) -> Plan:
    """Ask for a plan of a branch's day; a task makes it within `seconds`.

    Raises:
        NotFound: a branch where the actor has no grant.
        Forbidden: the actor does not dispatch there.
        Invalid: a day that is over (`in_past`) or too far ahead (`out_of_range`).
        PlanUnderWay: one is being made (named constraint).
    """
    uow.actor.must(Permission.DISPATCH, branch_id)
    today = uow.now.astimezone(ZoneInfo(branch_zone(uow.session, branch_id))).date()
    if day < today:
        raise Invalid(FieldError("day", "in_past"))
    if day > today + BOOKED_AHEAD:
        raise Invalid(FieldError("day", "out_of_range", {"days": BOOKED_AHEAD.days}))
    plan = Plan(
        id=uow.new_id(),
        branch_id=branch_id,
        day=day,
        state=PlanState.WAITING,
        asked_by=uow.actor.person_id,
        asked_at=uow.now,
        seconds=seconds,
        seed=seed,
    )
    uow.session.add(plan)
    uow.session.flush()  # the constraint must say PlanUnderWay here
    audit(uow, "plan_asked", "plan", plan.id, {"day": day.isoformat()}, branch_id=branch_id)
    uow.emit(PlanAsked(plan_id=plan.id))
    return plan


def stop(uow: UnitOfWork, *, plan_id: UUID, keep: bool = False) -> Plan:
    """End the making of a plan: nothing is left of it, or (`keep`) its best so far becomes the proposal.

    Raises:
        NotFound, Forbidden: no such plan, or the actor does not dispatch in its branch.
        PlanOver: it is finished already.
    """
    plan = queries.get_plan(uow.session, uow.actor, plan_id, lock=True)
    if plan.state not in AT_WORK:
        raise PlanOver(state=plan.state.value)
    plan.stop_asked = True
    if not keep:
        plan.state = PlanState.CANCELLED
        plan.finished_at = uow.now
    audit(uow, "plan_stopped", "plan", plan.id, {"kept": keep}, branch_id=plan.branch_id)
    return plan


def accept(uow: UnitOfWork, *, plan_id: UUID, job_ids: Collection[UUID] | None = None) -> list[PlanStop]:
    """Book what the plan proposes for these jobs, or for all; returns the lines with what became of each.

    Each is booked by the verbs of dispatch, under their rules as of now. What does not fit any more is told in its
    line and left as it is; what fits is booked all the same. A line that was booked stays so when accepted again.

    Raises:
        NotFound, Forbidden: no such plan, or the actor does not dispatch in its branch.
        PlanNotReady: it is no proposal.
        Invalid: `job_ids` names a job that the plan does not place (`not_found`).
    """
    plan = queries.get_plan(uow.session, uow.actor, plan_id, lock=True)
    if plan.state is not PlanState.PROPOSED:
        raise PlanNotReady(state=plan.state.value)
    lines = [line for line in queries.stops_of(uow.session, plan.id) if line.change in (Change.NEW, Change.MOVED)]
    if job_ids is not None and set(job_ids) - {line.job_id for line in lines}:
        raise Invalid(FieldError("job_ids", "not_found"))
    chosen = [line for line in lines if job_ids is None or line.job_id in set(job_ids)]
    _book_all(uow, [line for line in chosen if line.outcome is not Outcome.BOOKED])
    done = sum(line.outcome is Outcome.BOOKED for line in chosen)
    audit(uow, "plan_accepted", "plan", plan.id, {"chosen": len(chosen), "booked": done}, branch_id=plan.branch_id)
    return chosen


def _book_all(uow: UnitOfWork, lines: Sequence[PlanStop]) -> None:
    """Book what can be, again and again while that frees room for others; then those that wait for each other."""
    waiting = list(lines)
    while waiting:
        left = [line for line in waiting if not _book(uow, [line])]
        if len(left) == len(waiting):
            break
        waiting = left
    while waiting and not _book(uow, waiting):
        waiting = [line for line in waiting if line.outcome is not Outcome.MISFIT]


def _book(uow: UnitOfWork, lines: Sequence[PlanStop]) -> bool:
    """Book these lines together, or none of them. Several: all leave their crews before any is booked.

    Where it fails, the line that did not fit says why.
    """
    here, together = lines[0], len(lines) > 1
    for line in lines:
        line.outcome, line.problem = None, None
    uow.session.flush()
    try:
        with uow.savepoint():
            for here in lines if together else ():
                _leave(uow, here)
            for here in lines:
                _place(uow, here, moves=here.change is Change.MOVED and not together)
    except Problem as problem:
        title = {language: problem.title(language) for language in ("zh-CN", "en")}
        here.outcome = Outcome.MISFIT
        here.problem = {"code": problem.code(), "params": problem.params, "title": title}
        uow.session.flush()
        return False
    for line in lines:
        line.outcome = Outcome.BOOKED
    uow.session.flush()
    return True


def _leave(uow: UnitOfWork, line: PlanStop) -> None:
    if line.booking_id is not None:
        dispatch.withdraw(uow, assignment_id=line.booking_id)


def _place(uow: UnitOfWork, line: PlanStop, *, moves: bool) -> None:
    if line.crew_id is None or line.planned_start is None or line.planned_end is None:
        raise NotFound  # a constraint sees to it: only what is refused has none of them
    crew_id, start, end = line.crew_id, line.planned_start, line.planned_end
    if moves and line.booking_id is not None:
        dispatch.move_visit(uow, assignment_id=line.booking_id, crew_id=crew_id, planned_start=start, planned_end=end)
    else:
        dispatch.book_visit(uow, job_id=line.job_id, crew_id=crew_id, planned_start=start, planned_end=end)
