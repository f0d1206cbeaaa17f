"""Removing files that nobody declared (SPEC.md B11): first they are said to be missing, their bytes go days later.

The row of a file is the lock: who declares a file, asks about it or begins to send it waits for who removes it, and the
other way round passes it by. What was said to be missing is sent again, so nobody is promised bytes that go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, exists, or_, select, text, update
from sqlalchemy.orm import Session

from mobile_sync.adapters.tables import blob, blob_ref, sync_upload
from mobile_sync.blobs import ObjectStore

UNDECLARED_FOR = timedelta(days=30)  # as long as devices keep their ops (P14)
MISSING_FOR = timedelta(days=7)  # a database restored to before it was said finds the bytes still there

# What an op names that did not declare it: it waits for a person, or a person may ask what it was about (P10).
_TOLD = text(
    """
    SELECT DISTINCT name[1]
    FROM (SELECT body FROM sync_op WHERE status IN ('held', 'quarantined')
          UNION ALL SELECT body FROM sync_op WHERE status = 'rejected') op,
      regexp_matches(op.body::text, '[0-9a-f]{64}', 'g') name
    """
)

InUse = Callable[[Collection[str]], Collection[str]]
"""Which of these hashes the application uses for something of its own."""


class Collected(NamedTuple):
    """How many files are said to be missing from now on, and of how many the bytes are gone."""

    given_up: int
    removed: int


def collect_undeclared(
    session: Session, store: ObjectStore, now: datetime, *, in_use: InUse = lambda hashes: (), most: int = 200
) -> Collected:
    """One run, in a READ COMMITTED transaction of its own, for the host's scheduler; `most` files each.

    Raises:
        StoreUnavailable: the transaction must fall; a later run does it again.
    """
    removed = _remove(session, store, now, most)
    return Collected(_give_up(session, now, in_use, most), removed)


def _give_up(session: Session, now: datetime, in_use: InUse, most: int) -> int:
    row, before = blob.c, now - UNDECLARED_FOR
    unwanted = (row.state == "verified", row.verified_at < before, ~_declared(), ~_sent_since(before))
    told = [bytes.fromhex(sha256) for sha256 in session.scalars(_TOLD)]
    held = _locked(session, *unwanted, row.sha256.not_in(told), most=most)
    if not held:
        return 0
    # A second look: what others committed before these were locked.
    query = select(row.sha256).where(row.sha256.in_(held), *unwanted)
    found = {sha256.hex() for sha256 in session.scalars(query)} - set(session.scalars(_TOLD))
    found -= set(in_use(found))
    given_up = [bytes.fromhex(sha256) for sha256 in found]
    session.execute(update(blob).where(row.sha256.in_(given_up)).values(state="lost", verified_at=now))
    session.execute(delete(sync_upload).where(sync_upload.c.sha256.in_(given_up)))
    return len(given_up)


def _remove(session: Session, store: ObjectStore, now: datetime, most: int) -> int:
    row = blob.c
    given_up = (row.state == "lost", row.verified_at < now - MISSING_FOR, ~_declared(), ~_being_sent())
    held = _locked(session, *given_up, most=most)
    gone = session.scalars(select(row.sha256).where(row.sha256.in_(held), *given_up)).all() if held else []
    for sha256 in gone:
        store.delete(sha256.hex())
    session.execute(delete(blob).where(row.sha256.in_(gone)))
    return len(gone)


def _locked(session: Session, *which: ColumnElement[bool], most: int) -> list[bytes]:
    query = select(blob.c.sha256).where(*which).limit(most)
    return list(session.scalars(query.with_for_update(of=blob, skip_locked=True)))


def _declared() -> ColumnElement[bool]:
    return exists().where(blob_ref.c.sha256 == blob.c.sha256)


def _being_sent() -> ColumnElement[bool]:
    return exists().where(sync_upload.c.sha256 == blob.c.sha256, sync_upload.c.finished_at.is_(None))


def _sent_since(before: datetime) -> ColumnElement[Any]:
    sent = sync_upload.c
    return exists().where(sent.sha256 == blob.c.sha256, or_(sent.finished_at.is_(None), sent.created_at >= before))
