"""The district comes into the database whole, once, and ready to work with."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import text

from app.district.load import DEMO_PASSWORD, AlreadyLoaded, demo_logins, load_district
from app.identity.secrets import password_fits
from app.kernel.blobs import Blobs
from app.kernel.unit_of_work import Runtime
from tests.district.collected import ANCHOR


def load(runtime: Runtime) -> dict[str, int]:
    said: list[str] = []
    counts = load_district(runtime.engine, size="tiny", seed=20260716, anchor=ANCHOR,
                           blobs=runtime.blobs, progress=said.append)  # fmt: skip
    assert said, "long steps are announced"
    return dict(counts)


def test_the_district_loads_once_and_only_once(committed_runtime: Runtime) -> None:
    counts = load(committed_runtime)
    with committed_runtime.sessions() as session:
        for table in ("premises", "network_link", "job", "job_event", "attachment", "street_edge", "sync_entry"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == counts[table], table  # noqa: S608
    with pytest.raises(AlreadyLoaded):
        load(committed_runtime)
    with committed_runtime.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM branch")) == 1
        _shapes_lie_in_the_branch(session)
        _files_are_what_the_rows_say(session, committed_runtime.blobs)
        _logins_work(session)
        _tablets_of_a_crew_get_their_work(session)
        _numbers_go_on(session)


def _shapes_lie_in_the_branch(session) -> None:
    outside = text(
        "SELECT count(*) FROM premises p JOIN branch b ON b.id = p.branch_id "
        "WHERE NOT ST_Covers(b.boundary::geometry, p.location::geometry)"
    )
    assert session.scalar(outside) == 0
    km2 = session.scalar(text("SELECT ST_Area(boundary) / 1e6 FROM branch"))
    assert km2 == pytest.approx(14, rel=0.15)
    wrong = text("SELECT count(*) FROM street_edge WHERE abs(ST_Length(path) - length_m) > 0.01 * length_m + 0.5")
    assert session.scalar(wrong) == 0


def _files_are_what_the_rows_say(session, blobs: Blobs) -> None:
    for sha256, size in session.execute(text("SELECT DISTINCT sha256, size_bytes FROM attachment")):
        with blobs.open(sha256) as file:
            content = file.read()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (sha256, size)


def _logins_work(session) -> None:
    logins = {login["login"]: login for login in demo_logins(session)}
    assert logins["linxiao"]["roles"] == "dispatcher"
    assert logins["zhaoqiang"]["password"] == DEMO_PASSWORD
    stored = session.scalar(text("SELECT password_hash FROM person WHERE login = 'linxiao'"))
    assert password_fits(stored, DEMO_PASSWORD)


def _tablets_of_a_crew_get_their_work(session) -> None:
    missing = text(
        "SELECT count(*) FROM assignment a WHERE a.ended_at IS NULL AND NOT EXISTS (SELECT FROM sync_entry e "
        "JOIN sync_bucket b ON b.id = e.bucket_id AND b.key = 'crew:' || a.crew_id WHERE e.rec_id = a.job_id)"
    )
    assert session.scalar(missing) == 0


def _numbers_go_on(session) -> None:
    behind = text(
        "SELECT count(*) FROM job j JOIN number_counter n ON n.branch_id = j.branch_id "
        "AND j.number LIKE n.prefix || to_char(n.day, 'YYYYMMDD') || '-%' "
        "WHERE split_part(j.number, '-', 2)::int > n.last"
    )
    assert session.scalar(behind) == 0
