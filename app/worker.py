"""Worker processes: `python -m app.worker QUEUE`, one a queue; `--scheduler` for what comes by the clock.

One queue a process, because RQ hands over safely (LMOVE) only then. RQ forks for each row, so that a task that dies
takes nobody with it; what tasks import is imported here, before the fork.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from importlib import import_module
from types import FrameType
from typing import Any
from uuid import UUID

from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer

from app import schedule
from app.config import Settings
from app.kernel import tasks
from app.kernel.logs import configure_logging
from app.kernel.unit_of_work import Runtime
from app.reactions import REACTIONS
from app.runtime import build_runtime

log = logging.getLogger(__name__)

QUEUES = ("default", "media", "plans")
WORKER_TTL_S = 60  # an idle worker looks up this often minus 15 s
TICK_S = 0.5

_runtime: Runtime | None = None


class OutboxWorker(Worker):
    """RQ's forking worker; the child makes database connections of its own."""

    def main_work_horse(self, *args: Any, **kwargs: Any) -> None:
        """Run in the child, right after the fork."""
        if _runtime is not None:
            _runtime.engine.dispose(close=False)  # a pooled connection must not cross a fork
        super().main_work_horse(*args, **kwargs)


def answer(row_id: str) -> None:
    """What RQ calls: do the work of one outbox row."""
    if _runtime is None:
        raise RuntimeError("answer() runs in worker processes only")
    tasks.run(_runtime, UUID(row_id))


def serve(runtime: Runtime, queue: str, *, burst: bool = False) -> None:
    """Answer the doorbell of one queue until SIGTERM, or until the queue is empty (`burst`)."""
    global _runtime  # noqa: PLW0603 - RQ calls a plain function in the forked child
    _runtime = runtime
    for reference in {reference.path for references in REACTIONS.values() for reference in references}:
        import_module(reference.rpartition(".")[0])
    connection = Redis.from_url(runtime.settings.redis_url)  # the runtime's own gives up after 2 s; this one waits
    worker = OutboxWorker([queue], connection=connection, serializer=JSONSerializer, worker_ttl=WORKER_TTL_S)
    worker.work(burst=burst, logging_level="WARNING")


def keep_time(runtime: Runtime, stop: threading.Event) -> None:
    """Do what is due until told to stop. Any number of these may run: a row's lock says who does it."""
    schedule.install(runtime)
    while not stop.wait(TICK_S):
        schedule.tick(runtime)


def main(argv: list[str]) -> int:
    """Run one process."""
    parser = argparse.ArgumentParser(prog="python -m app.worker", description=__doc__.split("\n")[0])
    parser.add_argument("queue", nargs="?", choices=QUEUES)
    parser.add_argument("--scheduler", action="store_true", help="do what comes by the clock instead")
    arguments = parser.parse_args(argv)
    if arguments.scheduler == bool(arguments.queue):
        parser.error("name one queue, or --scheduler")
    runtime = build_runtime(Settings.from_env(os.environ))
    configure_logging(runtime.settings.log_level)
    if arguments.scheduler:
        keep_time(runtime, stopped_by_signal())
    else:
        serve(runtime, arguments.queue)
    return 0


def stopped_by_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


if __name__ == "__main__":
    # RQ finds `answer` by importing app.worker, which must be the module that holds the runtime.
    sys.exit(import_module("app.worker").main(sys.argv[1:]))
