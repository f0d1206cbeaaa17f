"""What comes round by the clock: one row a name in `due_work`, done by whichever scheduler locks it first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.conflicts import service as conflicts
from app.deadlines import alerts as deadlines
from app.dispatch import alerts
from app.identity.queries import tablets
from app.identity.service import forget_stale
from app.kernel import idempotency, tasks
from app.kernel.actor import SYSTEM
from app.kernel.outbox import DueWork
from app.kernel.unit_of_work import Runtime, UnitOfWork
from app.media import service as media
from app.notices import sending
from app.sync.placement import outstayed
from app.sync.track import place_again
from mobile_sync.adapters import uploads
from mobile_sync.adapters.collecting import collect_undeclared
from mobile_sync.adapters.sql import ensure_epoch

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=3)  # a ring that was not lost has been answered by then, unless the queue is long
LEASE = timedelta(seconds=10)  # before the same row is rung for again
SWEEP_LIMIT = 500


@dataclass(frozen=True)
class Work:
    """Something to do again and again. It must bear being done twice."""

    name: str
    every: timedelta
    do: Callable[[UnitOfWork], None]


def sweep(uow: UnitOfWork) -> None:
    """Ring again for whatever is overdue: lost rings, killed workers, an emptied Redis, second tries."""
    rows = tasks.overdue(uow.session, before=uow.now - GRACE, lease_until=uow.now + LEASE, limit=SWEEP_LIMIT)
    uow.ring_after_commit(rows)


def forget_idempotency_keys(uow: UnitOfWork) -> None:
    """Answers to writes are kept for two days."""
    idempotency.forget_old(uow.session, uow.now)


def forget_done_tasks(uow: UnitOfWork) -> None:
    """Outbox rows are kept for a week after they are done."""
    tasks.forget_done(uow.session, uow.now)


def expire_uploads(uow: UnitOfWork) -> None:
    """Half-arrived files are kept for a week, so that a tablet can go on where it stopped; a revoked one cannot."""
    session, partial = uow.session, uow.runtime.blobs.partial
    revoked = tablets.revoked_among(session, uploads.devices_sending(session))
    uploads.expire_uploads(session, partial, uow.now, revoked=revoked)
    uploads.drop_orphans(session, partial, uow.now)


def collect_undeclared_files(uow: UnitOfWork) -> None:
    """What arrived and no tablet's work ever named is missing after a month, and its bytes go a week later."""
    done = collect_undeclared(uow.session, uow.runtime.blobs.store, uow.now, in_use=partial(media.in_use, uow))
    if any(done):
        log.info("files that nobody declared were collected", extra=done._asdict())


def examine_stuck_files(uow: UnitOfWork) -> None:
    """A file that arrived and that nobody looked at gets another chance, once a task's own tries are over."""
    if found := media.examine_stuck(uow):
        log.warning("files were never examined", extra={"files": found})


def clear_finished_jobs(uow: UnitOfWork) -> None:
    """What a crew has finished, and how its conflicts were settled, leaves its tablets after three days."""
    place_again(uow.session, set(outstayed(uow.session, uow.now)))
    conflicts.place_settled(uow)


def chase_crews(uow: UnitOfWork) -> None:
    """A crew that was sent and does not answer comes before the desk; what nobody there takes is passed on."""
    alerts.chase(uow)


def send_notices(uow: UnitOfWork) -> None:
    """What customers are to be told is said within seconds."""
    sending.send_due(uow)


def watch_deadlines(uow: UnitOfWork) -> None:
    """A limit that runs out soon or has run out comes before the desk; what nobody there takes is passed on."""
    deadlines.watch(uow)


DUE_WORK: tuple[Work, ...] = (
    Work("sweep-outbox", timedelta(seconds=2), sweep),
    Work("chase-crews", timedelta(seconds=5), chase_crews),
    Work("send-notices", timedelta(seconds=5), send_notices),
    Work("watch-deadlines", timedelta(seconds=10), watch_deadlines),
    Work("forget-idempotency-keys", timedelta(hours=1), forget_idempotency_keys),
    Work("forget-done-tasks", timedelta(hours=6), forget_done_tasks),
    Work("forget-stale-logins", timedelta(hours=6), forget_stale),
    Work("expire-uploads", timedelta(hours=1), expire_uploads),
    Work("collect-undeclared-files", timedelta(hours=6), collect_undeclared_files),
    Work("examine-stuck-files", timedelta(hours=1), examine_stuck_files),
    Work("clear-finished-jobs", timedelta(minutes=10), clear_finished_jobs),
)


def install(runtime: Runtime) -> None:
    """Make the rows of work that has none yet, due at once; a restored database begins a new life for tablets."""
    with runtime.unit_of_work(SYSTEM) as uow:
        ensure_epoch(uow.session)
        for work in DUE_WORK:
            row = insert(DueWork).values(name=work.name, due_at=uow.now, every_s=int(work.every.total_seconds()))
            uow.session.execute(
                row.on_conflict_do_update(index_elements=["name"], set_={"every_s": row.excluded.every_s})
            )


def tick(runtime: Runtime) -> list[str]:
    """Do what is due now and in nobody's hands; returns the names of what was done."""
    with runtime.sessions() as session:
        due = set(session.scalars(select(DueWork.name).where(DueWork.due_at <= runtime.clock())))
    return [work.name for work in DUE_WORK if work.name in due and _do(runtime, work)]


def _do(runtime: Runtime, work: Work) -> bool:
    try:
        with runtime.unit_of_work(SYSTEM) as uow:
            row = _claim(uow, work)
            if row is None:
                return False
            work.do(uow)
            row.last_done_at = uow.now
            row.due_at = uow.now + work.every
    except Exception:  # one piece of work that breaks must not stop the others
        log.exception("due work failed", extra={"work": work.name})
        _put_off(runtime, work)
        return False
    return True


def _claim(uow: UnitOfWork, work: Work) -> DueWork | None:
    query = select(DueWork).where(DueWork.name == work.name, DueWork.due_at <= uow.now)
    return uow.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()


def _put_off(runtime: Runtime, work: Work) -> None:
    with runtime.unit_of_work(SYSTEM) as uow:
        row = _claim(uow, work)
        if row is not None:
            row.due_at = uow.now + work.every
