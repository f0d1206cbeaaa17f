"""The proof of a day (SPEC.md, D), between a tablet and a server on a port."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from mobile_sync.__main__ import main
from mobile_sync.adapters.proof import count_day
from mobile_sync.proof import differences, journal
from mobile_sync.sqlite_storage import SqliteStorage
from mobile_sync.tablet import Tablet, file_of
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.web import WebShop, make_app, serving

DAY = datetime(2026, 7, 16, tzinfo=UTC)


def proved(shop: Shop, device_id: Any, tablet: Tablet, since: datetime = DAY) -> list[dict[str, Any]]:
    until = since + timedelta(days=1)
    with shop.unit() as ctx:
        told = count_day(ctx.session, device_id, since, until)
    return differences(journal(tablet.outbox.entries, tablet.kept.files, since, until), told)


def test_D1_ops_are_put_to_days_by_the_devices_own_clock(shop: Shop) -> None:
    device_id, clock = uuid7(), lambda: datetime(1970, 1, 1, 12, tzinfo=UTC)
    shop.scopes[device_id] = {"a"}
    tablet = Tablet(shop.post(device_id), clock)
    tablet.create("note", uuid7(), {"title": "long ago"})
    tablet.push()
    with shop.unit() as ctx:
        assert count_day(ctx.session, device_id, DAY, DAY + timedelta(days=1))["ops"] == []
        old = datetime(1970, 1, 1, tzinfo=UTC)
        assert count_day(ctx.session, device_id, old, old + timedelta(days=1))["ops"] == [
            {"entity": "note", "kind": "create", "status": "applied", "count": 1}
        ]


def test_D2_what_waits_here_is_no_difference_and_what_was_lost_there_is(shop: Shop) -> None:
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    tablet = Tablet(shop.post(device_id), shop.clock)
    file = file_of(b"bytes", mime="image/jpeg", kind="photo", slot="s")
    op = tablet.op("create", "note", uuid7(), {"title": "with a photo"}, files=[file])
    tablet.record(op, contents={file["sha256"]: b"bytes"})
    tablet.create("note", uuid7(), {"title": "forbidden"})
    tablet.push()
    tablet.create("note", uuid7(), {"title": "waits"})
    counted = journal(tablet.outbox.entries, tablet.kept.files, DAY, DAY + timedelta(days=1))
    assert (counted.ops.total(), counted.waiting, len(counted.unsent)) == (2, 1, 1)
    assert proved(shop, device_id, tablet) == []
    assert proved(shop, uuid7(), tablet) == [{"entity": "note", "kind": "create", "here": 2, "there": 0}]


@pytest.fixture
def address(shop: Shop, tmp_path: Path) -> Iterator[str]:
    with serving(make_app(WebShop(shop, tmp_path / "store"))) as address:
        yield f"{address}/sync/v1"


def test_D3_the_command_line_says_whether_a_day_is_at_the_centre(
    shop: Shop, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    device_id, state = uuid7(), str(tmp_path / "device")
    shop.scopes[device_id] = {"a"}
    monkeypatch.setenv("MOBILE_SYNC_TOKEN", str(device_id))
    main(["enrol", "--state", state, "--server", address])
    with SqliteStorage(Path(state)) as storage:
        tablet = Tablet(shop.post(device_id), shop.clock, storage=storage)
        tablet.create("note", uuid7(), {"title": "one"})
        tablet.push()
        tablet.create("note", uuid7(), {"title": "two"})

    def proof() -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["proof", "--state", state, "--day", "2026-07-16"])
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, told

    code, told = proof()
    assert (code, told["ops"], told["ops_waiting"], told["differences"]) == (1, 1, 1, [])
    assert main(["sync", "--state", state]) == 0
    code, told = proof()
    assert (code, told["ops"], told["ops_waiting"], told["files"], told["differences"]) == (0, 2, 0, 0, [])
    assert main(["proof", "--state", state, "--day", "1800-01-01"]) == 1
