"""The door for tablets: what they hold, what they may write, what is refused and kept."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewPosition, PositionFix
from app.identity.models import Branch, Person
from app.jobs.models import FormRecord, Job, JobEvent, JobState
from app.kernel.actor import SYSTEM
from app.kernel.blobs import Blobs
from app.kernel.clock import FrozenClock
from app.kernel.ids import new_id
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media import service as media
from app.media.models import MAX_BYTES, Attachment, AttachmentKind
from app.media.service import Declared
from mobile_sync.adapters.tables import record_version
from tests.factories import given_branch, signed_in
from tests.factories_field import as_geojson, at_m, given_forms, given_job
from tests.sync.field import REPAIR, Assign, FieldTablet, field_tablet, photo, sha256


def move_to(tablet: FieldTablet, clock: FrozenClock, job: Job, *states: str) -> list[int]:
    numbers = []
    for state in states:
        clock.tick(minutes=1)
        numbers.append(tablet.engine.update("job", job.id, {"state": state}))
    return numbers


def test_the_main_job_is_done_without_a_link_and_arrives_whole_and_once(
    runtime: Runtime,
    session: Session,
    clock: FrozenClock,
    job: Job,
    crew: Crew,
    tablet: FieldTablet,
    assign: Assign,
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    doc = tablet.held("job")[job.id]
    assert (doc["number"], doc["state"], doc["assignment"]["crew_id"]) == (job.number, "assigned", str(crew.id))
    (record_id,) = tablet.held("form_record")
    assert doc["form_record_id"] == str(record_id)
    assert doc["form_code"] in {form["code"] for form in tablet.held("form").values()}

    move_to(tablet, clock, job, "accepted", "en_route", "arrived", "working")
    for item, value in REPAIR.items():
        tablet.engine.update("form_record", record_id, {f"answers.{item}": value})
    pictures = {slot: photo(slot_colour) for slot, slot_colour in (("before", "navy"), ("after", "olive"))}
    for slot, content in pictures.items():
        tablet.attach(job.id, slot, content)
    signature = photo("white", fmt="PNG")
    tablet.attach(job.id, "customer", signature, kind="signature", mime="image/png", signer_name="周桂兰")
    numbers = move_to(tablet, clock, job, "restored", "completed")

    tablet.engine.sync()
    assert [tablet.result(number)["status"] for number in numbers] == ["applied", "applied"]
    assert all(entry.result["status"] == "applied" for entry in tablet.engine.outbox.entries)  # type: ignore[index]
    tablet.send_files()
    drain(runtime)
    tablet.engine.pull()

    done = session.get_one(Job, job.id, populate_existing=True)
    assert done.state is JobState.COMPLETED
    assert tablet.held("job")[job.id]["state"] == "completed"
    assert tablet.held("form_record")[record_id]["answers"] == REPAIR
    files = tablet.held("attachment").values()
    assert {file["sha256"] for file in files} == {sha256(content) for content in (*pictures.values(), signature)}
    assert {(file["width_px"], file["height_px"], file["refused"]) for file in files} == {(640, 480, None)}
    kinds = list(session.scalars(select(JobEvent.kind).where(JobEvent.job_id == job.id).order_by(JobEvent.id)))
    assert [kind for kind in kinds if kind != "answered"] == [
        "opened", "assigned", "accepted", "en_route", "arrived", "working", "restored", "completed",
    ]  # fmt: skip


def test_a_push_sent_twice_is_applied_once(
    session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    tablet.engine.update("job", job.id, {"state": "accepted"})
    body = tablet.engine.batch(tablet.engine.outbox.to_send(10))
    first, again = tablet.post("push", body), tablet.post("push", body)
    assert again["results"] == first["results"]
    assert first["results"][0]["status"] == "applied"
    accepted = select(func.count()).where(JobEvent.job_id == job.id, JobEvent.kind == "accepted")
    assert session.scalar(accepted) == 1


def test_completing_without_what_is_required_is_rejected_and_says_what_is_missing(
    clock: FrozenClock, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    numbers = move_to(tablet, clock, job, "accepted", "en_route", "arrived", "working", "restored", "completed")
    tablet.engine.push()
    last = tablet.result(numbers[-1])
    assert (last["status"], last["problem"]["code"]) == ("rejected", "job-incomplete")
    assert "photos.before" in {error["field"] for error in last["problem"]["errors"]}
    assert session.get_one(Job, job.id, populate_existing=True).state is JobState.RESTORED


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"answers.voltage_v": "much"}, "bad-answer", id="an answer of the wrong type"),
        pytest.param({"answers.shoe_size": 43}, "bad-answer", id="a question the form does not ask"),
        pytest.param({"form_code": "other"}, "unknown_field", id="a field that is not the tablet's"),
    ],
)
def test_an_answer_that_does_not_fit_is_rejected_and_changes_nothing(
    fields: dict[str, Any], code: str, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    (record_id,) = tablet.held("form_record")
    number = tablet.engine.update("form_record", record_id, fields)
    tablet.engine.push()
    assert tablet.result(number)["problem"]["code"] == code
    assert session.get_one(FormRecord, record_id, populate_existing=True).answers == {}


def test_two_tablets_that_disagree_on_an_answer_leave_it_to_a_person(
    app: Flask,
    session: Session,
    job: Job,
    crew: Crew,
    crew_and_lead: tuple[Crew, Person],
    tablet: FieldTablet,
    assign: Assign,
) -> None:
    second = field_tablet(app, session, crew_and_lead[1])
    assign(job, crew)
    for one in (tablet, second):
        one.engine.pull()
    (record_id,) = tablet.held("form_record")
    tablet.engine.update("form_record", record_id, {"answers.cause": "storm"})
    tablet.engine.push()
    number = second.engine.update("form_record", record_id, {"answers.cause": "tree", "answers.voltage_v": 230})
    second.engine.push()
    result = second.result(number)
    assert result["status"] == "conflict"
    assert result["fields"]["answers.cause"]["value"] == "storm"
    stored = session.get_one(FormRecord, record_id, populate_existing=True).answers
    assert stored == {"cause": "storm", "voltage_v": 230}


def test_a_job_handed_back_with_a_reason_is_new_again_and_off_the_tablet(
    clock: FrozenClock, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    move_to(tablet, clock, job, "accepted")
    number = tablet.engine.update("job", job.id, {"state": "handed_back", "reason": "需要高压班组"})
    tablet.engine.sync()
    assert tablet.result(number)["status"] == "applied"
    assert session.get_one(Job, job.id, populate_existing=True).state is JobState.NEW
    assert tablet.held("job") == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"slot": "selfie"}, "unknown-slot", id="a slot the form does not have"),
        pytest.param({"mime": "image/svg+xml"}, "file-type-not-allowed", id="a type that is a program"),
        pytest.param({"kind": "signature", "slot": "customer", "mime": "image/png"}, "signature-without-name",
                     id="a signature of nobody"),
    ],
)  # fmt: skip
def test_a_file_that_can_never_be_accepted_is_rejected_before_a_byte_travels(
    changes: dict[str, Any], code: str, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    _, number = tablet.attach(job.id, content=photo(), **{"slot": "before", **changes})
    tablet.engine.push()
    assert tablet.result(number)["problem"]["code"] == code
    assert session.scalar(select(func.count()).select_from(Attachment)) == 0


def test_a_file_for_a_job_of_another_crew_is_rejected(
    session: Session, job: Job, crew: Crew, other_tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    other_tablet.engine.pull()
    _, number = other_tablet.attach(job.id, "before", photo())
    other_tablet.engine.push()
    assert other_tablet.result(number)["problem"]["code"] == "not-found"
    assert session.scalar(select(func.count()).select_from(Attachment)) == 0


def test_a_truncated_upload_stays_partial_and_goes_on_where_it_stopped(
    session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    content = photo()
    rec_id, _ = tablet.attach(job.id, "before", content)
    tablet.engine.push()
    begun = tablet.begin_upload(content, "image/jpeg", "photo")
    assert tablet.send_bytes(begun.headers["Location"], content[:100]).status_code == 204
    (blob,) = tablet.post("blobs/check", {"hashes": [sha256(content)]})["blobs"]
    assert (blob["state"], blob["offset"]) == ("partial", 100)
    assert session.get_one(Attachment, rec_id, populate_existing=True).verified_at is None
    assert tablet.send_bytes(blob["upload_url"], content[100:], offset=100).status_code == 204
    assert session.get_one(Attachment, rec_id, populate_existing=True).verified_at is not None


def test_bytes_that_are_not_what_was_declared_are_thrown_away(
    session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    content = photo()
    rec_id, _ = tablet.attach(job.id, "before", content)
    tablet.engine.push()
    begun = tablet.begin_upload(content, "image/jpeg", "photo")
    wrong = tablet.send_bytes(begun.headers["Location"], b"\0" * len(content))
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "hash_mismatch")
    assert wrong.get_json()["title"] == "文件内容与声明的 SHA-256 不符"
    assert session.get_one(Attachment, rec_id, populate_existing=True).verified_at is None


def test_a_photo_taken_twice_is_sent_once(
    session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    content = photo()
    tablet.attach(job.id, "before", content)
    tablet.engine.push()
    tablet.send_files()
    again, _ = tablet.attach(job.id, "after", content)
    tablet.engine.push()
    assert session.get_one(Attachment, again, populate_existing=True).verified_at is not None


def test_a_crew_may_take_back_its_own_photo_while_the_job_is_open(
    session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    rec_id, _ = tablet.attach(job.id, "before", photo())
    tablet.engine.sync()
    assert rec_id in tablet.held("attachment")
    tablet.engine.delete("attachment", rec_id)
    tablet.engine.sync()
    assert tablet.held("attachment") == {}
    assert session.get_one(Attachment, rec_id, populate_existing=True).deleted_at is not None


def test_positions_are_sent_and_never_held(
    clock: FrozenClock, session: Session, crew: Crew, tablet: FieldTablet
) -> None:
    for metres in (0, 100, 200):
        clock.tick(seconds=15)
        fields = {"location": as_geojson(at_m(metres, 0)), "at": clock().isoformat(), "accuracy_m": 5.0}
        tablet.engine.create("position", new_id(), fields)
    tablet.engine.sync()
    assert {entry.result["status"] for entry in tablet.engine.outbox.entries} == {"applied"}  # type: ignore[index]
    assert session.scalar(select(func.count()).where(PositionFix.crew_id == crew.id)) == 3
    last = session.get_one(CrewPosition, crew.id, populate_existing=True)
    assert last.location.equals(at_m(200, 0))
    assert tablet.held("position") == {}


def test_a_position_on_another_continent_is_rejected(clock: FrozenClock, tablet: FieldTablet) -> None:
    fields = {"location": {"type": "Point", "coordinates": [30.2, 120.1]}, "at": clock().isoformat()}
    number = tablet.engine.create("position", new_id(), fields)
    tablet.engine.push()
    assert tablet.result(number)["problem"]["errors"] == [{"field": "location", "reason": "swapped"}]


def test_a_wrong_clock_on_the_tablet_does_not_bend_the_times_of_the_job(
    clock: FrozenClock, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    tablet.engine.clock = lambda: clock() + timedelta(hours=5)
    (number, *_) = move_to(tablet, clock, job, "accepted", "en_route", "arrived")
    clock.tick(minutes=5)
    tablet.engine.push()
    assert tablet.result(number)["status"] == "applied"
    arrived_at = session.get_one(Job, job.id, populate_existing=True).arrived_at
    assert arrived_at == clock() - timedelta(minutes=5)


def test_every_change_keeps_its_author_and_its_op(
    session: Session, job: Job, crew: Crew, crew_and_lead: tuple[Crew, Person], dispatcher: Person, tablet: FieldTablet,
    assign: Assign,
) -> None:  # fmt: skip
    assign(job, crew)
    tablet.engine.pull()
    number = tablet.engine.update("job", job.id, {"state": "accepted"})
    tablet.engine.push()
    row = record_version.c
    versions = session.execute(
        select(row.rev, row.patch["state"], row.actor, row.device_id, row.op_no)
        .where(row.rec_id == job.id)
        .order_by(row.rev)
    ).all()
    assert [tuple(version) for version in versions] == [
        (1, [None, "new"], None, None, None),
        (2, ["new", "assigned"], dispatcher.id, None, None),
        (3, ["assigned", "accepted"], crew_and_lead[1].id, tablet.device_id, number),
    ]


def test_a_browser_or_an_integrator_cannot_sync(app: Flask, dispatcher: Person) -> None:
    answered = signed_in(app, dispatcher).post("/sync/v1/pull", json={"epoch": None, "cursors": {}})
    assert (answered.status_code, answered.get_json()["code"]) == (403, "not-a-tablet")
    assert app.test_client().post("/sync/v1/pull", json={}).status_code == 401


def test_a_second_job_waits_until_the_first_is_done(
    runtime: Runtime, branch: Branch, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    later = given_job(runtime, branch, place=at_m(500, 0))
    tablet.engine.pull()
    assert set(tablet.held("job")) == {job.id}
    assert later.id not in tablet.held("job")


@pytest.mark.parametrize(
    ("length", "mime", "status", "code"),
    [
        pytest.param(MAX_BYTES + 1, "image/jpeg", 413, "file_too_large", id="larger than a photo may be"),
        pytest.param(1_000, "image/svg+xml", 422, "unsupported_file", id="a program"),
        pytest.param(0, "image/jpeg", 422, "malformed", id="nothing"),
    ],
)
def test_an_upload_that_can_never_be_accepted_is_refused_before_a_byte_travels(
    length: int, mime: str, status: int, code: str, tablet: FieldTablet
) -> None:
    begun = tablet.begin_upload(photo(), mime, "photo", length=length)
    assert (begun.status_code, begun.get_json()["code"]) == (status, code)
    assert begun.mimetype == "application/problem+json"
    tablet.headers = {**tablet.headers, "Accept-Language": "en"}
    assert tablet.begin_upload(photo(), mime, "photo", length=length).get_json()["title"].isascii()


def test_bytes_that_arrive_while_their_record_is_being_written_are_not_missed(
    committed_runtime: Runtime,
) -> None:
    """The upload's last byte and the push that declares it at the same moment, on two connections."""
    with committed_runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
    job = given_job(committed_runtime, branch)
    content = photo()
    declared = Declared(
        kind=AttachmentKind.PHOTO, slot="before", sha256=sha256(content), size_bytes=len(content), mime="image/jpeg",
        taken_at=committed_runtime.clock(),
    )  # fmt: skip
    arriving = Thread(target=arrive, args=(committed_runtime, content))
    with committed_runtime.unit_of_work(SYSTEM) as uow:
        record = media.declare(uow, attachment_id=new_id(), branch_id=branch.id, job_id=job.id, declared=declared)
        assert record.verified_at is None
        arriving.start()
        arriving.join(0.5)
        assert arriving.is_alive(), "waits for the record"
    arriving.join(10)
    with committed_runtime.sessions() as session:
        assert session.get_one(Attachment, record.id).verified_at is not None


def arrive(runtime: Runtime, content: bytes) -> None:
    Blobs(runtime.settings.blob_root).put(content)
    with runtime.unit_of_work(SYSTEM) as uow:
        media.mark_verified(uow, sha256=sha256(content))
