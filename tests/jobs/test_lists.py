"""Lists made in SQL say what the schemas say, page without gaps and cost one query."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.identity.models import Branch, Person, Role
from app.jobs import queries, service
from app.jobs.models import Assignment, Job, JobEvent, JobKind, JobState, Priority
from app.jobs.pages import HEADINGS, as_csv, stream_csv
from app.jobs.queries import JobFilter
from app.jobs.schemas import AttachmentOut, EventOut, JobOut
from app.kernel.clock import FrozenClock
from app.kernel.problems import Invalid
from app.kernel.unit_of_work import Runtime
from app.media.models import Attachment, AttachmentKind
from tests.factories import acting, given_branch, given_person
from tests.factories_field import NOON, at_m, counted_queries, given_attachment, given_crew, given_job

ALL = JobFilter()


def listed(runtime: Runtime, who: Person, wanted: JobFilter = ALL, **page: Any) -> dict[str, Any]:
    with acting(runtime, who) as uow:
        found = queries.jobs_json(uow.session, uow.actor, wanted, **{"limit": 50, "cursor": None, **page})
    body: dict[str, Any] = json.loads(found)
    return body


def numbers(page: dict[str, Any]) -> list[str]:
    return [job["number"] for job in page["items"]]


def as_dumped(session: Session, job_id: Any) -> dict[str, Any]:
    """The job through the ORM and marshmallow."""
    job = session.get_one(Job, job_id)
    held = session.scalar(select(Assignment).where(Assignment.job_id == job.id, Assignment.ended_at.is_(None)))
    brief = None
    if held is not None:
        crew = session.get_one(Crew, held.crew_id)
        brief = {
            **{name: getattr(held, name) for name in ("id", "live", "assigned_at", "planned_start", "planned_end")},
            "crew_id": crew.id,
            "crew_code": crew.code,
            "crew_name_zh": crew.name_zh,
            "crew_name_en": crew.name_en,
        }
    columns = {column.key: getattr(job, column.key) for column in Job.__table__.columns}
    dumped: dict[str, Any] = json.loads(json.dumps(JobOut().dump({**columns, "assignment": brief})))
    return dumped


def test_the_list_made_in_sql_equals_the_schemas_dump(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew
) -> None:
    full = {
        "contact_name": "周“桂”兰\\",
        "contact_phone": "13800000001",
        "window": (NOON, NOON + timedelta(hours=2)),
        "due_at": NOON + timedelta(minutes=45),
        "note": "二楼\n门铃坏了",
    }
    plain, rich = given_job(runtime, branch), given_job(runtime, branch, JobKind.CARE_VISIT, place=at_m(3, -7), **full)
    with acting(runtime, dispatcher) as uow:
        window = (NOON + timedelta(hours=1), NOON + timedelta(hours=2))
        held = queries.lock_job(uow.session, uow.actor, rich.id)
        service.assign(uow, job=held, crew_id=crew.id, reasons=[], live=False, window=window)
    page = listed(runtime, dispatcher)
    assert page["items"] == [as_dumped(session, rich.id), as_dumped(session, plain.id)]


def test_timeline_and_attachments_equal_the_schemas_dump(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        held = queries.lock_job(uow.session, uow.actor, job.id)
        service.edit_job(uow, job=held, changes={"note": "x"})
    given_attachment(session, job, AttachmentKind.PHOTO, "before", location=at_m(1, 1), accuracy_m=4.5)
    lines = json.loads(queries.timeline_json(session, job.id))
    rows = session.scalars(select(JobEvent).where(JobEvent.job_id == job.id).order_by(JobEvent.at, JobEvent.id))
    names = {"person_name": dispatcher.name, "person_name_en": dispatcher.name_en}
    assert [without_names(line) for line in lines] == [json.loads(EventOut().dumps(row)) for row in rows]
    assert {key: lines[1][key] for key in names} == names
    files = json.loads(queries.attachments_json(session, job.id))
    row = session.scalars(select(Attachment).where(Attachment.job_id == job.id)).one()
    columns = {column.key: getattr(row, column.key) for column in Attachment.__table__.columns}
    seen = {"has_thumbnail": False, "exif_away_m": None, "differs": []}
    assert files == [json.loads(AttachmentOut().dumps({**columns, **seen}))]


def without_names(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in {"person_name", "person_name_en", "crew_code"}}


def test_pages_join_without_gap_or_overlap(
    runtime: Runtime, clock: FrozenClock, branch: Branch, dispatcher: Person
) -> None:
    for number in range(7):
        if number % 3 == 0:
            clock.tick(minutes=1)  # several jobs share a time
        given_job(runtime, branch)
    everything = numbers(listed(runtime, dispatcher))
    seen: list[str] = []
    cursor = None
    while True:
        page = listed(runtime, dispatcher, limit=2, cursor=cursor)
        seen += numbers(page)
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == everything
    assert len(set(seen)) == 7


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIiwiYiJd", "WyJhIl0"])
def test_a_foreign_cursor_is_refused(runtime: Runtime, branch: Branch, dispatcher: Person, cursor: str) -> None:
    assert branch is not None
    with pytest.raises(Invalid):
        listed(runtime, dispatcher, cursor=cursor)


@pytest.mark.parametrize("jobs", [1, 30], ids=["one job", "thirty jobs"])
def test_a_list_costs_one_query_whatever_the_page(
    runtime: Runtime, branch: Branch, dispatcher: Person, jobs: int
) -> None:
    for _ in range(jobs):
        given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow, counted_queries(runtime) as sent:
        queries.jobs_json(uow.session, uow.actor, ALL, limit=50, cursor=None)
    assert len(sent) == 1


def test_filters_narrow_the_list(runtime: Runtime, branch: Branch, dispatcher: Person) -> None:
    repair = given_job(runtime, branch, priority=Priority.EMERGENCY, address="龙衡路100%号_a")
    visit = given_job(runtime, branch, JobKind.CARE_VISIT)
    with acting(runtime, dispatcher) as uow:
        held = queries.lock_job(uow.session, uow.actor, visit.id)
        service.transition(uow, job=held, to=JobState.CANCELLED, reason="moved away")
    for wanted in (
        JobFilter(state="open"),
        JobFilter(state="new"),
        JobFilter(kind=JobKind.OUTAGE_REPAIR),
        JobFilter(priority=Priority.EMERGENCY),
        JobFilter(q=repair.number.lower()),
        JobFilter(q="100%号_"),
    ):
        assert numbers(listed(runtime, dispatcher, wanted)) == [repair.number], wanted
    assert numbers(listed(runtime, dispatcher, JobFilter(state="cancelled"))) == [visit.number]
    assert numbers(listed(runtime, dispatcher, JobFilter(opened_from=NOON + timedelta(hours=1)))) == []
    assert len(numbers(listed(runtime, dispatcher, JobFilter(q="龙衡路")))) == 2


def test_each_reader_gets_their_own_jobs_only(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person, crew: Crew, lead: Person
) -> None:
    elsewhere = given_branch(session, "XX", centre=(110.0, 30.0))
    foreign = given_person(session, elsewhere, "foreign", [Role.DISPATCHER])
    both = given_person(session, elsewhere, "both", [Role.MANAGER])
    _, idle = given_crew(session, branch, "R8", login="idle")
    ours, theirs = given_job(runtime, branch), given_job(runtime, elsewhere, place=at_m(centre=(110.0, 30.0)))
    free = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        held = queries.lock_job(uow.session, uow.actor, ours.id)
        service.assign(uow, job=held, crew_id=crew.id, reasons=[])
    assert set(numbers(listed(runtime, dispatcher))) == {ours.number, free.number}
    assert [job["id"] for job in listed(runtime, foreign)["items"]] == [str(theirs.id)]
    assert [job["id"] for job in listed(runtime, both)["items"]] == [str(theirs.id)]
    assert numbers(listed(runtime, lead)) == [ours.number]
    assert numbers(listed(runtime, idle)) == []


def given_a_history(session: Session, *, of: Job, jobs: int = 3_000) -> None:
    """Cancelled jobs like this one, and statistics that know them: the planner chooses as in a real branch."""
    columns = [column.name for column in Job.__table__.columns]
    changed = {
        "id": "gen_random_uuid()",
        "number": "job.number || '-' || n",
        "state": f"'{JobState.CANCELLED}'",
        "opened_at": "job.opened_at - n * interval '1 hour'",
    }
    values = ", ".join(changed.get(name, f"job.{name}") for name in columns)
    session.flush()
    session.execute(
        text(
            f"INSERT INTO job ({', '.join(columns)}) SELECT {values} FROM job, generate_series(1, :jobs) AS n "  # noqa: S608
            "WHERE job.id = :id"
        ),
        {"jobs": jobs, "id": of.id},
    )
    session.execute(text("ANALYZE job"))


def test_the_page_of_open_jobs_reads_its_index_in_order(
    runtime: Runtime, session: Session, branch: Branch, dispatcher: Person
) -> None:
    given_a_history(session, of=given_job(runtime, branch))
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "json_agg" in statement and not plans:
            plans.append("")
            cursor.execute("EXPLAIN " + statement, parameters)
            plans[0] = "\n".join(row[0] for row in cursor.fetchall())

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        listed(runtime, dispatcher, JobFilter(state="open"))
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    assert "ix_job_open" in plans[0], plans[0]


def test_an_export_opens_in_a_spreadsheet_and_runs_nothing(
    runtime: Runtime, branch: Branch, dispatcher: Person
) -> None:
    given_job(runtime, branch, address='=HYPERLINK("http://evil")', note='a "quoted", note\nin two lines')
    with acting(runtime, dispatcher) as uow:
        table = b"".join(as_csv(queries.jobs_rows(uow.session, uow.actor, ALL)))
    assert table.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert rows[0]["address"] == '\'=HYPERLINK("http://evil")'
    assert rows[0]["note"] == 'a "quoted", note\nin two lines'
    assert (rows[0]["opened_at"], rows[0]["crew"]) == ("2026-07-16T00:00:00+00:00", "")


def test_an_export_takes_rows_from_the_database_as_they_are_sent(
    runtime: Runtime, branch: Branch, dispatcher: Person
) -> None:
    job = given_job(runtime, branch)
    with acting(runtime, dispatcher) as uow:
        actor = uow.actor
    pieces = stream_csv(runtime, actor, ALL)
    assert next(pieces) == b"\xef\xbb\xbf"
    text_of_first = next(pieces).decode()
    assert job.number in text_of_first
    assert list(pieces) == []
    with acting(runtime, dispatcher) as uow, closing(queries.jobs_rows(uow.session, uow.actor, ALL)) as rows:
        next(rows)
        assert uow.session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1, "the server holds the rows, not we"


def test_an_export_of_any_length_needs_little_memory() -> None:
    row = {**dict.fromkeys(HEADINGS), "number": "QX20260716-0001", "note": "停电" * 100}
    rows = 20_000
    tracemalloc.start()
    sent = sum(len(piece) for piece in as_csv(row for _ in range(rows)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 12_000_000
    assert peak < 2_000_000
