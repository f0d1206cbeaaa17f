"""What the busiest reads of the desk cost: candidate crews among 1,200, and the list of open jobs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from flask.testing import FlaskClient
from sqlalchemy import text

from app.bench.figures import Figure, at_most, backend_pid, cost_of, percentile
from app.bench.scratch import scratch
from app.dispatch import service as dispatch
from app.district.load import demo_logins
from app.factory import create_app
from app.jobs import queries
from app.jobs.queries import JobFilter
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime

CREWS = 1_200
ROUNDS = 60
PAGE = 50
CANDIDATES_P95_MS = 60.0
LIST_RATIO = 2.1

# Copies of the crews on duty, each with its members' qualifications and a position nearby, until CREWS are on duty.
MORE_CREWS = """
    WITH numbered AS (
        SELECT c.*, row_number() OVER (ORDER BY c.id) AS n, count(*) OVER () AS have
        FROM crew c JOIN crew_position p ON p.crew_id = c.id
    ), copies AS (
        SELECT gen_random_uuid() AS id, o.id AS original, o.branch_id, o.kind, o.name_zh, o.name_en, s.i
        FROM generate_series(1, :crews) AS s(i) JOIN numbered o ON o.n = 1 + s.i % o.have
    ), crews AS (
        INSERT INTO crew (id, rev, branch_id, code, name_zh, name_en, kind)
        SELECT id, 1, branch_id, 'B' || i, name_zh, name_en, kind FROM copies
    ), shifts AS (
        INSERT INTO shift (id, branch_id, crew_id, starts_at, ends_at)
        SELECT gen_random_uuid(), branch_id, id, :now - interval '1 hour', :now + interval '9 hours' FROM copies
    ), people AS (
        INSERT INTO person (id, branch_id, staff_no, name, name_en, locale, active)
        SELECT id, branch_id, 'B' || i, 'bench', 'bench', 'zh-CN', true FROM copies
    ), members AS (
        INSERT INTO crew_member (id, branch_id, crew_id, person_id, lead, since)
        SELECT gen_random_uuid(), branch_id, id, id, true, :now - interval '1 day' FROM copies
    ), skills AS (
        INSERT INTO qualification (id, branch_id, person_id, skill, grade, valid_from, valid_until)
        SELECT gen_random_uuid(), branch_id, id, 'low_voltage', 'senior',
               :now - interval '9 months', :now + interval '9 months'
        FROM copies
    )
    INSERT INTO crew_position (crew_id, branch_id, location, at)
    SELECT c.id, c.branch_id,
           ST_Project(p.location, 3000 * random(), 2 * pi() * random()), :now - interval '1 minute'
    FROM copies c JOIN crew_position p ON p.crew_id = c.original
"""


def measure_candidates(runtime: Runtime) -> Iterator[Figure]:
    """The candidate list of an urgent job with 1,200 crews on duty, verb and JSON, through the web application."""
    with scratch(runtime, "demo") as own, signed_in(own) as client:
        with own.engine.begin() as connection:
            connection.execute(text(MORE_CREWS), {"crews": CREWS, "now": own.clock()})
            connection.execute(text("ANALYZE"))
        with own.unit_of_work(SYSTEM) as uow:
            wanted = text("SELECT id FROM job WHERE state = 'new' AND kind = 'outage_repair' LIMIT 1")
            job_id = uow.session.execute(wanted).scalar_one()
            on_duty = dispatch.candidates(uow, job_id=job_id).ok_count
        path = f"/api/v1/jobs/{job_id}/candidates"
        expect(client, path)
        cost = cost_of(lambda: expect(client, path), times=ROUNDS, pids=[])
        reference = f"p95 of {ROUNDS}, {CREWS}+ crews on duty, {on_duty} could go"
        yield at_most("candidates.p95", percentile(cost.wall_ms, 0.95), "ms", CANDIDATES_P95_MS, reference)


def measure_jobs_list(runtime: Runtime) -> Iterator[Figure]:
    """CPU of the whole request for 50 open jobs with geometry, against its own SQL run bare in the same rounds."""
    with scratch(runtime, "demo") as own, signed_in(own) as client, own.sessions() as session:
        own.engine.dispose()
        path = f"/api/v1/jobs?state=open&limit={PAGE}"

        def bare() -> bytes:
            return queries.jobs_json(session, SYSTEM, JobFilter(state="open"), limit=PAGE, cursor=None)

        pids = [backend_pid(session.connection())]
        with own.engine.connect() as pooled:  # the one that requests will take from the pool
            pids.append(backend_pid(pooled))
        whole_ms, bare_ms = [], []
        for _ in range(ROUNDS // 10):
            whole_ms.append(cost_of(lambda: expect(client, path), times=20, pids=pids).cpu_ms)
            bare_ms.append(cost_of(bare, times=20, pids=pids).cpu_ms)
        whole, floor = statistics.median(whole_ms), statistics.median(bare_ms)
        yield at_most(
            "jobs.list.cpu", whole / floor, "ratio", LIST_RATIO, f"{whole:.2f} ms to {floor:.2f} ms of its SQL"
        )


def expect(client: FlaskClient, path: str) -> bytes:
    """The body of a read that must succeed."""
    answer = client.get(path)
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return bytes(answer.data)


@contextmanager
def signed_in(runtime: Runtime) -> Iterator[FlaskClient]:
    """The web application with the demo's dispatcher signed in."""
    with runtime.unit_of_work(SYSTEM) as uow:
        login = next(item for item in demo_logins(uow.session) if item["login"] == "linxiao")
    client = create_app(runtime).test_client()
    body = {"login": login["login"], "password": login["password"]}
    if client.post("/api/v1/session", json=body).status_code != HTTPStatus.CREATED:
        raise RuntimeError("the demo's dispatcher cannot sign in")
    yield client
