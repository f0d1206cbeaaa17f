"""A new tablet gets its crew's work as one stream through the product's own door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person
from app.jobs.models import Assignment, Job
from mobile_sync.lines import pages_of
from tests.factories_field import given_crew
from tests.sync.field import FieldTablet, field_tablet

Assign = Callable[[Job, Crew], Assignment]


def streaming(tablet: FieldTablet) -> FieldTablet:
    """The tablet, taking streams."""

    def snapshot(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        headers = {**tablet.headers, "Accept-Encoding": "gzip"}
        answered = tablet.client.post("/sync/v1/snapshot", json=body, headers=headers, buffered=False)
        assert answered.status_code == 200, answered.get_json()
        assert answered.headers["Content-Encoding"] == "gzip"
        yield from pages_of(answered.iter_encoded(), "gzip")

    tablet.engine.snapshot = snapshot
    return tablet


def test_a_new_tablet_gets_by_a_stream_what_it_gets_by_pages(
    app: Flask,
    session: Session,
    job: Job,
    crew: Crew,
    crew_and_lead: tuple[Crew, Person],
    tablet: FieldTablet,
    assign: Assign,
) -> None:
    assign(job, crew)
    new = streaming(field_tablet(app, session, crew_and_lead[1]))
    assert new.engine.pull(limit=2) > 1
    tablet.engine.pull()
    assert new.held("job").keys() == {job.id}
    assert new.engine.replica.docs == tablet.engine.replica.docs
    assert new.engine.replica.cursors == tablet.engine.replica.cursors
    assert new.engine.replica.mismatched == set()


def test_a_stream_has_nothing_of_another_crew(
    app: Flask,
    session: Session,
    branch: Branch,
    job: Job,
    crew: Crew,
    assign: Assign,
) -> None:
    assign(job, crew)
    _, mate = given_crew(session, branch, "R7", login="sunli")
    other = streaming(field_tablet(app, session, mate))
    other.engine.pull()
    assert other.held("job") == {}
    assert str(job.id) not in str(other.engine.replica.docs)
