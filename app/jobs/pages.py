"""A job as its page shows it, and jobs as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.jobs import queries, rules
from app.jobs.queries import JobFilter, JobView
from app.kernel.actor import Actor
from app.kernel.net import narrow
from app.kernel.spreadsheet import table_csv
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.media.queries import manifest_of

HEADINGS = (
    "number", "kind", "state", "priority", "required_skill", "address", "lon", "lat", "crew",
    "opened_at", "due_at", "arrived_at", "restored_at", "completed_at", "note", "finding",
)  # fmt: skip


def page_of(uow: UnitOfWork, view: JobView) -> dict[str, Any]:
    """Everything `JobDetail` shows, with what is missing and what this reader may do."""
    job, record = view.job, view.record
    answers = {} if record is None else record.answers
    hands = queries.hands_of(uow.session, uow.actor, job)
    return {
        **{column.key: getattr(job, column.key) for column in job.__table__.columns},
        "assignment": _brief(view),
        "form": view.form.document,
        "record": record,
        "files": manifest_of(uow.session, job.id),
        "missing": rules.missing(view.form.document, answers, queries.filled_slots(uow.session, job.id)),
        "allowed": rules.allowed(job.kind, job.state, hands),
    }


def _brief(view: JobView) -> dict[str, Any] | None:
    if view.assignment is None or view.crew is None:
        return None
    held, crew = view.assignment, view.crew
    return {
        "id": held.id,
        "crew_id": crew.id,
        "crew_code": crew.code,
        "crew_name_zh": crew.name_zh,
        "crew_name_en": crew.name_en,
        "live": held.live,
        "assigned_at": held.assigned_at,
        "planned_start": held.planned_start,
        "planned_end": held.planned_end,
    }


def stream_csv(runtime: Runtime, actor: Actor, wanted: JobFilter) -> Iterator[bytes]:
    """The table in pieces, out of a transaction of its own that lives as long as the reader takes pieces."""
    with runtime.sessions() as session:
        narrow(session, actor.scope)
        yield from as_csv(queries.jobs_rows(session, actor, wanted))


def as_csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The table of these rows, some at a time."""
    return table_csv(HEADINGS, rows)
