"""How supply comes back: stage by stage, by switching or by somebody's word, and what is expected meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.grid.queries import get_switching
from app.grid.reach import behind, change_of
from app.identity.service import audit
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork
from app.outages.models import Outage
from app.outages.service import follow_jobs
from app.reliability import queries as reliability
from app.reliability.service import forget_interruptions, record_interruptions, restore, take_back_stage
from app.supply import queries
from app.supply.confirming import standing
from app.supply.errors import NobodyBack, ReasonNeeded
from app.supply.events import SupplyChanged
from app.supply.models import Estimate, Restoration, StatedBy
from app.supply.rules import Scope


@dataclass(frozen=True)
class Statement:
    """Who has supply again since when: behind a device, these accounts, those who said so, or all that remain."""

    at: datetime
    stated_by: StatedBy = StatedBy.DESK
    node_id: UUID | None = None
    link_id: UUID | None = None
    scope: Scope | None = None
    reason: str | None = None


def state_restored(uow: UnitOfWork, *, outage_id: UUID, statement: Statement) -> Restoration:
    """Note who has supply again by somebody's word: the outage's next stage, of exactly those.

    Raises:
        NotFound, Forbidden: no such outage or device, or the actor does not dispatch in its branch.
        OutageClosed: it is over, or merged into another.
        NobodyBack: nobody of them is without supply.
        ReasonNeeded: all that remain, though neither a crew has said so nor a reason is given.
        Invalid: the time lies `in_future`, or not after one of them went out (`not_after_start`).
    """
    outage = standing(uow, outage_id)
    accounts = _named(uow, outage, statement)
    if not accounts:
        raise NobodyBack
    restore(uow, outage.id, at=statement.at, account_ids=accounts)
    done = _stage(uow, outage.id, outage.branch_id, statement.at, len(accounts))
    done.stated_by, done.reason = statement.stated_by, statement.reason
    uow.session.add(done)
    _follow(uow, outage.branch_id, outage.id)
    return done


def _named(uow: UnitOfWork, outage: Outage, statement: Statement) -> list[UUID]:
    session = uow.session
    if statement.node_id or statement.link_id:
        reach = behind(uow, node_id=statement.node_id, link_id=statement.link_id)
        return queries.still_out(session, outage.id, set(queries.accounts_at(session, outage.commodity, reach.nodes)))
    if statement.scope is Scope.ANSWERED:
        return queries.still_out(session, outage.id, set(queries.said_to_have_power(session, outage.id)))
    if not statement.reason and queries.crews_say_restored(session, outage.id) is None:
        raise ReasonNeeded(FieldError("reason", "required"))
    return queries.still_out(session, outage.id)


def follow_switching(uow: UnitOfWork, *, switching_id: UUID) -> None:
    """Let interruptions follow an operation: who has supply again by it, and who lost it once more.

    One that takes another back says that the other never was: its stage is taken back, whoever it darkened was not.
    """
    done = get_switching(uow.session, uow.actor, switching_id)
    if done.undoes_id is not None:
        _undo(uow, done.undoes_id)
        return
    failed = queries.failed_devices(uow.session, done.branch_id, done.commodity)
    change = change_of(uow, switching_id=switching_id, failed=failed)
    for outage_id, accounts in queries.still_out_at(uow.session, done, change.back).items():
        restore(uow, outage_id, at=done.at, account_ids=accounts)
        stage = _stage(uow, outage_id, done.branch_id, done.at, len(accounts))
        stage.switching_id, stage.person_id = done.id, done.person_id
        uow.session.add(stage)
        _follow(uow, done.branch_id, outage_id)
    for outage_id, accounts in queries.back_before_at(uow.session, done, change.gone).items():
        cause = queries.class_of(uow.session, outage_id)
        record_interruptions(uow, outage_id, cause_class=cause, begun_at=done.at, account_ids=accounts)
        _follow(uow, done.branch_id, outage_id)


def _undo(uow: UnitOfWork, switching_id: UUID) -> None:
    undone = get_switching(uow.session, uow.actor, switching_id)
    for stage in queries.stages_of_switching(uow.session, switching_id):
        stage.undone_at = uow.now
        take_back_stage(uow, stage.outage_id, stage=stage.stage)
        _follow(uow, stage.branch_id, stage.outage_id)
    for outage_id in queries.outages_darkened_at(uow.session, undone.branch_id, undone.commodity, undone.at):
        forget_interruptions(uow, outage_id, begun_at=undone.at)
        _follow(uow, undone.branch_id, outage_id)


def _stage(uow: UnitOfWork, outage_id: UUID, branch_id: UUID, at: datetime, accounts: int) -> Restoration:
    return Restoration(
        id=uow.new_id(),
        branch_id=branch_id,
        outage_id=outage_id,
        stage=reliability.last_stage(uow.session, outage_id),
        at=at,
        accounts=accounts,
        said_at=uow.now,
        person_id=uow.actor.person_id,
    )


def _follow(uow: UnitOfWork, branch_id: UUID, outage_id: UUID) -> None:
    uow.session.flush()
    follow_jobs(uow, outage_id=outage_id)
    uow.emit(SupplyChanged(outage_id))
    uow.wake_live(branch_id, "outage", outage_id)


def expect(
    uow: UnitOfWork, *, outage_id: UUID, expected_at: datetime, stated_by: StatedBy, reason: str | None = None
) -> Estimate:
    """Say when supply will be back. What was said before stays to be read.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
        OutageClosed: it is over, or merged into another.
        Invalid: the time is past (`in_past`).
    """
    outage = standing(uow, outage_id)
    if expected_at <= uow.now:
        raise Invalid(FieldError("expected_at", "in_past"))
    said = Estimate(
        id=uow.new_id(),
        branch_id=outage.branch_id,
        outage_id=outage.id,
        expected_at=expected_at,
        stated_by=stated_by,
        reason=reason,
        said_at=uow.now,
        person_id=uow.actor.person_id,
    )
    uow.session.add(said)
    uow.emit(SupplyChanged(outage.id))
    audit(uow, "restoration_expected", "outage", outage.id, {"at": expected_at.isoformat()}, branch_id=said.branch_id)
    uow.wake_live(outage.branch_id, "outage", outage.id)
    return said
