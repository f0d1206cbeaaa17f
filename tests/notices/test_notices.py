"""Customers are told of an outage by the channel they asked for: each stage once, in words of their language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import schedule
from app.customers.models import Account, NoticeChannel, Party
from app.identity.models import Branch, Role
from app.kernel.actor import SYSTEM
from app.kernel.tasks import drain
from app.notices import sending, service
from app.notices.models import Delivery, Notice
from tests.factories import given_branch, given_person, signed_in
from tests.supply.conftest import Storm, branch, desk, storm

__all__ = ["branch", "desk", "storm"]  # fixtures


def given_consent(storm: Storm, code: str, **more: Any) -> list[Party]:
    """Who hangs on the transformer wants to be told by short message."""
    parties = []
    for account in storm.at[code]:
        party = storm.session.get_one(Party, storm.session.get_one(Account, account).party_id)
        party.notice_channel, party.notice_consent_at = NoticeChannel.SMS, storm.clock()
        for name, value in more.items():
            setattr(party, name, value)
        parties.append(party)
    storm.session.commit()
    return parties


def send(storm: Storm) -> int:
    """A second later what is due is said."""
    drain(storm.runtime)
    storm.clock.tick(seconds=1)
    with storm.runtime.unit_of_work(SYSTEM) as uow:
        return sending.send_due(uow)


def expect_back(storm: Storm, hours: int) -> None:
    storm.clock.tick(minutes=1)
    body = {"expected_at": (storm.clock() + timedelta(hours=hours)).isoformat()}
    assert storm.desk.post(f"/api/v1/outages/{storm.outage}/estimates", json=body).status_code == 201


def said(storm: Storm) -> list[str]:
    storm.session.expire_all()
    return list(storm.session.scalars(select(Delivery.words).order_by(Delivery.at, Delivery.id)))


def stages(storm: Storm) -> list[tuple[str, str]]:
    items = storm.desk.get(f"/api/v1/outages/{storm.outage}/notices").get_json()["items"]
    return [(one["stage"], one["state"]) for one in reversed(items)]


def test_a_customer_who_asked_for_it_is_told_each_stage_once(storm: Storm) -> None:
    given_consent(storm, "TXA2")
    storm.confirm("SW1")
    assert send(storm) == 2
    expect_back(storm, 1)
    assert send(storm) == 2
    expect_back(storm, 3)
    assert send(storm) == 2
    storm.state(scope="rest", reason="巡线确认")
    assert send(storm) == 2
    assert stages(storm) == [(stage, "sent") for stage in ("known", "expected", "changed", "restored") for _ in "ab"]
    with storm.runtime.unit_of_work(SYSTEM) as uow:
        assert service.plan(uow, outage_id=UUID(storm.outage)) == 0
    assert send(storm) == 0
    overview = storm.desk.get(f"/api/v1/outages/{storm.outage}/notices/overview").get_json()
    assert overview["without_channel"] == 1
    assert {(one["stage"], one["n"]) for one in overview["counts"]} == {
        ("known", 2), ("expected", 2), ("changed", 2), ("restored", 2),
    }  # fmt: skip


def test_words_are_in_the_customer_s_language_and_the_preview_in_both(storm: Storm) -> None:
    given_consent(storm, "TXA3", notice_locale="en")
    expect_back(storm, 2)
    storm.confirm("TXA3")
    send(storm)
    (words,) = said(storm)
    assert "no electricity since 07-16 08:00" in words
    assert "expected back at 07-16 10:11" in words
    preview = storm.desk.get(f"/api/v1/outages/{storm.outage}/notices/overview").get_json()["preview"]
    assert [one["stage"] for one in preview] == ["known", "expected", "changed", "restored"]
    assert all("供电" in one["words"]["zh-CN"] and "electricity" in one["words"]["en"] for one in preview)


def test_what_became_untrue_before_it_was_said_is_not_said(storm: Storm) -> None:
    given_consent(storm, "TXA2")
    storm.confirm("TXA2")
    drain(storm.runtime)
    storm.state(scope="rest", reason="误报")
    assert send(storm) == 2, "that it is back is said"
    assert [state for _stage, state in stages(storm)] == ["dropped", "dropped", "sent", "sent"]


def test_a_stage_taken_back_takes_back_what_was_not_said_yet(storm: Storm) -> None:
    given_consent(storm, "TXA3")
    storm.confirm("SW1")
    send(storm)
    storm.operate("SW2", "open")
    closed = storm.operate("TS1", "close")
    storm.undo(closed)
    assert send(storm) == 0
    assert stages(storm) == [("known", "sent"), ("restored", "dropped")]
    storm.operate("TS1", "close")
    assert send(storm) == 1, "now it is true"
    assert stages(storm) == [("known", "sent"), ("restored", "sent")]


def test_what_fails_is_tried_again_and_shown_when_given_up(storm: Storm) -> None:
    (party,) = given_consent(storm, "TXA3", phone=None)
    storm.confirm("TXA3")
    for _ in range(5):
        assert send(storm) == 0
        storm.clock.tick(hours=1)
    path = f"/api/v1/outages/{storm.outage}/notices"
    (notice,) = storm.desk.get(path, query_string={"state": "given_up"}).get_json()["items"]
    assert (notice["tries"], notice["last_error"]) == (5, "no_address")
    storm.session.refresh(party)
    party.phone = "13800000009"
    storm.session.commit()
    assert storm.desk.post(f"/api/v1/notices/{notice['id']}/retry", json={}).status_code == 204
    assert send(storm) == 1
    again = storm.desk.post(f"/api/v1/notices/{notice['id']}/retry", json={})
    assert (again.status_code, again.get_json()["code"]) == (409, "not-given-up")


def test_the_database_itself_lets_nobody_be_told_twice(storm: Storm) -> None:
    given_consent(storm, "TXA3")
    storm.confirm("TXA3")
    drain(storm.runtime)
    row = dict(storm.session.execute(select(Notice.__table__)).mappings().one())
    with pytest.raises(IntegrityError, match="uq_notice_told_once"), storm.session.begin_nested():
        storm.session.execute(insert(Notice).values({**row, "id": storm.runtime.new_id()}))


def test_only_those_who_send_help_see_whom_was_told(app: Flask, session: Session, storm: Storm, branch: Branch) -> None:
    given_consent(storm, "TXA2")
    storm.confirm("TXA2")
    send(storm)
    path = f"/api/v1/outages/{storm.outage}/notices"
    hotline = signed_in(app, given_person(session, branch, "mali", [Role.HOTLINE]))
    assert hotline.get(path).status_code == 403
    stranger = signed_in(app, given_person(session, given_branch(session, "XS"), "else", [Role.DISPATCHER]))
    assert stranger.get(path).status_code == 404
    assert "send-notices" in {work.name for work in schedule.DUE_WORK}
