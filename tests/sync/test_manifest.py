"""How many of a job's files are here: declared by the record, verified by the bytes, and small pictures first."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Person
from app.jobs import queries as jobs
from app.jobs import service
from app.jobs.models import Job
from app.kernel.clock import FrozenClock
from app.kernel.tasks import drain
from app.kernel.unit_of_work import Runtime
from app.media.queries import Manifest, manifest_of
from tests.factories import acting, signed_in
from tests.sync.field import REPAIR, FieldTablet, photo, sha256
from tests.sync.test_door import move_to

Desk = Callable[[], dict[str, Any]]


@pytest.fixture
def held(runtime: Runtime, dispatcher: Person, job: Job, crew: Crew, tablet: FieldTablet) -> Job:
    """The job, on the tablet of its crew."""
    with acting(runtime, dispatcher) as uow:
        service.assign(uow, job=jobs.lock_job(uow.session, uow.actor, job.id), crew_id=crew.id, reasons=[])
    tablet.engine.pull()
    return job


@pytest.fixture
def desk(app: Flask, dispatcher: Person) -> FlaskClient:
    return signed_in(app, dispatcher)


def files_of(desk: FlaskClient, job: Job) -> dict[str, int]:
    """As the desk's page of the job tells it."""
    files: dict[str, int] = desk.get(f"/api/v1/jobs/{job.id}").get_json()["files"]
    return files


def attachment(desk: FlaskClient, job: Job) -> dict[str, Any]:
    """The only one."""
    (found,) = desk.get(f"/api/v1/jobs/{job.id}/attachments").get_json()["items"]
    return dict(found)


def send(tablet: FieldTablet, content: bytes, mime: str = "image/jpeg", kind: str = "photo") -> None:
    begun = tablet.begin_upload(content, mime, kind)
    assert tablet.send_bytes(begun.headers["Location"], content).status_code == 204


def test_a_job_is_completed_while_its_files_travel_and_the_desk_sees_how_many_are_here(
    clock: FrozenClock, held: Job, tablet: FieldTablet, desk: FlaskClient
) -> None:
    move_to(tablet, clock, held, "accepted", "en_route", "arrived", "working")
    (record_id,) = tablet.held("form_record")
    for item, value in REPAIR.items():
        tablet.engine.update("form_record", record_id, {f"answers.{item}": value})
    pictures = {slot: photo(colour) for slot, colour in (("before", "navy"), ("after", "olive"))}
    for slot, content in pictures.items():
        tablet.attach(held.id, slot, content)
    signature = photo("white", fmt="PNG")
    tablet.attach(held.id, "customer", signature, kind="signature", mime="image/png", signer_name="周桂兰")
    done = move_to(tablet, clock, held, "restored", "completed")
    tablet.engine.sync()
    assert tablet.result(done[-1])["status"] == "applied"
    assert desk.get(f"/api/v1/jobs/{held.id}").get_json()["state"] == "completed"
    assert files_of(desk, held) == {"declared": 3, "here": 0}

    send(tablet, signature, "image/png", "signature")
    send(tablet, pictures["before"])
    assert files_of(desk, held) == {"declared": 3, "here": 2}
    tablet.engine.pull()
    assert sum(doc["verified_at"] is not None for doc in tablet.held("attachment").values()) == 2
    send(tablet, pictures["after"])
    assert files_of(desk, held) == {"declared": 3, "here": 3}


def test_a_refused_file_is_not_counted_any_more(
    runtime: Runtime, held: Job, tablet: FieldTablet, desk: FlaskClient
) -> None:
    tablet.attach(held.id, "before", b"no picture at all")
    tablet.engine.sync()
    tablet.send_files()
    assert files_of(desk, held) == {"declared": 1, "here": 1}
    drain(runtime)
    assert files_of(desk, held) == {"declared": 0, "here": 0}


RUNS = count()  # each with photos of its own


class Story:
    """What a tablet does with five photos, and what should be counted then."""

    def __init__(self, tablet: FieldTablet, job: Job) -> None:
        self.tablet, self.job = tablet, job
        self.run = next(RUNS)
        self.standing: dict[int, UUID] = {}
        self.arrived: set[int] = set()

    def content(self, number: int) -> bytes:
        return photo(size=(16 + number, 16 + self.run))

    def declare(self, number: int) -> None:
        if number not in self.standing:
            self.standing[number], _ = self.tablet.attach(self.job.id, "before", self.content(number))

    def half(self, number: int) -> None:
        begun = self.tablet.begin_upload(self.content(number), "image/jpeg", "photo")
        if number not in self.arrived:
            self.tablet.send_bytes(begun.headers["Location"], self.content(number)[:40])

    def send(self, number: int) -> None:
        if number not in self.arrived:
            send(self.tablet, self.content(number))
            self.arrived.add(number)

    def take_back(self, number: int) -> None:
        if number in self.standing:
            self.tablet.engine.delete("attachment", self.standing.pop(number))


STEPS = [Story.declare, Story.half, Story.send, Story.take_back]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4)), max_size=7))
def test_declared_is_here_plus_on_its_way_after_every_step(
    session: Session, held: Job, tablet: FieldTablet, steps: list[tuple[Callable[[Story, int], None], int]]
) -> None:
    """I19."""
    story = Story(tablet, held)
    for step, number in steps:
        step(story, number)
        tablet.engine.push()
        found = manifest_of(session, held.id)
        assert found.declared == len(story.standing)
        assert found.here == len(story.arrived & story.standing.keys())
    for number in list(story.standing):
        story.take_back(number)
    tablet.engine.push()


def test_a_photo_is_taken_back_though_it_was_verified_meanwhile(
    session: Session, held: Job, tablet: FieldTablet
) -> None:
    content = photo()
    rec_id, _ = tablet.attach(held.id, "before", content)
    tablet.engine.sync()
    send(tablet, content)
    number = tablet.engine.delete("attachment", rec_id)
    tablet.engine.sync()
    assert tablet.result(number)["status"] == "applied"
    assert manifest_of(session, held.id) == Manifest(0, 0)
    assert tablet.held("attachment") == {}


def with_preview(tablet: FieldTablet, job: Job, content: bytes, preview: bytes, **lies: Any) -> int:
    """Record a photo and its small picture in one op."""
    files = [
        {"sha256": sha256(content), "size": len(content), "mime": "image/jpeg", "kind": "photo", "slot": "before"},
        {"sha256": sha256(preview), "size": len(preview), "mime": "image/jpeg", "kind": "thumb", "slot": "before",
         **lies},
    ]  # fmt: skip
    fields = {"job_id": str(job.id), "kind": "photo", "slot": "before"}
    number = tablet.engine.create("attachment", UUID(int=len(content)), fields, files=files)
    tablet.engine.push()
    return number


def small_size(desk: FlaskClient, told: dict[str, Any]) -> tuple[int, int]:
    shown = desk.get(f"/api/v1/attachments/{told['id']}/thumbnail")
    with Image.open(io.BytesIO(shown.data)) as picture:
        return picture.size


def test_a_small_picture_is_seen_at_the_desk_before_its_photo_is_there(
    runtime: Runtime, held: Job, tablet: FieldTablet, desk: FlaskClient
) -> None:
    content, preview = photo(size=(1600, 1200)), photo(size=(160, 120))
    with_preview(tablet, held, content, preview)
    assert files_of(desk, held) == {"declared": 1, "here": 0}, "nobody counts small pictures"
    send(tablet, preview, kind="thumb")
    drain(runtime)
    told = attachment(desk, held)
    assert (told["has_thumbnail"], told["verified_at"], told["width_px"]) == (True, None, None)
    assert small_size(desk, told) == (160, 120)
    assert desk.get(f"/api/v1/attachments/{told['id']}/content").status_code == 404

    send(tablet, content)
    drain(runtime)
    told = attachment(desk, held)
    assert (told["has_thumbnail"], told["width_px"]) == (True, 1600)
    assert small_size(desk, told) == (320, 240), "the photo's own takes its place"


def test_a_small_picture_that_is_no_picture_or_comes_late_changes_nothing(
    runtime: Runtime, held: Job, tablet: FieldTablet, desk: FlaskClient
) -> None:
    content, preview = photo(size=(800, 600)), b"no picture at all"
    with_preview(tablet, held, content, preview)
    send(tablet, preview, kind="thumb")
    drain(runtime)
    assert attachment(desk, held)["has_thumbnail"] is False
    send(tablet, content)
    drain(runtime)
    told = attachment(desk, held)
    assert (told["refused"], told["width_px"]) == (None, 800)


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        pytest.param({"size": 30_001}, "file-too-large", id="not small"),
        pytest.param({"mime": "image/png"}, "file-type-not-allowed", id="not a JPEG"),
        pytest.param({"slot": "after"}, "one-file-an-attachment", id="of another slot"),
    ],
)
def test_a_small_picture_that_makes_no_sense_is_refused_when_declared(
    held: Job, tablet: FieldTablet, lies: dict[str, Any], code: str
) -> None:
    number = with_preview(tablet, held, photo(), photo(size=(160, 120)), **lies)
    told = tablet.result(number)
    assert (told["status"], told["problem"]["code"]) == ("rejected", code)
    assert tablet.begin_upload(bytes(30_001), "image/jpeg", "thumb").status_code == 413


def test_the_server_says_how_long_originals_stay(tablet: FieldTablet) -> None:
    assert tablet.post("blobs/check", {"hashes": []})["keep_s"] == 7 * 24 * 3600
