"""Saying what is due: handed to the channel's carrier, tried again where that fails, left unsaid where it is untrue."""

from __future__ import annotations

from app.kernel.unit_of_work import UnitOfWork
from app.notices import queries, rules
from app.notices.carriers import CARRIERS, Message
from app.notices.errors import NotDelivered
from app.notices.models import NoticeState, Stage
from app.notices.queries import Due
from app.notices.rules import Facts, say

AT_ONCE = 500  # a scheduler comes round every few seconds


def send_due(uow: UnitOfWork) -> int:
    """Say what is due, up to `AT_ONCE`; returns how much was said."""
    due = queries.due(uow.session, uow.now, limit=AT_ONCE)
    out = queries.parties_out(uow.session, {one.outage.id for one in due})
    for one in due:
        if ((one.outage.id, one.party.id) in out) is (one.notice.stage is Stage.RESTORED):
            one.notice.state = NoticeState.DROPPED
        else:
            _send(uow, one)
    for outage in {one.outage.id: one.outage for one in due}.values():
        uow.wake_live(outage.branch_id, "outage", outage.id)
    return sum(one.notice.state is NoticeState.SENT for one in due)


def _send(uow: UnitOfWork, one: Due) -> None:
    notice = one.notice
    notice.words = say(notice.stage, notice.locale, _facts(one))
    message = Message(notice.id, notice.branch_id, notice.channel, one.party.phone, notice.words)
    notice.tries += 1
    try:
        CARRIERS[notice.channel].carry(uow, message)
    except NotDelivered as error:
        notice.last_error = error.reason
        pause = rules.pause_after(notice.tries)
        if pause is None:
            notice.state = NoticeState.GIVEN_UP
        else:
            notice.due_at = uow.now + pause
        return
    notice.state, notice.sent_at, notice.last_error = NoticeState.SENT, uow.now, None


def _facts(one: Due) -> Facts:
    english = one.notice.locale == "en"
    return Facts(
        branch=one.branch.name_en if english else one.branch.name_zh,
        number=one.outage.number,
        address=(one.premises.address_en if english else None) or one.premises.address,
        commodity=one.outage.commodity,
        begun_at=one.notice.begun_at,
        expected_at=one.expected_at,
        zone=one.branch.timezone,
    )
