"""SPEC.md L16 and I24: any rot in a replica is found at the next pull, heals, and the server hears of it."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from mobile_sync.adapters import incidents_sql
from mobile_sync.adapters.incidents_sql import IncidentRow, count_incidents, incidents_of, note_incidents, sync_incident
from mobile_sync.adapters.sql import stamp
from mobile_sync.protocol import Incident
from mobile_sync.sqlite_storage import SqliteStorage
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker
from tests.mobile_sync.sample import Shop, save_note
from tests.mobile_sync.test_http import told
from tests.mobile_sync.web import WebShop, make_app

NOW = datetime(2026, 7, 16, tzinfo=UTC)
SUMS = ("00000000000000aa", "00000000000000bb")


@pytest.fixture
def device_id(shop: Shop) -> UUID:
    """A device with one shelf."""
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    return device_id


@pytest.fixture
def client(shop: Shop, device_id: UUID, tmp_path: Path) -> FlaskClient:
    """Speaks for the device."""
    client = make_app(WebShop(shop, tmp_path)).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {device_id}"
    return client


def post(client: FlaskClient, clock: Ticker) -> Callable[[str, Any], Any]:
    """The way to the server, each time a second later."""

    def post(path: str, body: Any) -> Any:
        clock.tick(seconds=1)
        answered = client.post(f"/sync/v1/{path}", json=body)
        assert answered.status_code == 200, answered.get_json()
        return answered.get_json()

    return post


def kept(shop: Shop, device_id: UUID, **which: Any) -> list[IncidentRow]:
    with shop.unit() as ctx:
        return incidents_of(ctx.session, [device_id], **which)


def fill(shop: Shop, count: int = 7) -> list[UUID]:
    ids = [uuid7() for _ in range(count)]
    with shop.unit() as ctx:
        for rec_id in ids:
            save_note(ctx, rec_id, {"title": "whole"})
    with shop.unit() as ctx:
        stamp(ctx.session, ["shelf:a"])
    return ids


ROT = {
    "a document rotted": ("UPDATE doc SET body = replace(body, 'whole', 'whale') WHERE key = :key", "missing"),
    "a document is gone": ("DELETE FROM doc WHERE key = :key", "missing"),
    "a row left its bucket": ("DELETE FROM member WHERE key = :key", "missing"),
    "a row is older than it says": ("UPDATE member SET seq = seq + 1000 WHERE key = :key", "altered"),
    "two rows changed places": ("UPDATE member SET seq = CASE seq WHEN 1 THEN 2 WHEN 2 THEN 1 ELSE seq END", "altered"),
}


@pytest.mark.parametrize("rot", ROT)
def test_L16_I24_any_row_that_rots_is_found_at_the_next_pull_heals_and_is_told(
    shop: Shop, client: FlaskClient, device_id: UUID, clock: Ticker, tmp_path: Path, rot: str
) -> None:
    spoil, kind = ROT[rot]
    ids = fill(shop)
    for rec_id in ids[:3]:
        with SqliteStorage(tmp_path / f"{rec_id}") as storage:
            Tablet(post(client, clock), clock, storage=storage).pull()
        base = sqlite3.connect(tmp_path / f"{rec_id}")
        with base:
            base.execute(spoil, {"key": f"note/{rec_id}"} if ":key" in spoil else {})
        base.close()
        with SqliteStorage(tmp_path / f"{rec_id}") as storage:
            tablet = Tablet(post(client, clock), clock, storage=storage)
            tablet.pull()
            assert tablet.replica.mismatched == {"shelf:a"}
            tablet.pull()
            assert tablet.replica.mismatched == set()
            assert {held["doc"]["title"] for held in tablet.replica.docs.values()} == {"whole"}
            assert tablet.replica.members["shelf:a"].keys() == {f"note/{one}" for one in ids}
            assert [one.kind for one in kept(shop, device_id, open_only=True)] == [kind]
            tablet.pull()
            assert kept(shop, device_id, open_only=True) == []
    found = kept(shop, device_id)
    assert [(one.bucket, one.kind, one.expected_rows) for one in found] == [("shelf:a", kind, 7)] * 3
    assert all(one.found_at < (one.healed_at or NOW) for one in found)


def test_L16_a_ghost_is_surplus(shop: Shop, client: FlaskClient, device_id: UUID, clock: Ticker) -> None:
    fill(shop)
    tablet = Tablet(post(client, clock), clock)
    tablet.pull()
    tablet.replica.members["shelf:a"]["note/ghost"] = 1
    tablet.replica.docs["note/ghost"] = {"rev": 1, "doc": {}}
    tablet.pull()
    tablet.pull()
    assert "note/ghost" not in tablet.replica.docs
    assert [(one.kind, one.rows) for one in kept(shop, device_id)] == [("surplus", 8)]


def test_L16_an_incident_survives_a_restart_and_a_lost_answer(
    shop: Shop, client: FlaskClient, device_id: UUID, clock: Ticker, tmp_path: Path
) -> None:
    ids = fill(shop)
    lossy = post(client, clock)
    with SqliteStorage(tmp_path / "device") as storage:
        tablet = Tablet(lossy, clock, storage=storage)
        tablet.pull()
        del tablet.replica.members["shelf:a"][f"note/{ids[0]}"]
        tablet.pull()
    with SqliteStorage(tmp_path / "device") as storage:
        tablet = Tablet(lossy, clock, storage=storage)
        assert [one["told"] for one in tablet.kept.incidents] == [False]

        def unanswered(path: str, body: Any) -> Any:
            lossy(path, body)
            raise ConnectionResetError

        tablet.pull()
        tablet.post = unanswered
        with pytest.raises(ConnectionResetError):
            tablet.pull()
        tablet.post = lossy
        tablet.pull()
        assert [one["told"] for one in tablet.kept.incidents] == [True]
    assert [one.healed_at is not None for one in kept(shop, device_id)] == [True]


def test_W12_what_was_not_offered_is_not_told(shop: Shop, client: FlaskClient, clock: Ticker) -> None:
    ids = fill(shop)
    bodies = []
    real = post(client, clock)

    def older(path: str, body: Any) -> Any:
        bodies.append(body)
        return {name: value for name, value in real(path, body).items() if name != "offers"}

    tablet = Tablet(older, clock)
    tablet.pull()
    del tablet.replica.members["shelf:a"][f"note/{ids[0]}"]
    tablet.pull()
    tablet.pull()
    assert tablet.replica.mismatched == set()
    assert not any("incidents" in body for body in bodies)


WHOLE = {
    "bucket": "shelf:a",
    "found_at": "2026-07-16T00:00:00.000Z",
    "expected_rows": 3,
    "expected_checksum": SUMS[0],
    "rows": 2,
    "checksum": SUMS[1],
    "healed_at": None,
}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"bucket": ""},
        {"bucket": "x" * 201},
        {"bucket": "nul \0"},
        {"bucket": 7},
        {"found_at": "yesterday"},
        {"found_at": "2026-07-16T00:00:00"},
        {"rows": -1},
        {"rows": True},
        {"rows": 2**53},
        {"checksum": "aa"},
        {"checksum": SUMS[0].upper()},
        {"healed_at": 5},
        {"surprise": 1},
    ],
)
def test_L16_an_incident_that_does_not_fit_is_refused_and_nothing_is_kept(
    shop: Shop, client: FlaskClient, device_id: UUID, spoilt: dict[str, Any]
) -> None:
    answered = client.post("/sync/v1/pull", json={"incidents": [{**WHOLE, **spoilt}]})
    assert told(answered) == (422, "malformed")
    assert kept(shop, device_id) == []


def test_L16_what_adds_up_is_no_incident_and_fifty_one_are_too_many(
    shop: Shop, client: FlaskClient, device_id: UUID
) -> None:
    same = {**WHOLE, "rows": 3, "checksum": SUMS[0]}
    assert client.post("/sync/v1/pull", json={"incidents": [same]}).status_code == 200
    assert told(client.post("/sync/v1/pull", json={"incidents": [WHOLE] * 51})) == (422, "malformed")
    assert kept(shop, device_id) == []


def incident(at: datetime, healed_at: datetime | None = None) -> Incident:
    return Incident("shelf:a", at, 3, SUMS[0], 2, SUMS[1], healed_at)


def test_L16_told_again_only_the_healing_is_new(shop: Shop) -> None:
    device_id, later = uuid7(), NOW + timedelta(minutes=5)
    for told_at, one in ((1, incident(NOW)), (2, incident(NOW)), (3, incident(NOW, later)), (4, incident(NOW))):
        with shop.unit() as ctx:
            note_incidents(ctx.session, device_id, [one, one], NOW + timedelta(hours=told_at))
    (found,) = kept(shop, device_id)
    assert (found.healed_at, found.reported_at) == (later, NOW + timedelta(hours=3))


def test_L16_incidents_are_counted_by_device_and_the_unhealed_come_first(shop: Shop) -> None:
    ours, theirs, sound = uuid7(), uuid7(), uuid7()
    minutes = [NOW + timedelta(minutes=number) for number in range(3)]
    with shop.unit() as ctx:
        note_incidents(ctx.session, ours, [incident(minutes[0]), incident(minutes[1], minutes[2])], NOW)
        note_incidents(ctx.session, theirs, [incident(minutes[2])], NOW)
    with shop.unit() as ctx:
        counted = count_incidents(ctx.session, [ours, theirs, sound])
        listed = incidents_of(ctx.session, [ours], limit=10)
    assert {device_id: tuple(count) for device_id, count in counted.items()} == {
        ours: (2, 1, minutes[1]),
        theirs: (1, 1, minutes[2]),
    }
    assert [one.found_at for one in listed] == minutes[:2]


def test_L16_a_device_that_finds_fault_at_every_pull_does_not_fill_the_table(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents_sql, "MOST_OF_A_DEVICE", 5)
    device_id = uuid7()
    for number in range(12):
        with shop.unit() as ctx:
            note_incidents(ctx.session, device_id, [incident(NOW + timedelta(minutes=number))], NOW)
    found = [one.found_at for one in kept(shop, device_id)]
    assert found == [NOW + timedelta(minutes=number) for number in range(11, 6, -1)]


@pytest.mark.parametrize(
    "lie", [{"kind": "surplus"}, {"checksum": "xyz"}, {"rows": -1}, {"healed_at": NOW.replace(year=2025)}]
)
def test_the_database_itself_refuses_an_incident_that_cannot_be(shop: Shop, lie: dict[str, Any]) -> None:
    row = {
        "device_id": uuid7(),
        "bucket": "shelf:a",
        "found_at": NOW,
        "kind": "missing",
        "expected_rows": 3,
        "expected_checksum": SUMS[0],
        "rows": 2,
        "checksum": SUMS[1],
        "healed_at": None,
        "reported_at": NOW,
    }
    with pytest.raises(IntegrityError), shop.unit() as ctx:
        ctx.session.execute(sync_incident.insert(), [{**row, **lie}])
    with shop.unit() as ctx:
        assert ctx.session.scalar(select(func.count()).select_from(sync_incident)) == 0
