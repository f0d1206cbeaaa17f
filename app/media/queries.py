"""Reads of media."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, select, text, true, union
from sqlalchemy.orm import Session

from app.identity.models import Branch
from app.kernel.actor import Actor, Permission
from app.kernel.problems import NotFound
from app.media.models import Attachment

SEEN_AFTER_COMPLETION = timedelta(days=3)  # a crew sees its finished work that long, on the tablet and here

# Jobs lie above this room; who holds one is asked by table name, as foreign keys name tables.
_HELD = text(
    "EXISTS (SELECT 1 FROM assignment JOIN crew_member ON crew_member.crew_id = assignment.crew_id"
    " WHERE assignment.job_id = attachment.job_id AND crew_member.person_id = :person AND crew_member.until IS NULL"
    " AND (assignment.ended_at IS NULL OR (assignment.end_reason = 'completed' AND assignment.ended_at > :since)))"
)


def slots_present(session: Session, job_id: UUID) -> set[tuple[str, str]]:
    """The (kind, slot) pairs of a job that have a file not refused, whether its bytes are here or on their way."""
    query = select(Attachment.kind, Attachment.slot).where(
        Attachment.job_id == job_id, Attachment.deleted_at.is_(None), Attachment.refused.is_(None)
    )
    return {(kind.value, slot) for kind, slot in session.execute(query)}


def visible_to(actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Files of branches where the actor reads all jobs, and of jobs that their crew holds or has just finished."""
    if actor.everything:
        return true()
    if actor.person_id is None:
        return false()
    held = _HELD.bindparams(person=actor.person_id, since=now - SEEN_AFTER_COMPLETION)
    return or_(
        Attachment.branch_id.in_(actor.branches_with(Permission.READ_ALL_JOBS)),
        and_(Attachment.branch_id.in_(actor.branches_with(Permission.WORK_JOBS)), held),
    )


def get_attachment(session: Session, actor: Actor, attachment_id: UUID, now: datetime) -> Attachment:
    """A file's record.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    query = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.deleted_at.is_(None), visible_to(actor, now)
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def lock_attachment(session: Session, attachment_id: UUID) -> Attachment | None:
    """A file's record, deleted or not, held until the end of the transaction; None if it never was."""
    return session.get(Attachment, attachment_id, with_for_update=True, populate_existing=True)


def hold_content(session: Session, sha256: str) -> None:
    """Who declares a file and who says that its bytes are here wait for each other, so that neither misses it."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:content, 0))"), {"content": f"blob:{sha256}"})


def try_to_hold_content(session: Session, sha256: str) -> bool:
    """As above, but waits for nobody: False where somebody else holds it."""
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:content, 0))")
    return bool(session.scalar(query, {"content": f"blob:{sha256}"}))


def contents_named(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of these hashes that a file's record names, deleted or not: of itself or of a small picture."""
    names = (Attachment.sha256, Attachment.preview_sha256, Attachment.thumbnail_sha256)
    found = union(*(select(name).where(name.in_(hashes)) for name in names))
    return {sha256 for sha256 in session.scalars(found) if sha256}


def content_is_here(session: Session, sha256: str) -> bool:
    """Whether these bytes have arrived and their hash was right, for whatever record."""
    query = text("SELECT EXISTS (SELECT FROM blob WHERE sha256 = decode(:content, 'hex') AND state = 'verified')")
    return bool(session.scalar(query, {"content": sha256}))


def waiting_for_preview(session: Session, sha256: str) -> list[UUID]:
    """Photos whose small picture has these bytes and that have nothing to show yet."""
    query = select(Attachment.id).where(
        Attachment.preview_sha256 == sha256, Attachment.thumbnail_sha256.is_(None), Attachment.deleted_at.is_(None)
    )
    return list(session.scalars(query.order_by(Attachment.id)))


def never_examined(session: Session, *, since: datetime, before: datetime, most: int) -> list[UUID]:
    """Files that arrived in this time and were neither accepted nor refused, and that no task is about to look at."""
    asked = text(
        "NOT EXISTS (SELECT FROM outbox WHERE payload ->> 'attachment_id' = attachment.id::text"
        " AND done_at IS NULL AND given_up_at IS NULL)"
    )
    query = select(Attachment.id).where(
        Attachment.verified_at.between(since, before),
        Attachment.width_px.is_(None),
        Attachment.refused.is_(None),
        Attachment.deleted_at.is_(None),
        asked,
    )
    return list(session.scalars(query.order_by(Attachment.verified_at).limit(most)))


def zone_of(session: Session, branch_id: UUID) -> str:
    """The branch's time zone: what a camera without one means."""
    return session.scalars(select(Branch.timezone).where(Branch.id == branch_id)).one()


@dataclass(frozen=True)
class Manifest:
    """How many files a job's crew has declared, those refused left out, and how many of them are here and right."""

    declared: int
    here: int


def manifest_of(session: Session, job_id: UUID) -> Manifest:
    """Declared = here + on their way, always."""
    query = select(func.count(), func.count(Attachment.verified_at)).where(
        Attachment.job_id == job_id, Attachment.deleted_at.is_(None), Attachment.refused.is_(None)
    )
    return Manifest(*session.execute(query).one())


def lock_unverified(session: Session, sha256: str) -> list[Attachment]:
    """Records that wait for these bytes, held until the end of the transaction."""
    query = select(Attachment).where(
        Attachment.sha256 == sha256, Attachment.verified_at.is_(None), Attachment.deleted_at.is_(None)
    )
    return list(session.scalars(query.order_by(Attachment.id).with_for_update()))
