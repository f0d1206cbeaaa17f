"""The cause of an outage, confirmed: which device failed, and so who is without supply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.grid.reach import behind
from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.outages.errors import OutageClosed
from app.outages.models import Outage
from app.outages.queries import lock_outage
from app.outages.service import follow_jobs
from app.reliability.service import forget_interruptions, record_interruptions
from app.supply import queries, rules
from app.supply.errors import NotConfirmed, OtherOutage, StagesBegun
from app.supply.events import SupplyChanged
from app.supply.models import CauseCode, Confirmation, StatedBy


@dataclass(frozen=True)
class Finding:
    """What was found: the device (one of the two ids), why it failed, how far it reaches in words, and who says so."""

    cause: CauseCode
    node_id: UUID | None = None
    link_id: UUID | None = None
    extent: str | None = None
    stated_by: StatedBy = StatedBy.DESK


def confirm(uow: UnitOfWork, *, outage_id: UUID, finding: Finding) -> Confirmation:
    """Confirm the device that failed: the accounts behind it are without supply since the outage's first evidence.

    Another device takes the place of the one before: who does not hang on it was not cut off after all, unless they
    have come back meanwhile; who hangs on both keeps the time at which they went out.

    Raises:
        NotFound, Forbidden: no such outage or device, or the actor does not dispatch in its branch.
        OutageClosed: it is over, or merged into another.
        OtherOutage: the device is of another branch or kind of supply.
        NotFed: nothing feeds the device, so that nobody can have lost supply by it.
    """
    outage = standing(uow, outage_id)
    reach = behind(uow, node_id=finding.node_id, link_id=finding.link_id)
    if (reach.branch_id, reach.commodity) != (outage.branch_id, outage.commodity):
        raise OtherOutage(FieldError("node_id" if finding.node_id else "link_id", "other_network"))
    accounts = queries.accounts_at(uow.session, reach.commodity, reach.nodes)
    _end(uow, outage)
    begun_at = queries.first_evidence(uow.session, outage)
    forget_interruptions(uow, outage.id, but=accounts)
    record_interruptions(
        uow, outage.id, cause_class=rules.cause_class(finding.cause), begun_at=begun_at, account_ids=accounts
    )
    done = Confirmation(
        id=uow.new_id(),
        branch_id=outage.branch_id,
        outage_id=outage.id,
        **vars(finding),
        begun_at=begun_at,
        at=uow.now,
        person_id=uow.actor.person_id,
        accounts=len(accounts),
    )
    uow.session.add(done)
    outage.cause = finding.cause.value
    told = {"device": str(finding.node_id or finding.link_id), "cause": done.cause.value, "accounts": len(accounts)}
    _follow(uow, outage, "cause_confirmed", told)
    return done


def withdraw(uow: UnitOfWork, *, outage_id: UUID) -> None:
    """Take the confirmation back: nobody was cut off, as far as is known.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
        OutageClosed: it is over, or merged into another.
        NotConfirmed: there is nothing to take back.
        StagesBegun: some have supply back already.
    """
    outage = standing(uow, outage_id)
    if not _end(uow, outage):
        raise NotConfirmed
    if any(one["undone_at"] is None for one in queries.stages_shown(uow.session, outage.id)):
        raise StagesBegun
    forget_interruptions(uow, outage.id)
    outage.cause = None
    _follow(uow, outage, "cause_withdrawn", {})


def standing(uow: UnitOfWork, outage_id: UUID) -> Outage:
    """An outage that is not over, held until the end of the transaction, where the actor dispatches.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not dispatch in its branch.
        OutageClosed: it is over, or merged into another.
    """
    outage = lock_outage(uow.session, outage_id)
    if outage is None:
        raise NotFound
    uow.actor.must(Permission.DISPATCH, outage.branch_id)
    if queries.is_over(outage):
        raise OutageClosed(outage_id=str(outage.id), number=outage.number)
    return outage


def _end(uow: UnitOfWork, outage: Outage) -> bool:
    """End the confirmation that stands; False when none does."""
    before = queries.standing_confirmation(uow.session, outage.id)
    if before is None:
        return False
    before.undone_at = uow.now
    uow.session.flush()  # before the next one stands in its place
    return True


def _follow(uow: UnitOfWork, outage: Outage, action: str, told: dict[str, Any]) -> None:
    uow.session.flush()
    audit(uow, action, "outage", outage.id, told, branch_id=outage.branch_id)
    follow_jobs(uow, outage_id=outage.id)
    uow.emit(SupplyChanged(outage.id))
    uow.wake_live(outage.branch_id, "outage", outage.id)
