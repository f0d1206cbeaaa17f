"""Which tablet holds what: its crew's work, of its own branch, while it lasts."""

from __future__ import annotations

from uuid import UUID

from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries as jobs
from app.jobs import service
from app.jobs.models import Assignment, Job, JobState
from app.kernel.clock import FrozenClock
from app.kernel.unit_of_work import Runtime
from app.sync import placement
from app.sync.track import place_again
from mobile_sync.adapters.tables import sync_bucket, sync_entry
from tests.factories import acting, given_branch, given_person, signed_in
from tests.factories_field import given_crew
from tests.sync.field import Assign, FieldTablet, field_tablet


def held_in_crew_bucket(session: Session, crew: Crew) -> set[UUID]:
    """What the crew's tablets are told to hold now."""
    entry, bucket = sync_entry.c, sync_bucket.c
    query = select(entry.rec_id).join_from(sync_entry, sync_bucket, bucket.id == entry.bucket_id)
    return set(session.scalars(query.where(bucket.key == placement.crew_key(crew.id), entry.gone.is_(False))))


def test_a_tablet_of_another_crew_gets_nothing(
    job: Job, crew: Crew, tablet: FieldTablet, other_tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    other_tablet.engine.pull()
    assert job.id in tablet.held("job")
    assert other_tablet.held("job") == {}
    assert other_tablet.held("form_record") == {}
    assert crew.id not in other_tablet.held("crew")


def test_a_tablet_of_another_branch_gets_nothing_but_its_own(
    app: Flask, session: Session, job: Job, crew: Crew, assign: Assign
) -> None:
    assign(job, crew)
    elsewhere = given_branch(session, "XS", centre=(121.5, 31.2))
    their_crew, their_lead = given_crew(session, elsewhere, "X1", login="xuesong")
    stranger = field_tablet(app, session, their_lead)
    stranger.engine.pull()
    assert {key.partition("/")[0] for key in stranger.engine.replica.docs} == {"crew", "form"}
    assert set(stranger.held("crew")) == {their_crew.id}


def test_a_cursor_of_another_branch_brings_nothing_of_it(
    app: Flask, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    elsewhere = given_branch(session, "XS", centre=(121.5, 31.2))
    their_crew, their_lead = given_crew(session, elsewhere, "X1", login="xuesong")
    stranger = field_tablet(app, session, their_lead)
    stolen = dict.fromkeys(tablet.engine.replica.cursors, 0)
    pulled = stranger.post("pull", {"epoch": tablet.engine.replica.epoch, "cursors": stolen, "limit": 500})
    answered = {state["key"] for state in pulled["buckets"]}
    ours = {key for key in stolen if str(crew.id) in key or str(crew.branch_id) in key}
    assert ours
    assert ours <= set(pulled["dropped"])
    assert not ours & answered
    assert {change["id"] for change in pulled["changes"] if change["entity"] != "form"} == {str(their_crew.id)}


def test_work_on_a_job_that_was_never_ours_is_kept_for_a_person(
    session: Session, job: Job, crew: Crew, other_tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    other_tablet.engine.pull()
    number = other_tablet.engine.update("job", job.id, {"state": "accepted"})
    other_tablet.engine.push()
    result = other_tablet.result(number)
    assert (result["status"], result["problem"]["code"]) == ("quarantined", "out_of_scope")
    assert session.get_one(Job, job.id, populate_existing=True).state is JobState.ASSIGNED


def test_a_job_given_to_another_crew_leaves_the_first_tablet(
    runtime: Runtime, job: Job, crew: Crew, other_crew_and_lead: tuple[Crew, Person], dispatcher: Person,
    tablet: FieldTablet, other_tablet: FieldTablet, assign: Assign,
) -> None:  # fmt: skip
    assign(job, crew)
    tablet.engine.pull()
    assert job.id in tablet.held("job")
    with acting(runtime, dispatcher) as uow:
        service.withdraw(uow, job=jobs.lock_job(uow.session, uow.actor, job.id))
    assign(job, other_crew_and_lead[0])
    tablet.engine.pull()
    other_tablet.engine.pull()
    assert tablet.held("job") == {}
    assert tablet.held("form_record") == {}
    assert job.id in other_tablet.held("job")


def test_a_finished_job_leaves_the_tablet_after_three_days(
    runtime: Runtime, clock: FrozenClock, session: Session, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assignment = assign(job, crew)
    tablet.engine.pull()
    with runtime.unit_of_work() as uow:
        ended = uow.session.get_one(Assignment, assignment.id)
        ended.ended_at, ended.end_reason = uow.now, "completed"  # type: ignore[assignment]
    tablet.engine.pull()
    assert job.id in tablet.held("job")
    clock.tick(days=3, minutes=1)
    with runtime.unit_of_work() as uow:
        place_again(uow.session, set(placement.outstayed(uow.session, uow.now)))
    with runtime.unit_of_work() as uow:
        assert list(placement.outstayed(uow.session, uow.now)) == []
    assert held_in_crew_bucket(session, crew) == {crew.id}


def test_a_loaded_district_is_on_the_tablets_at_once(
    runtime: Runtime, session: Session, crew: Crew, tablet: FieldTablet, job: Job, assign: Assign
) -> None:
    assign(job, crew)
    session.execute(delete(sync_entry))  # as after COPY, which no hook sees
    session.execute(update(sync_bucket).values(row_count=0, checksum=0))
    placement.seed(session, runtime.clock())
    session.commit()
    tablet.engine.pull()
    assert set(tablet.held("job")) == {job.id}
    assert set(tablet.held("crew")) == {crew.id}
    assert len(tablet.held("form")) == 7


def test_a_revoked_tablet_pulls_nothing_and_its_ops_are_kept(
    app: Flask, session: Session, branch: Branch, job: Job, crew: Crew, tablet: FieldTablet, assign: Assign
) -> None:
    assign(job, crew)
    tablet.engine.pull()
    manager = signed_in(app, given_person(session, branch, "wanglei", [Role.MANAGER]))
    revoked = manager.post(f"/api/v1/devices/{tablet.device_id}/revoke", json={})
    assert revoked.status_code == 200, revoked.get_json()
    number = tablet.engine.update("job", job.id, {"state": "accepted"})
    tablet.engine.push()
    assert tablet.result(number)["problem"]["code"] == "device_revoked"
    pulled = tablet.client.post("/sync/v1/pull", json={"epoch": None, "cursors": {}}, headers=tablet.headers)
    assert (pulled.status_code, pulled.get_json()["code"]) == (403, "device_revoked")
    assert pulled.get_json()["params"] == {"wipe": False}
    assert manager.post(f"/api/v1/devices/{tablet.device_id}/revoke", json={"wipe": True}).status_code == 200
    pulled = tablet.client.post("/sync/v1/pull", json=tablet.engine.replica.request([]), headers=tablet.headers)
    assert pulled.get_json()["params"] == {"wipe": True}
