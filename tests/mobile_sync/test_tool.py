"""`python -m mobile_sync` as an integrator uses it: a state file, JSON lines, a real server on a port."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from mobile_sync.__main__ import main
from mobile_sync.link import HttpLink
from mobile_sync.outbox import Stage
from mobile_sync.sqlite_storage import SqliteStorage, StorageInUse
from mobile_sync.tablet import Tablet, file_of
from mobile_sync.testing import Ticker
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.web import WebShop, make_app, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture
def address(shop: Shop, tmp_path: Path) -> Iterator[str]:
    """The sample application on a port."""
    with serving(make_app(WebShop(shop, tmp_path / "store"))) as address:
        yield f"{address}/sync/v1"


@pytest.fixture
def state(shop: Shop, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an enrolled device with shelf a."""
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    monkeypatch.setenv("MOBILE_SYNC_TOKEN", str(device_id))
    assert main(["enrol", "--state", str(tmp_path / "device"), "--server", address]) == 0
    return tmp_path / "device"


Said = tuple[int, list[dict[str, Any]]]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """Exit code and the JSON lines of a command."""
    capsys.readouterr()
    code = main(arguments)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def lines(path: Path, *objects: dict[str, Any]) -> str:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    return str(path)


def test_a_day_of_a_device_on_the_command_line(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "meter.jpg").write_bytes(b"\xff\xd8 a photo" * 1_000)
    photo = {"path": "meter.jpg", "mime": "image/jpeg", "kind": "photo", "slot": "meter"}
    rec_id = str(uuid7())
    given = lines(
        tmp_path / "ops.jsonl",
        {"kind": "create", "entity": "note", "rec_id": rec_id, "fields": {"title": "one"}, "group": "g"},
        {"kind": "update", "entity": "note", "rec_id": rec_id, "fields": {"size": 3}, "group": "g"},
        {"kind": "create", "entity": "note", "fields": {"title": "forbidden"}},
        {"kind": "create", "entity": "note", "fields": {"title": "with a photo"}, "files": [photo]},
    )
    code, recorded = said(capsys, "record", "--state", str(state), given)
    assert (code, [line["op_no"] for line in recorded]) == (0, [1, 2, 3, 4])
    assert said(capsys, "status", "--state", str(state))[0] == 1
    code, (status,) = said(capsys, "sync", "--state", str(state), "--limit", "2")
    assert (code, status["results"]) == (0, {"applied": 3, "rejected": 1})
    assert (status["records"], status["files_missing"], status["safe_to_leave"]) == (2, 0, True)
    _, told = said(capsys, "results", "--state", str(state))
    assert [line["result"]["status"] for line in told] == ["applied", "applied", "rejected", "applied"]
    _, exported = said(capsys, "export", "--state", str(state))
    assert {line["doc"]["title"] for line in exported} == {"one", "with a photo"}
    assert next(line for line in exported if line["id"] == rec_id)["doc"]["size"] == 3


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "not an object"),
        ('{"kind": "create"}', "entity a name"),
        ('{"kind": "update", "entity": "note"}', "rec_id"),
        ('{"kind": "create", "entity": "note", "rec_id": "x"}', "no UUID"),
        ('{"kind": "create", "entity": "note", "colour": 1}', "unknown members: colour"),
        ('{"kind": "create", "entity": "note", "files": [{"path": "none.jpg"}]}', "a file needs"),
        ('{"kind": "create", "entity": "note", "fields": {"a": ' + "[" * 40 + "]" * 40 + "}}", "too deeply"),
    ],
)
def test_P20_a_line_that_no_server_would_take_is_refused_by_its_number(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, why: str
) -> None:
    path = tmp_path / "ops.jsonl"
    path.write_text('{"kind": "create", "entity": "note", "fields": {"title": "good"}}\n' + line + "\n", "utf-8")
    assert main(["record", "--state", str(state), str(path)]) == 2
    told = capsys.readouterr()
    assert "line 2" in told.err
    assert why in told.err
    assert said(capsys, "status", "--state", str(state))[1][0]["ops"] == {"pending": 1}


def test_what_goes_wrong_is_said_and_has_a_code(
    tmp_path: Path, shop: Shop, state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["pull", "--state", str(tmp_path / "nobody")]) == 2
    monkeypatch.setenv("MOBILE_SYNC_TOKEN", str(uuid7()))
    assert main(["enrol", "--state", str(tmp_path / "far"), "--server", "http://127.0.0.1:9/sync/v1"]) == 0
    assert main(["pull", "--state", str(tmp_path / "far")]) == 3
    with SqliteStorage(state) as storage:
        device_id = UUID(storage.noted("login")["token"])
        assert main(["status", "--state", str(state)]) == 2
    shop.revoked.add(device_id)
    assert main(["pull", "--state", str(state)]) == 1
    assert "403 device_revoked" in capsys.readouterr().err


def test_one_process_at_a_time_has_the_file(tmp_path: Path) -> None:
    with SqliteStorage(tmp_path / "device"), pytest.raises(StorageInUse):
        SqliteStorage(tmp_path / "device")


CLOCK = Ticker(datetime(2026, 7, 16, tzinfo=UTC))


def test_everything_kept_is_read_back_as_it_was(shop: Shop, tmp_path: Path) -> None:
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    with SqliteStorage(tmp_path / "device") as storage:
        tablet = Tablet(shop.post(device_id), CLOCK, storage=storage)
        content = b"bytes"
        file = file_of(content, mime="image/jpeg", kind="photo", slot="s")
        tablet.record(
            tablet.op("create", "note", uuid7(), {"title": "x"}, files=[file]), contents={file["sha256"]: content}
        )
        tablet.create("note", uuid7(), {"title": "breaks"})
        tablet.sync()
        tablet.create("note", uuid7(), {"title": "waits"})
        kept = tablet.kept
    with SqliteStorage(tmp_path / "device") as storage:
        assert storage.load() == kept
        assert storage.content(file["sha256"]) == content


def test_I24_a_document_that_rotted_on_the_disk_is_fetched_again(shop: Shop, tmp_path: Path) -> None:
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    rec_id = uuid7()
    with SqliteStorage(tmp_path / "device") as storage:
        tablet = Tablet(shop.post(device_id), CLOCK, storage=storage)
        tablet.create("note", rec_id, {"title": "whole"})
        tablet.sync()
    with sqlite3.connect(tmp_path / "device") as base:
        base.execute("UPDATE doc SET body = replace(body, 'whole', 'whale')")
    base.close()
    with SqliteStorage(tmp_path / "device") as storage:
        tablet = Tablet(shop.post(device_id), CLOCK, storage=storage)
        assert tablet.replica.docs == {}
        tablet.pull()
        assert tablet.replica.mismatched == {"shelf:a"}
        tablet.pull()
        assert tablet.replica.docs[f"note/{rec_id}"]["doc"]["title"] == "whole"


KILLED = """
import sys
from pathlib import Path
from uuid import uuid4
from mobile_sync.sqlite_storage import SqliteStorage
from mobile_sync.tablet import Tablet
from mobile_sync.tool.device import clock
tablet = Tablet(lambda path, body: {}, clock, storage=SqliteStorage(Path(sys.argv[1])))
while True:
    sys.stdout.write(f"{tablet.create('note', uuid4(), {'title': 'x'})}\\n")
    sys.stdout.flush()
"""


def test_P1_an_op_that_was_said_to_be_kept_survives_the_death_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "device"
    for _ in range(2):
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", KILLED, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(25)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().splitlines() if line]
        process.wait()
        process.stdout.close()
        with SqliteStorage(path) as storage:
            entries = storage.load().outbox.entries
        assert [entry.op_no for entry in entries][: told[-1]] == list(range(1, told[-1] + 1))
        assert all(entry.stage is Stage.PENDING for entry in entries)


class CutLink(HttpLink):
    """Breaks off after every third piece, and counts what went."""

    sent = 0
    pieces = 0

    def send(self, url: str, at: int, piece: bytes) -> int:
        self.pieces += 1
        if self.pieces % 3 == 0:
            raise ConnectionResetError("no coverage")
        self.sent += len(piece)
        return super().send(url, at, piece)


def test_B5_a_photo_goes_on_where_it_was_cut(shop: Shop, address: str, tmp_path: Path) -> None:
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    content = os.urandom(300_000)
    file = file_of(content, mime="image/jpeg", kind="photo", slot="s")
    link = CutLink(f"{address}/", str(device_id))
    with SqliteStorage(tmp_path / "tablet") as storage:
        tablet = Tablet(link, CLOCK, storage=storage)
        tablet.record(
            tablet.op("create", "note", uuid7(), {"title": "x"}, files=[file]), contents={file["sha256"]: content}
        )
        tablet.sync()
    cuts = 0
    verified = False
    while not verified:
        with SqliteStorage(tmp_path / "tablet") as storage:  # a new process each time
            tablet = Tablet(link, CLOCK, storage=storage)
            try:
                tablet.upload(link, chunk_bytes=16_384)
            except ConnectionError:
                cuts += 1
            verified = tablet.safe_to_leave
    assert cuts > 5
    assert link.sent == len(content)
