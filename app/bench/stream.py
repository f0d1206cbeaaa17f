"""How soon 500 listening consoles hear of one event, and what the stream process holds in memory."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from app.bench.figures import Figure, at_most, percentile
from app.bench.processes import STREAM, free_port, gunicorn, largest_mib, running, wait_until_alive
from app.bench.scratch import scratch
from app.identity import service as identity
from app.identity.models import Branch, Person, Role, RoleGrant
from app.jobs.models import Job
from app.kernel.actor import SYSTEM
from app.kernel.clock import utc_now
from app.kernel.unit_of_work import Runtime

CONSOLES = 500
CONSOLES_A_PERSON = 20
ROUNDS = 10
P95_MS = 400.0
RESIDENT_MIB = 200.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Milliseconds from the commit to each console's socket; MiB of the stream process."""
    with scratch(runtime, "demo") as demo:
        demo.clock = utc_now
        cookies = _cookies(demo, CONSOLES // CONSOLES_A_PERSON)
        yield from _latency(demo, cookies)


def _latency(demo: Runtime, cookies: list[str]) -> Iterator[Figure]:
    port = free_port()
    with running(demo.settings, gunicorn(port, *STREAM)) as process:
        wait_until_alive(port)
        consoles = Consoles(port, [cookie for cookie in cookies for _ in range(CONSOLES_A_PERSON)])
        consoles.hear(b"event: ready", within_s=60.0)
        job_id = _any_job(demo)
        heard = [latency for turn in range(ROUNDS) for latency in _one_event(demo, consoles, job_id, turn)]
        yield at_most("stream.500-consoles.p95", percentile(heard, 0.95) * 1000, "ms", P95_MS, f"{ROUNDS} events")
        yield at_most("stream.500-consoles.max", max(heard) * 1000, "ms", 2 * P95_MS, f"{len(heard)} deliveries")
        yield at_most("stream.resident", largest_mib(process.pid), "MiB", RESIDENT_MIB, f"{CONSOLES} streams open")
        consoles.close()


def _one_event(demo: Runtime, consoles: Consoles, job_id: UUID, turn: int) -> list[float]:
    with demo.unit_of_work(SYSTEM) as uow:
        uow.session.get_one(Job, job_id).note = f"bench {turn}"
        began = time.perf_counter()
    return [at - began for at in consoles.hear(str(job_id).encode(), within_s=10.0)]


def _cookies(demo: Runtime, people: int) -> list[str]:
    """So many dispatchers of the district, signed in."""
    cookies = []
    with demo.unit_of_work(SYSTEM) as uow:
        branch_id = uow.session.scalars(select(Branch.id).limit(1)).one()
        for number in range(people):
            person = Person(
                id=uow.new_id(),
                branch_id=branch_id,
                staff_no=f"BENCH{number}",
                name="测速",
                name_en="Bench",
                active=True,
            )
            uow.session.add(person)
            uow.session.flush()  # the grant's foreign key needs the row
            grant = RoleGrant(id=uow.new_id(), branch_id=branch_id, person_id=person.id, role=Role.DISPATCHER)
            uow.session.add(grant)
            cookies.append(identity.open_browser_session(uow, person))
    return cookies


def _any_job(demo: Runtime) -> UUID:
    with demo.sessions() as session:
        return session.scalars(select(Job.id).limit(1)).one()


class Consoles:
    """Many open streams, read by one loop."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self._sockets = [self._open(port, cookie) for cookie in cookies]

    def _open(self, port: int, cookie: str) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", port))
        head = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: session={cookie}\r\n\r\n"
        opened.sendall(head.encode())
        opened.setblocking(False)
        self._selector.register(opened, selectors.EVENT_READ)
        return opened

    def hear(self, marker: bytes, *, within_s: float) -> list[float]:
        """When each console read the marker, by `perf_counter`.

        Raises:
            TimeoutError: some did not.
        """
        waiting = dict.fromkeys(self._sockets, b"")
        heard: list[float] = []
        until = time.perf_counter() + within_s
        while waiting and time.perf_counter() < until:
            for key, _ in self._selector.select(timeout=0.1):
                console = key.fileobj
                if isinstance(console, socket.socket) and console in waiting:
                    waiting[console] += console.recv(65_536)
                    if marker in waiting[console]:
                        heard.append(time.perf_counter())
                        del waiting[console]
        if waiting:
            raise TimeoutError(f"{len(waiting)} consoles heard nothing: {next(iter(waiting.values()))[:200]!r}")
        return heard

    def close(self) -> None:
        """Hang up."""
        for console in self._sockets:
            self._selector.unregister(console)
            console.close()
