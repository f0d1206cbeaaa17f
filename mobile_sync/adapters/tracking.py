"""How an application says that a record changed: history and bucket entries in the transaction of the change.

What is said is collected and written just before the commit, in one order, so that writers never deadlock over entries
and a savepoint that falls takes its share along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from mobile_sync.adapters import texts
from mobile_sync.adapters.entries import write_entries, write_versions

_KEY = "mobile_sync.tracker"


class Author(NamedTuple):
    """Who makes the versions of this transaction, and when (server time; None: the database's)."""

    actor: UUID | None = None
    device_id: UUID | None = None
    op_no: int | None = None
    at: datetime | None = None
    device_at: datetime | None = None
    clock_error_ms: int | None = None
    gps: Mapping[str, Any] | None = None


class Version(NamedTuple):
    """One new revision of one record."""

    entity: str
    rec_id: UUID
    rev: int
    prev_rev: int
    patch: str
    deleted: bool
    author: Author


class Mark(NamedTuple):
    """Entries to be sent again: of the buckets the record is in (None), or of these, `exact` leaving all others.

    A `fresh` record has no entries yet that it could leave.
    """

    entity: str
    rec_id: UUID
    buckets: frozenset[str] | None
    exact: bool
    at: datetime | None
    fresh: bool = False


@dataclass
class Tracker:
    """What one session has said since its last commit."""

    author: Author = field(default_factory=Author)
    authors: Mapping[tuple[str, UUID], Author] = field(default_factory=dict)  # of records with one of their own
    versions: list[Version] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    _unwritten: set[UUID] = field(default_factory=set)
    _looked_through: int = 0  # so many of the versions are in it
    _at_savepoint: dict[SessionTransaction, tuple[int, int]] = field(default_factory=dict)
    _ended: dict[SessionTransaction, tuple[int, int]] = field(default_factory=dict)  # the last one: it may be undone

    def unwritten(self) -> set[UUID]:
        """Records with versions said but not written; may name too many. Few ask, so it is made when they do."""
        self._unwritten.update([one.rec_id for one in self.versions[self._looked_through :]])
        self._looked_through = len(self.versions)
        return self._unwritten

    def flush(self, session: Session) -> None:
        """Write all that was said."""
        versions, marks = self.versions, self.marks
        self.versions, self.marks = [], []
        self._unwritten, self._looked_through = set(), 0
        self._at_savepoint = dict.fromkeys(self._at_savepoint, (0, 0))
        if versions:
            write_versions(session, versions)
        if marks:
            write_entries(session, marks)

    def enter(self, transaction: SessionTransaction) -> None:
        """A savepoint begins."""
        self._at_savepoint[transaction] = (len(self.versions), len(self.marks))

    def undo(self, transaction: SessionTransaction) -> None:
        """A savepoint, or all, was rolled back. SQLAlchemy says so after it has said that it ended."""
        versions, marks = self._ended.pop(transaction, (0, 0))
        del self.versions[versions:]
        del self.marks[marks:]
        self._looked_through = min(self._looked_through, versions)

    def leave(self, transaction: SessionTransaction) -> None:
        """A savepoint ended."""
        self._ended = {transaction: self._at_savepoint.pop(transaction, (0, 0))}


def tracker_of(session: Session) -> Tracker:
    """The session's tracker, made and hooked to its transactions at the first call."""
    tracker = cast("Tracker | None", session.info.get(_KEY))
    if tracker is None:
        tracker = session.info[_KEY] = Tracker()
        _hook(session, tracker)
    return tracker


def _hook(session: Session, tracker: Tracker) -> None:
    for savepoint in _open_savepoints(session):
        tracker.enter(savepoint)
    event.listen(session, "after_transaction_create", lambda _session, transaction: tracker.enter(transaction))
    event.listen(session, "after_soft_rollback", lambda _session, transaction: tracker.undo(transaction))
    event.listen(session, "after_transaction_end", lambda _session, transaction: tracker.leave(transaction))
    event.listen(session, "before_commit", lambda committed: _committing(committed, tracker))


def _committing(session: Session, tracker: Tracker) -> None:
    """The commit of the whole transaction, not of a savepoint: rows first, their refusals come before our writes."""
    if not session.in_nested_transaction():
        session.flush()
        tracker.flush(session)


def _open_savepoints(session: Session) -> Iterator[SessionTransaction]:
    transaction = session.get_nested_transaction()
    while transaction is not None and transaction.nested:
        yield transaction
        transaction = transaction.parent


@contextmanager
def authored(
    session: Session, author: Author, by_record: Mapping[tuple[str, UUID], Author] | None = None
) -> Iterator[None]:
    """Versions said inside are by `author`, or by the one named for their (entity, record)."""
    tracker = tracker_of(session)
    before = tracker.author, tracker.authors
    tracker.author, tracker.authors = author, by_record or {}
    try:
        yield
    finally:
        tracker.author, tracker.authors = before


def track(
    session: Session,
    entity: str,
    rec_id: UUID,
    *,
    rev: int,
    patch: Mapping[str, tuple[Any, Any]],
    buckets: Collection[str] | None = None,
    prev_rev: int | None = None,
    deleted: bool = False,
) -> None:
    """A record has a new revision.

    `patch`: `{field: (old, new)}` in the names and JSON values the device knows (UUIDs and times are written as text).
    `buckets`: all buckets it is in from now on (it leaves every other one), None: as before. A deleted record leaves
    all.
    `prev_rev`: the revision before, when it is not `rev - 1`. The caller has the record's row locked (it just wrote
    it).
    """
    tracker = tracker_of(session)
    before = rev - 1 if prev_rev is None else prev_rev
    author = tracker.authors.get((entity, rec_id), tracker.author)
    tracker.versions.append(Version(entity, rec_id, rev, before, texts.write(patch), deleted, author))
    wanted = frozenset() if deleted else None if buckets is None else frozenset(buckets)
    tracker.marks.append(Mark(entity, rec_id, wanted, wanted is not None, author.at, before == 0))


def touch(session: Session, entity: str, rec_id: UUID, *, buckets: Collection[str] | None = None) -> None:
    """A record must be sent again though its revision is the same (what it shows of others changed).

    `buckets`: also enter these (it leaves none), None: those it is in.
    """
    wanted = None if buckets is None else frozenset(buckets)
    tracker = tracker_of(session)
    tracker.marks.append(Mark(entity, rec_id, wanted, exact=False, at=tracker.author.at))


def move(session: Session, entity: str, rec_id: UUID, *, buckets: Collection[str]) -> None:
    """A record changes buckets without a revision of its own; it leaves every bucket not named."""
    tracker = tracker_of(session)
    tracker.marks.append(Mark(entity, rec_id, frozenset(buckets), exact=True, at=tracker.author.at))
