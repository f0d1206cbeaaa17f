"""The stage of the sync benchmark: a fresh database, the product's web process over it, and what both have cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import bindparam, create_engine, make_url, text

from app.bench.figures import cpu_of, peak_mib, waited_of
from app.bench.fleet import Tablet, enrol, found_branch
from app.bench.processes import free_port, gunicorn, running, wait_until_alive
from app.bench.scratch import make_database
from app.bench.surveys import TABLE
from app.factory import build_runtime
from app.kernel import migrate
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime
from mobile_sync.adapters.bulk import Packed
from mobile_sync.adapters.sql import seed_entries

SERVER = ("app.bench.survey_app:app", "--workers=2", "--threads=32", "--preload")
WATCHED = ("bench_survey", "sync_entry", "sync_op", "record_version", "sync_bucket", "sync_device_state")


@dataclass
class Spent:
    """What a measured block took: seconds by the clock, and of server processes and PostgreSQL CPU seconds.

    `waited_s`: what these and the clients waited for a processor, which others on the machine had.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0

    def cpu_ms_each(self, count: int) -> float:
        """CPU milliseconds for each of `count`."""
        return self.cpu_s * 1000 / count


@dataclass
class Stage:
    """A running server of the product over an empty branch."""

    runtime: Runtime
    port: int
    server_pid: int
    branch_id: UUID
    _enrolled: int = field(default=0)

    def enrol(self, count: int, *, crew_id: UUID | None = None) -> list[Tablet]:
        """New tablets, each with a crew of its own, or all of one."""
        tablets = enrol(self.runtime, self.branch_id, count, first=self._enrolled, crew_id=crew_id)
        self._enrolled += count
        return tablets

    def seed(self, crew_ids: Sequence[UUID], each: int) -> None:
        """So many surveys for each crew, loaded in bulk as an import would, in their crews' buckets."""
        with self.runtime.unit_of_work(SYSTEM) as uow:
            uow.session.execute(SEED, {"crew_id": crew_ids, "count": each})
            seed_entries(uow.session, PLACED)

    @contextmanager
    def counted(self) -> Iterator[Spent]:
        """What the block costs."""
        spent = Spent()
        processes = self._processes()
        cpu, waited = _cpu(processes), _waited(processes)
        wall = time.perf_counter()
        yield spent
        spent.wall_s = time.perf_counter() - wall
        processes = self._processes()  # the database may have started more of them
        spent.cpu_s, spent.waited_s = _cpu(processes) - cpu, _waited(processes) - waited

    def peak_mib(self) -> float:
        """The most that the server's processes have had resident, each at its own time, MiB."""
        return sum(map(peak_mib, self._servers()))

    def _servers(self) -> list[int]:
        children = Path(f"/proc/{self.server_pid}/task/{self.server_pid}/children").read_text("ascii").split()
        return [self.server_pid, *map(int, children)]

    def _processes(self) -> list[int]:
        """Server processes and every backend that serves this database (sessions stay open in the pools)."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with self.runtime.engine.connect() as connection:
            backends = connection.scalars(text(query)).all()
        return [*self._servers(), *backends]


def _cpu(processes: Iterable[int]) -> float:
    return sum(map(cpu_of, processes))


def _waited(processes: Iterable[int]) -> float:
    return sum(map(waited_of, [*processes, os.getpid()]))


SEED = text(
    """
    INSERT INTO bench_survey (id, rev, crew_id, fields)
    SELECT gen_random_uuid(), 1, c, jsonb_build_object(
      'meter_no', 'SX-' || n, 'kind', 'gas', 'maker', 'Synthetic Meter Works, Second Factory', 'street', 'Mill Street',
      'house', (n % 90) || '-1', 'reading_kwh', n / 10.0, 'voltage_v', 230.5, 'seal_no', 'S' || n, 'sealed', true,
      'installed_on', '2019-03-11', 'height_m', 1.6, 'tariff', 'T2', 'photos', 2,
      'note', repeat('seen, box locked, ', 9),
      'location', jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(113.2 + random() / 5, 23.1)))
    FROM unnest(:crew_id) AS c, generate_series(1, :count) AS n
    """
).bindparams(bindparam("crew_id", type_=Packed("uuid")))
PLACED = """
    SELECT 'crew:' || s.crew_id AS bucket_key, 'survey' AS entity, s.id AS rec_id FROM bench_survey s
    WHERE NOT EXISTS (SELECT FROM sync_entry e WHERE e.rec_id = s.id)
"""


@contextmanager
def staged(runtime: Runtime) -> Iterator[Stage]:
    """A fresh database, dropped afterwards; no table of it is ever analysed."""
    name = f"{make_url(runtime.settings.database_url).database}_bench_sync"
    url = make_database(runtime.engine, name)
    engine = create_engine(url)
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(TABLE))
        for table in WATCHED:
            connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    engine.dispose()
    settings = replace(runtime.settings, database_url=url)
    own = build_runtime(settings)
    port = free_port()
    try:
        with running(settings, gunicorn(port, *SERVER)) as process:
            wait_until_alive(port)
            yield Stage(own, port, process.pid, found_branch(own))
    finally:
        own.engine.dispose()
        with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
