"""Reads behind the live stream: what changed in a branch since a seq, with revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from app.crews.models import Crew
from app.jobs.models import Job
from app.kernel.buckets import live_key
from app.kernel.db import Revised
from app.media.models import Attachment
from app.outages.models import Outage
from mobile_sync.adapters.sql import changes_since, ensure_epoch, stamp

SHOWN: dict[str, type[Revised]] = {"job": Job, "crew": Crew, "outage": Outage, "attachment": Attachment}
WITHOUT_REVISION = frozenset({"demand", "network"})
MOST_AT_ONCE = 1_000


@dataclass(frozen=True)
class Change:
    """One record of a branch changed. `rev` 0: it has no revision."""

    seq: int
    entity: str
    id: UUID
    rev: int
    gone: bool


@dataclass(frozen=True)
class Missed:
    """What came after a seq; `reset`: more than can be told."""

    changes: Sequence[Change]
    seq: int
    reset: bool


def number_changes(sessions: sessionmaker[Session], branches: Iterable[UUID]) -> None:
    """Give seqs to what has been committed in these branches, in a transaction of its own."""
    with sessions() as session:
        stamp(session, [live_key(branch_id) for branch_id in branches])
        session.commit()


def epoch_of(sessions: sessionmaker[Session]) -> str:
    """The present life of the database; a new one if it was restored since."""
    with sessions() as session:
        epoch = ensure_epoch(session)
        session.commit()
        return epoch


def missed(session: Session, branch_id: UUID, since: int | None) -> Missed:
    """The changes of a branch above a seq (None: only where it stands), at most a thousand."""
    found = changes_since(session, live_key(branch_id), since, limit=MOST_AT_ONCE + 1)
    entries = [entry for entry in found.entries if entry.entity in SHOWN or entry.entity in WITHOUT_REVISION]
    if len(found.entries) > MOST_AT_ONCE:
        return Missed((), found.next_seq, reset=True)
    revs = _revs(session, [(entry.entity, entry.rec_id) for entry in entries])
    changes = [Change(one.seq, one.entity, one.rec_id, revs.get(one.rec_id, 0), one.gone) for one in entries]
    return Missed(changes, found.next_seq, found.reset)


def _revs(session: Session, records: Iterable[tuple[str, UUID]]) -> dict[UUID, int]:
    by_entity: dict[str, list[UUID]] = defaultdict(list)
    for entity, rec_id in records:
        by_entity[entity].append(rec_id)
    found: dict[UUID, int] = {}
    for entity, ids in by_entity.items():
        model = SHOWN.get(entity)
        if model is not None:
            found |= dict(session.execute(select(model.id, model.rev).where(model.id.in_(ids))).all())
    return found
