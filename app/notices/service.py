"""Verbs of notices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from app.identity.service import audit
from app.kernel.actor import Permission
from app.kernel.paging import page
from app.kernel.problems import NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.notices import queries, rules
from app.notices.errors import NotGivenUp
from app.notices.models import Notice, NoticeState, Stage
from app.notices.rules import Facts, say
from app.outages.models import Outage
from app.outages.queries import get_outage

SHOWN_ADDRESS = {"zh-CN": "（地址）", "en": "(address)"}


def plan(uow: UnitOfWork, *, outage_id: UUID) -> int:
    """Write down what is to be said of an outage now and was not; returns how much. May run any number of times."""
    new = {"outage_id": outage_id, "state": NoticeState.QUEUED, "created_at": uow.now, "due_at": uow.now, "tries": 0}
    wanted = ("party_id", "premises_id", "branch_id", "begun_at", "stage", "estimate_id", "channel", "locale")
    rows = [
        {**new, "id": uow.new_id(), **{name: row[name] for name in wanted}}
        for row in queries.to_say(uow.session, outage_id)
    ]
    again = queries.true_again(uow.session, outage_id)
    if again:
        queued = {"state": NoticeState.QUEUED, "due_at": uow.now}
        uow.session.execute(update(Notice), [{"id": one, **queued} for one in again])
    if not rows:
        return len(again)
    once = insert(Notice).on_conflict_do_nothing().returning(Notice.id)
    return len(again) + len(uow.session.execute(once, rows).all())


def listed(
    uow: UnitOfWork, *, outage_id: UUID, limit: int, state: NoticeState | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """A page of an outage's notices, newest first. Who looks is written down.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not send help in its branch.
        Invalid: the cursor is not one of ours.
    """
    outage = _outage(uow, outage_id)
    rows = queries.notices(uow.session, outage.id, state=state, limit=limit, cursor=cursor)
    shown = page(rows, limit, lambda row: (row["created_at"].isoformat(), row["id"]))
    audit(uow, "notices_seen", "outage", outage.id, {"notices": len(shown["items"])}, branch_id=outage.branch_id)
    return shown


def overview(uow: UnitOfWork, *, outage_id: UUID) -> dict[str, Any]:
    """What was and will be said of an outage: how much by stage, who asked for nothing, and the words as of now.

    Raises:
        NotFound, Forbidden: no such outage, or the actor does not send help in its branch.
    """
    outage = _outage(uow, outage_id)
    return {
        "counts": queries.counts(uow.session, outage.id),
        "without_channel": queries.nobody_to_tell(uow.session, outage.id),
        "preview": [{"stage": stage, "words": _words(uow, outage, stage)} for stage in Stage],
    }


def retry(uow: UnitOfWork, *, notice_id: UUID) -> None:
    """Try a notice again that was given up.

    Raises:
        NotFound, Forbidden: no such notice, or the actor does not send help in its branch.
        NotGivenUp: it is on its way, was said, or is no longer true.
    """
    notice = queries.get_notice(uow.session, notice_id)
    if notice is None:
        raise NotFound
    uow.actor.must(Permission.DISPATCH, notice.branch_id)
    if notice.state is not NoticeState.GIVEN_UP:
        raise NotGivenUp
    notice.state, notice.tries, notice.due_at = NoticeState.QUEUED, 0, uow.now
    audit(uow, "notice_retried", "notice", notice.id, branch_id=notice.branch_id)


def _outage(uow: UnitOfWork, outage_id: UUID) -> Outage:
    outage = get_outage(uow.session, uow.actor, outage_id)
    uow.actor.must(Permission.DISPATCH, outage.branch_id)
    return outage


def _words(uow: UnitOfWork, outage: Outage, stage: Stage) -> dict[str, str]:
    branch = queries.branch_of(uow.session, outage)
    expected = queries.expected_now(uow.session, outage.id)
    return {
        locale: say(
            stage,
            locale,
            Facts(
                branch=branch.name_en if locale == "en" else branch.name_zh,
                number=outage.number,
                address=SHOWN_ADDRESS[locale],
                commodity=outage.commodity,
                begun_at=outage.opened_at,
                expected_at=expected,
                zone=branch.timezone,
            ),
        )
        for locale in rules.LOCALES
    }
