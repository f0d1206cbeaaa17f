"""The outbox's work: done once, tried again with growing pauses, given up in the end."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import schedule
from app.identity.models import AuditEntry
from app.kernel import tasks
from app.kernel.clock import FrozenClock
from app.kernel.doorbell import queue_of, ring
from app.kernel.ids import new_id
from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime
from app.reactions import REACTIONS
from app.worker import QUEUES

HERE = "tests.worker.tasks_for_tests"


def given_row(runtime: Runtime, task: str = "leave_trace", **payload: object) -> OutboxRow:
    subject = str(new_id())
    with runtime.unit_of_work() as uow:
        row = OutboxRow(
            id=new_id(), event="test.Happened", task=f"{HERE}.{task}", queue="default",
            payload={"subject": subject, **payload}, created_at=uow.now, due_at=uow.now,
        )  # fmt: skip
        uow.session.add(row)
    return row


def traces(session: Session, row: OutboxRow) -> int:
    query = select(func.count()).where(AuditEntry.entity_id == UUID(row.payload["subject"]))
    return session.scalar(query) or 0


def test_a_row_is_worked_on_once_however_often_the_bell_rings(runtime: Runtime, session: Session) -> None:
    row = given_row(runtime)
    assert [tasks.run(runtime, row.id) for _ in range(3)] == [True, False, False]
    assert traces(session, row) == 1


def test_a_failed_try_leaves_nothing_but_its_type_and_the_next_due_time(
    runtime: Runtime, session: Session, clock: FrozenClock
) -> None:
    row = given_row(runtime, "break_down")
    assert tasks.run(runtime, row.id) is False
    kept = session.get_one(OutboxRow, row.id)
    assert (kept.tries, kept.last_error, kept.due_at) == (1, "ValueError", clock() + timedelta(seconds=10))
    assert traces(session, row) == 0


def test_pauses_grow_and_the_row_is_given_up_in_the_end(runtime: Runtime, session: Session, clock: FrozenClock) -> None:
    row = given_row(runtime, "break_down")
    dues = []
    for _ in range(tasks.MAX_TRIES):
        tasks.run(runtime, row.id)
        kept = session.get_one(OutboxRow, row.id, populate_existing=True)
        dues.append((kept.due_at - clock()).total_seconds())
        clock.at = kept.due_at
    assert dues == [10, 40, 160, 640, 2560, 7200, 7200, 7200]
    assert kept.given_up_at is not None
    assert tasks.run(runtime, row.id) is False


@pytest.mark.parametrize("path", [f"{HERE}.not_a_task", f"{HERE}.missing", "os.system"])
def test_the_outbox_can_name_nothing_but_tasks(path: str) -> None:
    with pytest.raises(tasks.NoSuchTask):
        tasks.named(path)


def test_every_reaction_is_a_task_on_a_queue_that_a_worker_serves() -> None:
    references = [reference for references in REACTIONS.values() for reference in references]
    assert references
    for reference in references:
        tasks.named(reference.path)
        assert reference.queue in QUEUES


def test_only_the_row_id_travels_through_redis(runtime: Runtime) -> None:
    row = given_row(runtime)
    row.queue = f"test-{row.id}"
    ring(runtime)([row])
    queue = queue_of(runtime, row.queue)
    (job,) = queue.jobs
    assert (job.func_name, job.args, job.kwargs) == ("app.worker.answer", [str(row.id)], {})
    queue.delete(delete_jobs=True)


def test_a_lost_ring_is_rung_again(runtime: Runtime, clock: FrozenClock) -> None:
    rung: list[OutboxRow] = []
    runtime.ring = rung.extend
    row = given_row(runtime)
    schedule.install(runtime)
    clock.tick(seconds=10)
    assert "sweep-outbox" in schedule.tick(runtime)
    assert [one.id for one in rung] == [row.id]
    clock.tick(seconds=5)
    schedule.tick(runtime)
    assert len(rung) == 1, "rung for again only after the lease"
    clock.tick(seconds=10)
    schedule.tick(runtime)
    assert len(rung) == 2


def test_what_is_due_is_done_at_its_time_and_once(runtime: Runtime, clock: FrozenClock) -> None:
    schedule.install(runtime)
    first = schedule.tick(runtime)
    assert first == [work.name for work in schedule.DUE_WORK]
    assert schedule.tick(runtime) == []
    clock.tick(seconds=2)
    assert schedule.tick(runtime) == ["sweep-outbox"]


def test_work_that_breaks_stops_nothing_else(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, clock: FrozenClock
) -> None:
    def broken(_uow: object) -> None:
        raise ValueError

    works = (schedule.Work("broken", timedelta(minutes=1), broken), *schedule.DUE_WORK)
    monkeypatch.setattr(schedule, "DUE_WORK", works)
    schedule.install(runtime)
    assert schedule.tick(runtime) == [work.name for work in works[1:]]
    clock.tick(seconds=2)
    assert schedule.tick(runtime) == ["sweep-outbox"], "the broken work waits for its next turn"


def test_rows_done_long_ago_are_forgotten(runtime: Runtime, session: Session, clock: FrozenClock) -> None:
    done, undone = given_row(runtime), given_row(runtime)
    tasks.run(runtime, done.id)
    clock.tick(days=8)
    assert tasks.forget_done(session, clock()) == 1
    assert session.get_one(OutboxRow, undone.id).done_at is None
