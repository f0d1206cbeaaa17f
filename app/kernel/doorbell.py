"""The doorbell: RQ carries the ids of outbox rows to the workers, and nothing else.

Whoever can write to Redis must not be able to run code in a worker, hence JSON and one fixed function.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime

ANSWERED_BY = "app.worker.answer"
TASK_TIMEOUT_S = 300
KEEP_FAILED_S = 3_600  # of RQ's own note about a killed worker; the row has the truth


def ring(runtime: Runtime) -> Callable[[list[OutboxRow]], None]:
    """The doorbell of a runtime. It may raise redis.RedisError; the sweeper rings again then."""

    def knock(rows: list[OutboxRow]) -> None:
        by_queue: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_queue[row.queue].append(str(row.id))
        for name, ids in by_queue.items():
            queue_of(runtime, name).enqueue_many([_call(row_id) for row_id in ids])

    return knock


def queue_of(runtime: Runtime, name: str) -> Queue:
    """An RQ queue whose jobs are JSON."""
    return Queue(name, connection=runtime.redis, serializer=JSONSerializer)


def _call(row_id: str) -> EnqueueData:
    return Queue.prepare_data(
        ANSWERED_BY,
        args=(row_id,),
        job_id=row_id,  # a second ring for a row that is done meanwhile costs a look, not a fork
        timeout=TASK_TIMEOUT_S,
        result_ttl=0,
        failure_ttl=KEEP_FAILED_S,
        description=row_id,
    )
