"""A crew without a link hands its work to another, or to the desk: it counts as its own, once, and nobody reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import AuditEntry, Branch, Device, DeviceState, Person, Role
from app.jobs.models import Job
from app.kernel.unit_of_work import Runtime
from app.media.models import Attachment
from mobile_sync.adapters.tables import record_version
from mobile_sync.bundle import MIME, BundleFile, Header
from mobile_sync.sealing import ServerKeys, public_jwk, read_receipt, seal
from mobile_sync.unsent import unsent_ops
from mobile_sync.wire import write_time
from tests.factories import TabletKey, given_branch, given_person, signed_in
from tests.sync.field import Assign, FieldTablet, photo, sha256


@dataclass
class Signing:
    """The tablet's key as a sealer uses it."""

    key: TabletKey

    def sign(self, message: bytes) -> bytes:
        return self.key.sign_raw(message)


def sealed(runtime: Runtime, tablet: FieldTablet, *, keys: ServerKeys | None = None, **more: Any) -> bytes:
    """What the tablet has not sent, as a bundle."""
    ops = unsent_ops(tablet.engine.kept)
    files = tuple(BundleFile(name, len(content), mime, kind) for name, (content, mime, kind) in tablet.files.items())
    told: dict[str, Any] = {"person_id": None, "epoch": tablet.engine.kept.life, **more}
    header = Header(
        device_id=str(tablet.device_id),
        schema_version=1,
        created_at=write_time(runtime.clock()),
        first_op=ops[0]["op_no"] if ops else 0,
        last_op=ops[-1]["op_no"] if ops else 0,
        ops_count=len(ops),
        ops_size=0,
        ops_sha256="",
        files=files,
        to="",
        key={},
        **told,
    )
    server = keys or ServerKeys.derived(runtime.settings.secret_key)
    content = {name: bytes_of for name, (bytes_of, _, _) in tablet.files.items()}
    written = json.dumps(ops).encode()
    return b"".join(seal(header, written, content.__getitem__, public_jwk(server.seal), Signing(tablet.key)))


def deliver(by: FieldTablet, raw: bytes) -> Any:
    """On another tablet."""
    return by.client.post("/sync/v1/bundles", data=raw, content_type=MIME, headers=by.headers)


@pytest.fixture
def worked(tablet: FieldTablet, job: Job, crew: Crew, assign: Assign) -> FieldTablet:
    """A tablet that accepted its job and took a photo, and has no link since."""
    assign(job, crew)
    tablet.engine.pull()
    tablet.engine.update("job", job.id, {"state": "accepted"})
    tablet.attach(job.id, "before", photo())
    return tablet


def test_a_colleague_brings_the_work_and_the_tablet_hears_of_it_by_its_own_next_push(
    runtime: Runtime, session: Session, worked: FieldTablet, other_tablet: FieldTablet, job: Job
) -> None:
    answered = deliver(other_tablet, sealed(runtime, worked))
    assert answered.status_code == 200, answered.text
    told = answered.get_json()
    assert (told["results"], told["files"], told["refused_files"]) == ({"applied": 2}, 1, [])
    author = session.execute(
        select(record_version.c.device_id, record_version.c.actor).where(record_version.c.device_id.is_not(None))
    ).all()
    lead = session.scalar(select(Device.person_id).where(Device.id == worked.device_id))
    assert set(author) == {(worked.device_id, lead)}
    assert session.get_one(Job, job.id, populate_existing=True).state == "accepted"
    assert session.scalars(select(Attachment.verified_at)).one() is not None
    trail = session.scalars(select(AuditEntry).where(AuditEntry.action == "bundle_taken")).one()
    assert (trail.device_id, trail.entity_id) == (other_tablet.device_id, worked.device_id)

    worked.engine.push()
    assert [entry.result["status"] for entry in worked.engine.outbox.entries] == ["applied"] * 2  # type: ignore[index]
    assert worked.engine.outbox.next_op_no == told["expected"]


def test_a_courier_s_receipt_settles_the_tablet_without_a_link(
    runtime: Runtime, worked: FieldTablet, other_tablet: FieldTablet
) -> None:
    receipt = deliver(other_tablet, sealed(runtime, worked)).get_json()["receipt"]
    keys = other_tablet.client.get("/sync/v1/keys", headers=other_tablet.headers).get_json()
    claims = read_receipt(receipt, keys["sign"])
    assert worked.engine.take_receipt(claims) is (claims["epoch"] == worked.engine.kept.life)
    assert worked.engine.safe_to_leave


def test_the_desk_takes_a_bundle_of_its_own_branch_only(
    app: Flask, session: Session, runtime: Runtime, branch: Branch, worked: FieldTablet
) -> None:
    raw = sealed(runtime, worked)
    far = given_person(session, given_branch(session, "FAR"), "farboss", [Role.MANAGER])
    refused = signed_in(app, far).post("/sync/v1/bundles", data=raw, content_type=MIME)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "unknown_origin")
    mate = given_person(session, branch, "mate", [Role.CREW_MEMBER])
    assert signed_in(app, mate).post("/sync/v1/bundles", data=raw, content_type=MIME).status_code == 403
    boss = given_person(session, branch, "boss", [Role.MANAGER])
    taken = signed_in(app, boss).post("/sync/v1/bundles", data=raw, content_type=MIME)
    assert taken.get_json()["results"] == {"applied": 2}
    trail = session.scalars(select(AuditEntry).where(AuditEntry.action == "bundle_taken")).one()
    assert trail.person_id == boss.id
    foreign = signed_in(app, boss).post(
        "/sync/v1/bundles", data=raw, content_type=MIME, headers={"Origin": "https://elsewhere.example"}
    )
    assert foreign.status_code == 403


def test_a_revoked_tablet_s_bundle_waits_in_quarantine(
    runtime: Runtime, session: Session, worked: FieldTablet, other_tablet: FieldTablet, job: Job
) -> None:
    session.execute(update(Device).where(Device.id == worked.device_id).values(state=DeviceState.WIPE))
    session.commit()
    raw = sealed(runtime, worked)
    assert deliver(worked, raw).get_json()["results"] == {"quarantined": 2}, "it may bring its own"
    assert deliver(other_tablet, raw).get_json()["results"] == {"quarantined": 2}
    assert session.get_one(Job, job.id, populate_existing=True).state == "assigned"


def test_work_of_somebody_whose_account_is_closed_waits_in_quarantine(
    runtime: Runtime, session: Session, worked: FieldTablet, other_tablet: FieldTablet
) -> None:
    session.execute(update(Person).where(Person.login == "zhaoqiang").values(active=False))
    session.commit()
    assert deliver(other_tablet, sealed(runtime, worked)).get_json()["results"] == {"quarantined": 2}


def test_a_bundle_counts_for_whom_it_names_if_they_were_signed_in_there(
    session: Session, runtime: Runtime, branch: Branch, worked: FieldTablet, other_tablet: FieldTablet
) -> None:
    lead = session.scalar(select(Device.person_id).where(Device.id == worked.device_id))
    stranger = given_person(session, branch, "stranger", [Role.ADMIN])
    session.execute(update(Device).where(Device.id == worked.device_id).values(person_id=stranger.id))
    session.commit()
    deliver(other_tablet, sealed(runtime, worked, person_id=str(lead)))
    actors = set(session.scalars(select(record_version.c.actor).where(record_version.c.device_id == worked.device_id)))
    assert actors == {lead}


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("another installation", "foreign_server"),
        ("half", "bundle_truncated"),
        ("a bit", "broken_seal"),
        ("another key", "broken_seal"),
        ("no bundle", "not_a_bundle"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_changes_nothing(
    runtime: Runtime, session: Session, worked: FieldTablet, other_tablet: FieldTablet, what: str, code: str
) -> None:
    raw = sealed(runtime, worked)
    wrong = {
        "another installation": lambda: sealed(runtime, worked, keys=ServerKeys.derived("elsewhere")),
        "half": lambda: raw[: len(raw) // 2],
        "a bit": lambda: raw[:-9] + bytes([raw[-9] ^ 4]) + raw[-8:],
        "another key": lambda: _with_key(worked, runtime),
        "no bundle": photo,
    }[what]()
    answered = deliver(other_tablet, wrong)
    body = answered.get_json()
    assert (answered.status_code, body["code"]) == (422, code)
    assert body["title"]
    assert body["title"] != "同步请求被拒绝"
    assert session.scalar(select(record_version.c.rev).where(record_version.c.device_id.is_not(None))) is None
    assert session.scalars(select(Attachment)).all() == []


def _with_key(tablet: FieldTablet, runtime: Runtime) -> bytes:
    own, tablet.key = tablet.key, TabletKey()
    try:
        return sealed(runtime, tablet)
    finally:
        tablet.key = own


def test_bundles_open_after_the_installation_s_secret_was_changed(
    runtime: Runtime, worked: FieldTablet, other_tablet: FieldTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = ServerKeys.derived("the secret there was before, long enough")
    raw = sealed(runtime, worked, keys=old)
    assert deliver(other_tablet, raw).get_json()["code"] == "foreign_server"
    former = ("the secret there was before, long enough",)
    monkeypatch.setattr(runtime, "settings", replace(runtime.settings, former_secret_keys=former))
    assert deliver(other_tablet, raw).get_json()["results"] == {"applied": 2}


def test_a_lost_and_found_photo_is_one_file(
    runtime: Runtime, session: Session, worked: FieldTablet, other_tablet: FieldTablet
) -> None:
    worked.engine.push()
    worked.send_files()
    raw = sealed(runtime, worked)
    told = deliver(other_tablet, raw).get_json()
    assert (told["results"], told["files"]) == ({}, 1)
    assert session.scalars(select(Attachment.sha256)).one() == sha256(photo())
