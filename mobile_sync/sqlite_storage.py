"""A client's state in one SQLite file: a change is a transaction, a document is checked when it is read back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mobile_sync.kept import Kept, KeptFile
from mobile_sync.outbox import Entry, Outbox, Stage
from mobile_sync.replica import Replica

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS op (
  op_no INTEGER PRIMARY KEY, body TEXT NOT NULL, stage TEXT NOT NULL, result TEXT, settled_at TEXT,
  shown INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS doc (key TEXT PRIMARY KEY, body TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
  bucket TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (
  sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, mime TEXT NOT NULL, kind TEXT NOT NULL, verified INTEGER NOT NULL,
  verified_at TEXT, content BLOB NOT NULL
);
"""
_OP_ROWS = "INSERT INTO op VALUES (?, ?, ?, ?, ?, ?)"


class StorageInUse(OSError):
    """Another process has the file; a device has one sender."""


class SqliteStorage:
    """A `kept.Storage`, for one process at a time. What is written is on the disk before `save` returns."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            StorageInUse: another process has it open.
        """
        self._base = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        try:
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            self._base.close()
            raise StorageInUse(f"{path} is in use: {error}") from error
        self._saved = Kept()

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def __enter__(self) -> SqliteStorage:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def note(self, name: str, value: Any) -> None:
        """Keep something of the caller's own beside the state."""
        with self._transaction():
            self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"note.{name}", json.dumps(value)))

    def noted(self, name: str) -> Any:
        """What was noted; None if nothing was."""
        return self._meta().get(f"note.{name}")

    def load(self) -> Kept:
        """What was saved last; a document that is not what was written is left out, and so is its membership."""
        meta, docs = self._meta(), self._docs()
        members: dict[str, dict[str, int]] = {bucket: {} for bucket in meta.get("cursors", {})}
        for bucket, key, seq in self._base.execute("SELECT bucket, key, seq FROM member"):
            if key in docs:
                members.setdefault(bucket, {})[key] = seq
        replica = Replica(
            meta.get("epoch"),
            meta.get("cursors", {}),
            members,
            docs,
            set(meta.get("shadows", ())),
            set(meta.get("mismatched", ())),
        )
        self._saved = self._with_ops(meta, replica)
        return self._saved

    def _meta(self) -> dict[str, Any]:
        return {name: json.loads(value) for name, value in self._base.execute("SELECT name, value FROM meta")}

    def _docs(self) -> dict[str, dict[str, Any]]:
        rows = self._base.execute("SELECT key, body, digest FROM doc")
        return {key: json.loads(body) for key, body, digest in rows if _digest(key, body) == digest}

    def _with_ops(self, meta: Mapping[str, Any], replica: Replica) -> Kept:
        entries, settled, shown = [], {}, set()
        for op_no, body, stage, result, settled_at, seen in self._base.execute("SELECT * FROM op ORDER BY op_no"):
            entries.append(Entry(json.loads(body), Stage(stage), None if result is None else json.loads(result)))
            if settled_at is not None:
                settled[op_no] = settled_at
            if seen:
                shown.add(op_no)
        rows = self._base.execute("SELECT sha256, size, mime, kind, verified, verified_at FROM file")
        files = {
            sha256: KeptFile(size, mime, kind, bool(verified), at) for sha256, size, mime, kind, verified, at in rows
        }
        outbox = Outbox(tuple(entries), meta.get("next_op_no", 1))
        heard = (meta.get("life"), meta.get("asked"), meta.get("server_at"), meta.get("keep_s"))
        told = (*heard, tuple(meta.get("incidents", ())))
        return Kept(outbox, replica, settled, frozenset(shown), files, *told)

    def save(self, kept: Kept, contents: Mapping[str, bytes]) -> None:
        """Write what differs from what was saved last, in one transaction."""
        with self._transaction():
            self._write_meta(kept)
            self._write_ops(kept)
            self._write_replica(kept.replica)
            self._write_files(kept.files, contents)
        self._saved = kept

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; a full disk is an `OSError`."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise OSError(str(error)) from error

    def _write_meta(self, kept: Kept) -> None:
        replica = kept.replica
        values = {
            "next_op_no": kept.outbox.next_op_no,
            "life": kept.life,
            "asked": kept.asked,
            "server_at": kept.server_at,
            "keep_s": kept.keep_s,
            "incidents": list(kept.incidents),
            "epoch": replica.epoch,
            "cursors": replica.cursors,
            "shadows": sorted(replica.shadows),
            "mismatched": sorted(replica.mismatched),
        }
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        self._base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def _write_ops(self, kept: Kept) -> None:
        before = _op_rows(self._saved)
        rows = _op_rows(kept)
        changed = [number for number, row in rows.items() if before.get(number) != row]
        gone = [(number,) for number in before if number not in rows or number in set(changed)]
        self._base.executemany("DELETE FROM op WHERE op_no = ?", gone)
        self._base.executemany(_OP_ROWS, [_written(rows[number]) for number in changed])

    def _write_replica(self, replica: Replica) -> None:
        before = self._saved.replica
        if replica is before:
            return
        self._base.executemany("DELETE FROM doc WHERE key = ?", [(key,) for key in before.docs.keys() - replica.docs])
        docs = [(key, doc) for key, doc in replica.docs.items() if before.docs.get(key) is not doc]
        self._base.executemany("INSERT OR REPLACE INTO doc VALUES (?, ?, ?)", [_doc_row(key, doc) for key, doc in docs])
        held, wanted = _pairs(before), _pairs(replica)
        gone = [(bucket, key) for bucket, key, _ in held - wanted]
        self._base.executemany("DELETE FROM member WHERE bucket = ? AND key = ?", gone)
        self._base.executemany("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", sorted(wanted - held))

    def _write_files(self, files: Mapping[str, KeptFile], contents: Mapping[str, bytes]) -> None:
        before = self._saved.files
        self._base.executemany("DELETE FROM file WHERE sha256 = ?", [(sha256,) for sha256 in before.keys() - files])
        for sha256, file in files.items():
            if sha256 not in before:
                row = (sha256, file.size, file.mime, file.kind, file.verified, file.verified_at, contents[sha256])
                self._base.execute("INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            elif before[sha256] != file:
                told = (file.verified, file.verified_at, sha256)
                self._base.execute("UPDATE file SET verified = ?, verified_at = ? WHERE sha256 = ?", told)

    def content(self, sha256: str) -> bytes:
        """The bytes of a kept file."""
        found = self._base.execute("SELECT content FROM file WHERE sha256 = ?", (sha256,)).fetchone()
        return bytes(found[0])


Row = tuple[Entry, str | None, bool]


def _op_rows(kept: Kept) -> dict[int, Row]:
    return {
        entry.op_no: (entry, kept.settled.get(entry.op_no), entry.op_no in kept.shown) for entry in kept.outbox.entries
    }


def _written(row: Row) -> tuple[Any, ...]:
    entry, settled_at, shown = row
    result = None if entry.result is None else json.dumps(entry.result)
    return (entry.op_no, json.dumps(entry.op), entry.stage.value, result, settled_at, shown)


def _pairs(replica: Replica) -> set[tuple[str, str, int]]:
    return {(bucket, key, seq) for bucket, held in replica.members.items() for key, seq in held.items()}


def _digest(key: str, body: str) -> bytes:
    return hashlib.sha256(f"{key}\n{body}".encode()).digest()


def _doc_row(key: str, doc: Mapping[str, Any]) -> tuple[str, str, bytes]:
    body = json.dumps(doc)
    return (key, body, _digest(key, body))
