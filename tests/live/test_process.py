"""The stream process as it runs: gunicorn, threads, Redis, a real socket."""

from __future__ import annotations

import time

import pytest

from app.bench.processes import STREAM, free_port, gunicorn, running, wait_until_alive
from app.bench.stream import Consoles
from app.identity import service as identity
from app.identity.models import Role
from app.kernel.clock import utc_now
from app.kernel.unit_of_work import Runtime
from tests.factories import given_branch, given_person
from tests.factories_field import given_forms, given_job


@pytest.mark.slow
def test_consoles_hear_of_a_commit_and_the_process_ends_when_told(committed_runtime: Runtime) -> None:
    committed_runtime.clock = utc_now
    with committed_runtime.sessions() as session:
        given_forms(session)
        branch = given_branch(session)
        person = given_person(session, branch, "linxiao", [Role.DISPATCHER])
    with committed_runtime.unit_of_work() as uow:
        cookie = identity.open_browser_session(uow, person)
    port = free_port()
    with running(committed_runtime.settings, gunicorn(port, *STREAM)) as process:
        wait_until_alive(port)
        consoles = Consoles(port, [cookie] * 10)
        consoles.hear(b"event: ready", within_s=30)
        job = given_job(committed_runtime, branch)
        assert len(consoles.hear(str(job.id).encode(), within_s=30)) == 10
        began = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 10, "one second and a busy machine"
        consoles.close()
