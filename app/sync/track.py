"""Every change of a synced row is told to tablets and live screens in its own transaction, whoever makes it.

Hooks on the session, so that a verb cannot forget: after a flush each revised row writes its version and marks its
entries; before the commit, records whose place may have changed are placed anew, in one query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, UOWTransaction, sessionmaker

from app.conflicts import queries as conflicts
from app.conflicts.service import ENTITY
from app.crews.models import Crew, CrewMember, CrewRegion, Shift
from app.customers.models import Place
from app.demands.models import Demand
from app.identity.models import Branch
from app.jobs.models import Assignment, Form, FormRecord, Job
from app.kernel.buckets import catalog_key, crew_key, live_key
from app.kernel.clock import utc_now
from app.kernel.db import Revised
from app.kernel.unit_of_work import UnitOfWork
from app.media.models import Attachment
from app.outages.models import Outage, OutageState
from app.sync.placement import places_of_jobs, places_of_outages
from app.sync.values import patch_of
from mobile_sync.adapters.sql import Author, move, touch, track, tracker_of

ENTITIES: dict[type[Revised], str] = {
    Job: "job",
    FormRecord: "form_record",
    Attachment: "attachment",
    Crew: "crew",
    Outage: "outage",
}
DISPUTABLE = (Job, FormRecord, Attachment)
_KEY = "app.sync.unplaced"
_TOLD = "app.sync.told"


@dataclass
class Unplaced:
    """What has to be put into its buckets before the commit."""

    jobs: set[UUID] = field(default_factory=set)
    handed: set[UUID] = field(default_factory=set)  # jobs of another crew than before: what disputes them goes along
    disputable: set[UUID] = field(default_factory=set)  # changed records: conflicts about them show another value now
    forms: set[UUID] = field(default_factory=set)
    branches: set[UUID] = field(default_factory=set)
    outages: set[UUID] = field(default_factory=set)
    redrawn: set[UUID] = field(default_factory=set)  # branches in which regions begin, end or have other outlines


def follow_changes(sessions: sessionmaker[Session]) -> None:
    """Hook every session this maker makes."""
    event.listen(sessions, "after_flush", _after_flush)
    event.listen(sessions, "before_commit", _before_commit)


def place_again(session: Session, job_ids: set[UUID]) -> None:
    """Compute the buckets of these jobs and what belongs to them anew, at the commit."""
    _unplaced(session).jobs |= job_ids
    _unplaced(session).handed |= job_ids


def _unplaced(session: Session) -> Unplaced:
    return cast(Unplaced, session.info.setdefault(_KEY, Unplaced()))


def _uow(session: Session) -> UnitOfWork | None:
    return cast("UnitOfWork | None", session.info.get("uow"))


def _after_flush(session: Session, _context: UOWTransaction) -> None:
    for row in session.new:
        _told(session, row, fresh=True)
    for row in session.dirty:
        if session.is_modified(row):
            _told(session, row, fresh=False)


def _told(session: Session, row: Any, *, fresh: bool) -> None:
    if type(row) in ENTITIES:
        session.info[_TOLD] = True
        _revised(session, row, fresh=fresh)
    elif type(row) in _OTHERS:
        session.info[_TOLD] = True
        _OTHERS[type(row)](session, row)


def _revised(session: Session, row: Revised, *, fresh: bool) -> None:
    """A version, and marks where it is; what is new, or must leave, is placed at the commit."""
    entity = ENTITIES[type(row)]
    _sign(session)
    deleted = row.deleted_at is not None
    track(session, entity, row.id, rev=row.rev, patch=patch_of(row), deleted=deleted)
    _show_live(session, entity, row.id, row.branch_id, enter=not deleted)
    if fresh and isinstance(row, Crew):
        touch(session, entity, row.id, buckets={crew_key(row.id)})
    elif isinstance(row, Outage):
        _unplaced(session).outages.add(row.id)
    elif not fresh and type(row) in DISPUTABLE:
        _unplaced(session).disputable.add(row.id)
    elif fresh:
        _unplaced(session).jobs.add(row.id if isinstance(row, Job) else cast(UUID, row.job_id))  # type: ignore[attr-defined]
    if (
        isinstance(row, Job)
        and row.outage_id is not None
        and (fresh or inspect(row).attrs.due_at.history.has_changes())
    ):
        touch(session, "outage", row.outage_id)  # which says by when a crew is due


def _sign(session: Session) -> None:
    """Versions are by the person of the unit, unless an op of a tablet has signed already."""
    tracker, uow = tracker_of(session), _uow(session)
    if uow is not None and tracker.author.op_no is None:
        tracker.author = Author(actor=uow.actor.person_id, at=uow.now)


def _show_live(session: Session, entity: str, rec_id: UUID, branch_id: UUID, *, enter: bool = True) -> None:
    if enter:
        touch(session, entity, rec_id, buckets={live_key(branch_id)})
    uow = _uow(session)
    if uow is not None:
        uow.wake_live(branch_id)


def _assigned(session: Session, row: Assignment) -> None:
    """A job changes hands: it moves between crews, and both crews look different on the map."""
    _unplaced(session).jobs.add(row.job_id)
    _unplaced(session).handed.add(row.job_id)
    _show_live(session, "crew", row.crew_id, row.branch_id)


def _rostered(session: Session, row: CrewMember | Shift) -> None:
    touch(session, "crew", row.crew_id)
    _show_live(session, "crew", row.crew_id, row.branch_id)


def _asked(session: Session, row: Demand) -> None:
    _show_live(session, "demand", row.id, row.branch_id)
    if row.outage_id is not None:  # the outage shows how many have called
        _show_live(session, "outage", row.outage_id, row.branch_id)


def _redrawn(session: Session, row: Place | CrewRegion) -> None:
    """What lies where has to be asked again; and what places are called is in the documents."""
    _unplaced(session).redrawn.add(row.branch_id)


def _published(session: Session, row: Form) -> None:
    _unplaced(session).forms.add(row.id)


def _founded(session: Session, row: Branch) -> None:
    _unplaced(session).branches.add(row.id)


_OTHERS: dict[type[Any], Callable[[Session, Any], None]] = {
    Assignment: _assigned,
    CrewMember: _rostered,
    Shift: _rostered,
    Demand: _asked,
    Form: _published,
    Branch: _founded,
    Place: _redrawn,
    CrewRegion: _redrawn,
}


def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    uow = _uow(session)
    for branch_id, entity, rec_id in uow.take_live_records() if uow else ():
        session.info[_TOLD] = True
        _show_live(session, entity, rec_id, branch_id)
    unplaced = cast("Unplaced | None", session.info.pop(_KEY, None))
    if unplaced is not None:
        _place(session, unplaced)
    if session.info.pop(_TOLD, False) or unplaced is not None:
        tracker_of(session).flush(session)  # a tracker made just now, in the flush above, has missed this commit's call


def _place(session: Session, unplaced: Unplaced) -> None:
    uow = _uow(session)
    now = uow.now if uow else utc_now()
    if unplaced.jobs:
        for (entity, rec_id), keys in places_of_jobs(session, unplaced.jobs, now).items():
            move(session, entity, rec_id, buckets=keys)
    _place_conflicts(session, unplaced, now)
    if unplaced.forms or unplaced.branches:
        _place_forms(session)
    if unplaced.outages or unplaced.redrawn:
        _place_outages(session, unplaced)


def _place_outages(session: Session, unplaced: Unplaced) -> None:
    here = Outage.branch_id.in_(unplaced.redrawn)
    around = set(session.scalars(select(Outage.id).where(here, Outage.state == OutageState.OPEN)))
    for outage_id, keys in places_of_outages(session, unplaced.outages | around).items():
        move(session, "outage", outage_id, buckets=keys)


def _place_conflicts(session: Session, unplaced: Unplaced, now: datetime) -> None:
    if unplaced.disputable:
        for conflict_id in conflicts.open_about(session, unplaced.disputable):
            touch(session, ENTITY, conflict_id)
    if unplaced.handed:
        for conflict_id, keys in conflicts.places_of_jobs(session, unplaced.handed, now).items():
            move(session, ENTITY, conflict_id, buckets=keys)


def _place_forms(session: Session) -> None:
    """Every form to every branch: there are few of both, and rarely a new one."""
    keys = {catalog_key(branch_id) for branch_id in session.scalars(select(Branch.id))}
    for form_id in session.scalars(select(Form.id)):
        move(session, "form", form_id, buckets=keys)
