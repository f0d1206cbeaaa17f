"""What the product's processes hold in memory on the demo district, after a desk's requests and while tasks run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from sqlalchemy import func, select, update

from app.bench.figures import Figure, at_most
from app.bench.processes import WEB, free_port, get, gunicorn, largest_mib, running, wait_until_alive, worker
from app.bench.scratch import empty_redis, scratch, today
from app.customers.models import Premises
from app.identity import service as identity
from app.identity.models import Person
from app.jobs.models import Job, JobState
from app.kernel.actor import SYSTEM
from app.kernel.clock import utc_now
from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime
from app.map.layers import LAYERS
from app.map.tiles import tile_of
from app.media.events import AttachmentArrived
from app.media.models import Attachment, AttachmentKind

DISPATCHER = "linxiao"
CONSOLES = 8  # requests at once
JOBS, PHOTOS = 40, 60
ZOOMS = range(9, 18)
RESIDENT_MIB = 200.0
PATIENCE_S = 120.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """MiB of the larger web process after a shift's reads, and of a worker with the child that does its task."""
    with (
        empty_redis(runtime.settings.redis_url) as redis_url,
        scratch(runtime, "demo", anchor=today(), redis_url=redis_url) as demo,
    ):
        demo.clock = utc_now
        yield _web(demo)
        yield _worker(demo)


def _web(demo: Runtime) -> Figure:
    port = free_port()
    with running(demo.settings, gunicorn(port, *WEB)) as web:
        wait_until_alive(port)
        idle = largest_mib(web.pid)
        cookie, paths = _cookie(demo), _a_shift(demo)
        with ThreadPoolExecutor(CONSOLES) as consoles:
            answers = list(consoles.map(lambda path: get(port, path, cookie), paths))
        if set(answers) != {HTTPStatus.OK}:
            raise RuntimeError(f"the web process answered {sorted(set(answers))}")
        told = f"after {len(paths)} requests, {CONSOLES} at once; {idle:.0f} MiB before"
        return at_most("web.resident", largest_mib(web.pid), "MiB", RESIDENT_MIB, told)


def _cookie(demo: Runtime) -> str:
    with demo.unit_of_work(SYSTEM) as uow:
        person = uow.session.scalars(select(Person).where(Person.login == DISPATCHER)).one()
        return identity.open_browser_session(uow, person)


def _a_shift(demo: Runtime) -> list[str]:
    """What a desk reads: lists, jobs with their candidates, searches, and the map from the whole branch to a street."""
    with demo.sessions() as session:
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.NEW).limit(JOBS)).all()
        place = func.geometry(Premises.location)
        lon, lat = session.execute(select(func.avg(func.ST_X(place)), func.avg(func.ST_Y(place)))).one()
    tiles = [tile_of(lon, lat, z) for z in ZOOMS]
    return [
        *("/api/v1/me", "/api/v1/jobs?state=open&limit=200", "/api/v1/crews?limit=200", "/api/v1/outages?state=open"),
        *("/api/v1/map/features", "/api/v1/jobs.csv", "/api/openapi.json", "/desk/"),
        *(f"/api/v1/jobs/{job}{part}" for job in waiting for part in ("", "/timeline", "/candidates", "/attachments")),
        *(f"/api/v1/search?q={q}" for q in ("R3", "lhj", "%E8%A1%97%E9%81%93", "%E6%8A%A2%E4%BF%AE") * 5),
        *(
            f"/api/v1/tiles/{layer}/{tile.z}/{tile.x + dx}/{tile.y + dy}.mvt"
            for layer in LAYERS
            for tile in tiles
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
        ),
    ]


def _worker(demo: Runtime) -> Figure:
    """RQ forks for each task; the larger of parent and child counts, looked at all the while."""
    with running(demo.settings, worker("media")) as process:
        idle = largest_mib(process.pid)
        photos = _examine_again(demo)
        until, largest = time.monotonic() + PATIENCE_S, 0.0
        while _undone(demo):
            largest = max(largest, largest_mib(process.pid))
            if time.monotonic() > until:
                raise TimeoutError(f"{_undone(demo)} tasks are not done")
            time.sleep(0.01)
        told = f"while {photos} photos were examined; {idle:.0f} MiB before"
        return at_most("worker.resident", max(largest, largest_mib(process.pid)), "MiB", RESIDENT_MIB, told)


def _examine_again(demo: Runtime) -> int:
    """Photos of the district as if they had just arrived."""
    with demo.unit_of_work(SYSTEM) as uow:
        some = select(Attachment.id).where(Attachment.kind == AttachmentKind.PHOTO).limit(PHOTOS)
        ids = uow.session.scalars(some).all()
        uow.session.execute(
            update(Attachment).where(Attachment.id.in_(ids)).values(width_px=None, thumbnail_sha256=None)
        )
        for attachment_id in ids:
            uow.emit(AttachmentArrived(attachment_id))
        return len(ids)


def _undone(demo: Runtime) -> int:
    with demo.sessions() as session:
        waiting = select(func.count()).where(OutboxRow.done_at.is_(None), OutboxRow.given_up_at.is_(None))
        return session.scalars(waiting).one()
