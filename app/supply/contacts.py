"""Whom an outage cut off, in the order in which they are called, and what came of the calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.paging import page
from app.kernel.problems import FieldError, NotFound
from app.kernel.spreadsheet import table_csv
from app.kernel.unit_of_work import UnitOfWork
from app.outages.models import Outage
from app.outages.queries import get_outage, lock_outage
from app.supply import queries
from app.supply.errors import NotCutOff
from app.supply.models import Answer, Contact
from app.supply.queries import Asked

MOST_ROWS = 100_000  # of a table: a whole district
HEADINGS = ("number", "tier", "address", "begun_at", "restored_at", "stage", "answer", "answered_at")


def overview(uow: UnitOfWork, *, outage_id: UUID) -> dict[str, Any]:
    """What is known of an outage's supply. `flags` only for those who send help.

    Raises:
        NotFound: no such outage, or of a branch whose work the actor may not see.
    """
    outage = get_outage(uow.session, uow.actor, outage_id)
    counts = queries.figures(uow.session, outage.id, uow.now)
    return {
        "outage_id": outage.id,
        "confirmation": queries.confirmation_shown(uow.session, outage.id),
        "affected": counts.affected,
        "remaining": counts.remaining,
        "flags": counts.flags if uow.actor.may(Permission.DISPATCH, outage.branch_id) else None,
        "crews_say_restored": queries.crews_say_restored(uow.session, outage.id),
        "say_they_have_power": len(queries.said_to_have_power(uow.session, outage.id)),
        "stages": queries.stages_shown(uow.session, outage.id),
        "estimates": queries.estimates_shown(uow.session, outage.id),
    }


def affected(uow: UnitOfWork, *, asked: Asked) -> dict[str, Any]:
    """A page of those whom an outage cut off, in the order of calls. Who looks is written down.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not send help in its branch.
        Invalid: the cursor is not one of ours.
    """
    outage = _outage(uow, asked.outage_id, Permission.DISPATCH)
    rows = queries.affected(uow.session, asked, uow.now)
    shown = page(rows, asked.limit, lambda row: (row["rank"], row["number"]))
    seen = {"accounts": len(shown["items"]), "needs": sum(bool(row["needs"]) for row in shown["items"])}
    audit(uow, "affected_seen", "outage", outage.id, seen, branch_id=outage.branch_id)
    return shown


def affected_csv(uow: UnitOfWork, *, outage_id: UUID) -> Iterator[bytes]:
    """Whom an outage cut off, from when until when, as a table without names, numbers to call, or needs.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not read reliability in its branch.
    """
    outage = _outage(uow, outage_id, Permission.READ_RELIABILITY)
    rows = queries.affected(uow.session, Asked(outage.id, limit=MOST_ROWS), uow.now)
    audit(uow, "affected_exported", "outage", outage.id, {"accounts": len(rows)}, branch_id=outage.branch_id)
    return table_csv(HEADINGS, sorted(rows, key=lambda row: str(row["number"])))  # the order of calls tells of needs


def note(uow: UnitOfWork, *, outage_id: UUID, account_id: UUID, answer: Answer) -> Contact:
    """Note what came of a call to a customer; what came of those before stays to be read.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not send help in its branch.
        NotCutOff: the outage did not take this account's supply.
    """
    outage = _outage(uow, outage_id, Permission.DISPATCH)
    if not queries.was_cut_off(uow.session, outage.id, account_id):
        raise NotCutOff(FieldError("account_id", "not_found"))
    done = Contact(
        id=uow.new_id(),
        branch_id=outage.branch_id,
        outage_id=outage.id,
        account_id=account_id,
        answer=answer,
        at=uow.now,
        person_id=uow.actor.person_id,
    )
    uow.session.add(done)
    audit(uow, "customer_contacted", "account", account_id, {"answer": answer.value}, branch_id=outage.branch_id)
    uow.wake_live(outage.branch_id, "outage", outage.id)
    return done


def _outage(uow: UnitOfWork, outage_id: UUID, permission: Permission) -> Outage:
    outage = lock_outage(uow.session, outage_id)
    if outage is None:
        raise NotFound
    uow.actor.must(permission, outage.branch_id)
    return outage
