"""A PostgreSQL cluster of our own: made once, reached by a socket only, recovered after any kind of end.

It listens on no TCP port, and its socket lies in a folder that only its owner may enter: that is why it trusts whoever
connects.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .accounts import Account, hand_over
from .places import made
from .postgres_programs import Programs
from .processes import command_line, wait_gone, working_in
from .programs import explained, run
from .report import Stop

DATABASE = "lamplighter"
OWNER = "app"
PORT = 5432  # only part of the socket's file name

CONFIGURATION = """\
listen_addresses = ''
unix_socket_permissions = 0700
jit = off
# 'GMT' is built in; 'UTC' needs the system's time zone files, which slim images lack.
timezone = 'GMT'
log_timezone = 'GMT'
max_connections = 120
shared_buffers = 256MB
max_wal_size = 1GB
"""
THROWAWAY = """\
fsync = off
autovacuum = off
full_page_writes = off
synchronous_commit = off
"""
ORPHAN_PATIENCE_S = 20.0
SMALL_SHARED_MEMORY = 256 * 1024 * 1024  # bytes; below, parallel queries may not get their segment


@dataclass(frozen=True)
class Cluster:
    """One cluster under `home`; `durable` false is for tests: several times faster, and lost in a power cut."""

    home: Path
    sockets: Path
    programs: Programs
    account: Account | None
    environ: Mapping[str, str]
    durable: bool = True

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "log"

    def url(self, database: str = DATABASE) -> str:
        """The address of a database in it, in SQLAlchemy's spelling."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={quote(str(self.sockets))}&port={PORT}"

    def start(self) -> None:
        """Make the cluster where there is none, start it where it does not run, and make the database.

        Raises:
            Stop: the data are of another major version, the disk is full, or the server does not come up.
        """
        hand_over(self.home, self.account)
        if not self.data.exists():
            self._create()
        if not self.is_running():
            self._forget_dead_pid()
            self._launch()
        self._create_database()

    def stop(self) -> None:
        """Stop it, cutting open connections."""
        if self.data.exists() and self.is_running():
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop")

    def is_running(self) -> bool:
        """Whether the server runs. pg_ctl would also say so of a killed one that nobody has collected yet."""
        return self._run("pg_ctl", "-D", self.data, "status")[0] == 0 and is_postgres(self._pid())

    def _create(self) -> None:
        fresh = self.home / "data.new"  # renamed last: a killed initdb must not look like a cluster
        shutil.rmtree(fresh, ignore_errors=True)
        code, output = self._run("initdb", "-D", fresh, "-U", OWNER, "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8")
        if code:
            raise explained(output, ("建立数据库集簇失败", "Creating the database cluster failed"))
        with (fresh / "postgresql.auto.conf").open("a") as file:
            file.write(CONFIGURATION + ("" if self.durable else THROWAWAY) + self._for_small_shared_memory())
        fresh.rename(self.data)

    def _for_small_shared_memory(self) -> str:
        memory = Path("/dev/shm")  # noqa: S108 - measured, never written
        if memory.is_dir() and shutil.disk_usage(memory).total < SMALL_SHARED_MEMORY:
            return "max_parallel_workers_per_gather = 0\n"
        return ""

    def _launch(self) -> None:
        options = f"-k {self.sockets} -p {PORT}"
        code, output = self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "-o", options, "start")
        if code:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-12:]) if self.log.exists() else output
            raise explained(tail, ("数据库没有启动成功", "The database did not start"))

    def _pid(self) -> int:
        """The number in postmaster.pid; 0 where there is none."""
        try:
            return int((self.data / "postmaster.pid").read_text().partition("\n")[0])
        except (OSError, ValueError):
            return 0

    def _forget_dead_pid(self) -> None:
        """Remove lock files whose number is a zombie's or another program's; PostgreSQL would refuse to start.

        A killed server's children are waited for first: the lock is also what keeps a second server off their memory.
        """
        if is_postgres(self._pid()):
            return
        for orphan in working_in(self.data):
            wait_gone(orphan, ORPHAN_PATIENCE_S)
        for lock in (self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"):
            lock.unlink(missing_ok=True)

    def _create_database(self) -> None:
        known = self.query("postgres", f"select 1 from pg_database where datname = '{DATABASE}'")  # noqa: S608
        if known != "1":
            self.query("postgres", f"create database {DATABASE}")
            self.query(DATABASE, "create extension postgis")

    def query(self, database: str, statement: str) -> str:
        """Run one statement with psql and return the bare result.

        Raises:
            Stop: the server refused it.
        """
        target = ["-h", str(self.sockets), "-p", str(PORT), "-U", OWNER, "-d", database]
        code, output = self._run("psql", "-X", "-v", "ON_ERROR_STOP=1", *target, "-Atc", statement)
        if code:
            raise explained(output, ("数据库拒绝了准备语句", "The database refused a statement of its set-up"))
        return output.strip()

    def _run(self, program: str, *arguments: str | Path) -> tuple[int, str]:
        env = self.programs.env(self.environ)
        ran = run([self.programs.bin / program, *arguments], env=env, cwd=made(self.home), account=self.account)
        return ran.code, ran.output


def is_postgres(pid: int) -> bool:
    """Whether that process is a PostgreSQL server or one of its children."""
    return "postgres" in (command_line(pid) or [""])[0] if pid else False


def data_version(data: Path) -> int | None:
    """The major version the data in a cluster folder belong to; None where there are none."""
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except (OSError, ValueError):
        return None


def other_version(data: Path, found: int, offered: list[int]) -> Stop:
    """The sentence for data of a version whose programs are missing: never start, never delete."""
    have = ", ".join(map(str, offered)) or "0"
    return Stop(
        f"{data} 是 PostgreSQL {found} 的数据，本机只有 {have}：请装回 {found}（可设 PG_BINDIR），或导出后 wipe。",
        f"{data} belongs to PostgreSQL {found}, here is {have}: bring {found} back (PG_BINDIR), or dump and wipe.",
    )
