"""Files that no tablet's work ever named go by the clock; what a record, or its small picture, names does not."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import schedule
from app.jobs.models import Job
from app.kernel.unit_of_work import Runtime
from app.media import queries
from app.media.models import AttachmentKind
from tests.conftest import FrozenClock
from tests.factories_field import given_attachment


def arrived_undeclared(runtime: Runtime, session: Session, content: bytes) -> str:
    """Bytes that are here and that no op declared; returns their hash."""
    sha256 = runtime.blobs.put(content)
    session.execute(
        text(
            "INSERT INTO blob (sha256, size, mime, kind, state, declared_at, verified_at)"
            " VALUES (decode(:sha256, 'hex'), :size, 'image/jpeg', 'photo', 'verified', :now, :now)"
        ),
        {"sha256": sha256, "size": len(content), "now": runtime.clock()},
    )
    session.commit()
    return sha256


def test_a_file_that_nobody_declared_goes_by_the_clock_and_what_is_shown_stays(
    runtime: Runtime, session: Session, job: Job, clock: FrozenClock
) -> None:
    nobodys, shown, original = (arrived_undeclared(runtime, session, content) for content in (b"a", b"b", b"c"))
    given_attachment(session, job, AttachmentKind.PHOTO, "before", sha256=original, thumbnail_sha256=shown)
    schedule.install(runtime)
    clock.tick(days=31)
    assert "collect-undeclared-files" in schedule.tick(runtime)
    assert [queries.content_is_here(session, sha256) for sha256 in (nobodys, shown, original)] == [False, True, True]
    assert runtime.blobs.store.has(nobodys), "its bytes wait a week more"
    clock.tick(days=8)
    schedule.tick(runtime)
    assert [runtime.blobs.store.has(sha256) for sha256 in (nobodys, shown, original)] == [False, True, True]


def test_a_file_that_somebody_has_in_hand_is_left_for_the_next_time(
    runtime: Runtime, session: Session, clock: FrozenClock
) -> None:
    """For example a tablet's op that declares it just now."""
    sha256 = arrived_undeclared(runtime, session, b"a")
    schedule.install(runtime)
    clock.tick(days=31)
    queries.hold_content(session, sha256)
    schedule.tick(runtime)
    session.rollback()
    assert queries.content_is_here(session, sha256)
