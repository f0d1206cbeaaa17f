"""Reads of the keys of GIS programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.identity.models import GisKey, Person, Role
from app.identity.queries.logins import grants_of_person, pairs_of, scope_of_person
from app.kernel.net import narrowing
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class Holder:
    """A key, who made it and what they may do now."""

    key: GisKey
    person: Person
    grants: list[tuple[Role, UUID]]


# Narrowed by the same statement, like a login: see queries.logins.
_HOLDER = select(GisKey, Person, grants_of_person(), narrowing(scope_of_person()).label("narrowed")).join(
    Person, Person.id == GisKey.person_id
)


def holder_of(session: Session, key_hash: bytes) -> Holder | None:
    """Whose a key is; narrows the transaction to that person's branches."""
    row = session.execute(_HOLDER.where(GisKey.key_hash == key_hash)).one_or_none()
    return None if row is None else Holder(row[0], row[1], pairs_of(row[2]))


def note_use(session: Session, key_id: UUID, *, now: datetime, unless_since: datetime) -> bool:
    """Write down that a key is used, unless that was done since, or is being done; says whether it was done here."""
    stale = or_(GisKey.last_used_at.is_(None), GisKey.last_used_at < unless_since)
    free = select(GisKey.id).where(GisKey.id == key_id, stale).with_for_update(skip_locked=True)
    noted = session.execute(
        update(GisKey).where(GisKey.id.in_(free)).values(last_used_at=now).returning(GisKey.id),
        execution_options={"synchronize_session": False},
    )
    return noted.one_or_none() is not None


def keys_of(session: Session, person_id: UUID) -> Sequence[GisKey]:
    """A person's keys, the newest first; those that were ended too."""
    return session.scalars(select(GisKey).where(GisKey.person_id == person_id).order_by(GisKey.id.desc())).all()


def own_key(session: Session, key_id: UUID, person_id: UUID) -> GisKey:
    """A key of this person.

    Raises:
        NotFound: there is no such key, or it is somebody else's.
    """
    key = session.scalar(select(GisKey).where(GisKey.id == key_id, GisKey.person_id == person_id).with_for_update())
    if key is None:
        raise NotFound
    return key
