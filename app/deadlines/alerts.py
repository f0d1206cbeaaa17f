"""Alerts before and at a breach: each is put to a level of `dispatch.rules.CHAIN`, to the next if none takes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.deadlines import queries
from app.deadlines.errors import NobodyAbove, WarningOver, WarningTaken
from app.deadlines.models import Clock, DeadlineAlert, Stage
from app.deadlines.rules import Running, State
from app.deadlines.service import Shown, shown
from app.dispatch import queries as dispatch
from app.dispatch.rules import CHAIN, NAMED
from app.identity.models import Role
from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import NotFound
from app.kernel.unit_of_work import UnitOfWork

LOOK_BACK = timedelta(days=1)  # a job that was late and is over is seen even if the clock stood for a night
ALERTED = frozenset({Clock.LAW, Clock.PROMISE})  # what customers expect is measured; nobody is called out for it


@dataclass(frozen=True)
class Row:
    """A job on the list: its clocks, and the alert that stands about it, if any, with whom it is put to."""

    shown: Shown
    alert: DeadlineAlert | None
    told: dict[str, Any]


def watch(uow: UnitOfWork) -> None:
    """Raise what is due, and pass on what nobody took. Bears being done twice."""
    seen = [shown(uow, facts) for facts in queries.watched(uow.session, since=uow.now - LOOK_BACK)]
    new = [row for one in seen for row in _unraised(uow, one)]
    branch_of = {one.facts.id: one.facts.branch_id for one in seen}
    for job_id in queries.raise_alerts(uow.session, new):
        uow.wake_live(branch_of[job_id], "job", job_id)
    for alert in (alert for one in seen for alert in standing(one)):
        passes_on_at = _passes_on_at(uow, alert)
        if passes_on_at is not None and passes_on_at <= uow.now:
            alert.level, alert.passed_on_at = alert.level + 1, uow.now
            uow.wake_live(alert.branch_id, "job", alert.job_id)


def _causes(one: Shown) -> Iterator[tuple[Running, Stage]]:
    for clock in one.clocks:
        if clock.limit.clock in ALERTED and clock.state is State.SOON:
            yield clock, Stage.SOON
        elif clock.limit.clock in ALERTED and one.owes(clock):
            yield clock, Stage.MISSED


def _unraised(uow: UnitOfWork, one: Shown) -> list[dict[str, Any]]:
    about = {"branch_id": one.facts.branch_id, "job_id": one.facts.id, "raised_at": uow.now, "level": 0}
    return [
        {"id": uow.new_id(), "code": clock.limit.code, "stage": stage, **about}
        for clock, stage in _causes(one)
        if (clock.limit.code, stage) not in one.facts.alerts
    ]


def standing(one: Shown) -> list[DeadlineAlert]:
    """The alerts whose cause is still there, what was missed first."""
    causes = {(clock.limit.code, stage) for clock, stage in _causes(one)}
    found = [alert for key, alert in one.facts.alerts.items() if key in causes]
    return sorted(found, key=lambda alert: (alert.stage is not Stage.MISSED, alert.raised_at, alert.id))


def _passes_on_at(uow: UnitOfWork, alert: DeadlineAlert) -> datetime | None:
    """None: somebody took it, or there is nobody above."""
    if alert.taken_at is not None or alert.level >= len(CHAIN) - 1:
        return None
    return (alert.passed_on_at or alert.raised_at) + uow.runtime.settings.pass_on_after


def listed(uow: UnitOfWork, *, show: str) -> list[Row]:
    """Open jobs with clocks, and those over that owe a reason, by what runs out next.

    `show`: `open` all of these, `soon` and `missed` those of which a clock is.

    Raises:
        Forbidden: the actor sees no branch's work.
    """
    branch_ids = uow.actor.must_somewhere(Permission.READ_ALL_JOBS)
    seen = [shown(uow, facts) for facts in queries.open_or_owing(uow.session, branch_ids)]
    names = dispatch.holders(uow.session, branch_ids, CHAIN)
    rows = [_listed(uow, one, names) for one in seen if one.clocks and _fits(one, show)]
    takers = queries.names_of(uow.session, [row.alert.taken_by for row in rows if row.alert])
    for row in rows:
        row.told["taken_by"] = takers.get(row.alert.taken_by) if row.alert and row.alert.taken_by else None
    return sorted(rows, key=lambda row: (_next_due(row.shown) is None, _next_due(row.shown), row.shown.facts.id))


def _fits(one: Shown, show: str) -> bool:
    if show == "soon":
        return any(clock.state is State.SOON for clock in one.clocks)
    return show == "open" or any(one.owes(clock) for clock in one.clocks)


def _next_due(one: Shown) -> datetime | None:
    """The earliest limit that is not met: missed ones first, by how long ago."""
    waiting = [clock.due_at for clock in one.clocks if clock.due_at and (clock.reached_at is None or one.owes(clock))]
    return min(waiting, default=None)


def _listed(uow: UnitOfWork, one: Shown, names: dict[tuple[UUID, Role], list[Any]]) -> Row:
    alert = next(iter(standing(one)), None)
    if alert is None:
        return Row(one, None, {})
    role = CHAIN[alert.level]
    people = names.get((alert.branch_id, role), [])[:NAMED]
    return Row(one, alert, {"role": role, "people": people, "passes_on_at": _passes_on_at(uow, alert)})


def take(uow: UnitOfWork, alert_id: UUID) -> None:
    """See to it: it is not passed on any more.

    Raises:
        NotFound, Forbidden: not the actor's to see, or to see to.
        WarningOver: its cause is gone. WarningTaken: somebody else does already.
    """
    alert = _standing_alert(uow, alert_id)
    if alert.taken_by not in {None, uow.actor.person_id}:
        raise WarningTaken(alert_id=str(alert.id))
    alert.taken_by, alert.taken_at = uow.actor.person_id, alert.taken_at or uow.now
    _told(uow, alert, "deadline_alert_taken")


def hand_on(uow: UnitOfWork, alert_id: UUID) -> None:
    """Put it to the next level at once, whoever has taken it.

    Raises:
        NotFound, Forbidden: not the actor's to see, or to see to.
        WarningOver: its cause is gone. NobodyAbove: there is no next level.
    """
    alert = _standing_alert(uow, alert_id)
    if alert.level >= len(CHAIN) - 1:
        raise NobodyAbove
    alert.level, alert.passed_on_at = alert.level + 1, uow.now
    alert.taken_by = alert.taken_at = None
    _told(uow, alert, "deadline_alert_handed_on")


def _standing_alert(uow: UnitOfWork, alert_id: UUID) -> DeadlineAlert:
    alert = queries.lock_alert(uow.session, alert_id)
    if alert is None:
        raise NotFound
    uow.actor.must(Permission.READ_ALL_JOBS, alert.branch_id)
    if not dispatch.is_one(uow.session, uow.actor.person_id, alert.branch_id, CHAIN[alert.level]):
        uow.actor.must(Permission.DISPATCH, alert.branch_id)
    facts = queries.of_jobs(uow.session, [alert.job_id])
    if not facts or alert not in standing(shown(uow, facts[0])):
        raise WarningOver
    return alert


def _told(uow: UnitOfWork, alert: DeadlineAlert, action: str) -> None:
    about = {"code": alert.code, "stage": alert.stage.value}
    audit(uow, action, "job", alert.job_id, about, branch_id=alert.branch_id)
    uow.wake_live(alert.branch_id, "job", alert.job_id)
