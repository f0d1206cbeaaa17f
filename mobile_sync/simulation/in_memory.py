"""The shop over the server in memory: fast enough for a hundred thousand seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mobile_sync.answers import write_refusal
from mobile_sync.collection import Stored
from mobile_sync.ledger import Key
from mobile_sync.memory.bundles import take_bundle
from mobile_sync.memory.files import MemoryFiles
from mobile_sync.memory.server import MemoryCollection, MemoryServer
from mobile_sync.memory.state import State
from mobile_sync.protocol import Bucket, Refusal, SyncProblem
from mobile_sync.simulation import shop
from mobile_sync.simulation.faults import Died, Fuse, Violation
from mobile_sync.simulation.house import Answer, Call
from mobile_sync.simulation.memory_steps import ManyThings, Unsealed, forget_exits, migrate, read_digest, read_metadata
from mobile_sync.simulation.memory_truth import record_row, truth_of
from mobile_sync.simulation.truth import RecordRow, Truth


@dataclass
class BusyServer(MemoryServer):
    """One whose desk may hold a record for longer than a device waits."""

    busy: set[UUID] = field(default_factory=set)

    def locked(self, key: Key) -> Stored | None:
        """The record, unless an open transaction has it."""
        if key[1] in self.busy:
            raise ConnectionError("lock not available")
        return super().locked(key)

    def written_ahead(self, _rec_id: UUID, _fields: Mapping[str, Any]) -> None:
        """An open transaction wrote; a sound server numbers nothing before the commit."""


Writes = list[tuple[UUID, Mapping[str, Any] | None]]


@dataclass
class MemoryHouse(Unsealed):
    """A `House`. `server_kind` and `files_kind` are where a test plants its bug."""

    clock: Any
    make_id: Callable[[], UUID]
    fuse: Fuse
    trouble: Fuse
    server_kind: type[BusyServer] = BusyServer
    files_kind: type[MemoryFiles] = MemoryFiles
    at_once: bool = False
    full: bool = False
    server: BusyServer = field(init=False)
    files: MemoryFiles = field(init=False)
    open: dict[int, Writes] = field(default_factory=dict)
    begun: int = 0
    saved: State = field(default_factory=State)
    saved_version: int = 1

    def __post_init__(self) -> None:
        kind = ManyThings if self.at_once else MemoryCollection
        things = kind(shop.ENTITY, shop.RULES[1], shop.placed, shop.guard)
        self.server = self.server_kind({shop.ENTITY: things}, self.clock, self.make_id, step=self._step)
        self.files = self.files_kind(self.server)

    def _step(self, what: str) -> None:
        self.fuse.burn(what)
        try:
            self.trouble.burn(what)
        except Died as died:
            raise ConnectionError("the database gave up") from died

    def handle(self, device_id: UUID, call: Call) -> Answer:
        """Like a door: refusals become problems, trouble becomes 503."""
        try:
            return self._routed(device_id, call)
        except SyncProblem as problem:
            body = write_refusal(Refusal(problem.code, problem.params, problem.errors))
            return Answer(problem.status, json.dumps(body).encode())
        except ConnectionError:
            return Answer(503, b'{"code": "try_again"}')

    def _routed(self, device_id: UUID, call: Call) -> Answer:
        if call.path in ("push", "pull", "snapshot", "blobs/check", "bundles"):
            return self._asked(device_id, call)
        with self.server.transaction(self.server):
            if call.path == "files":
                sha256 = read_metadata(call.headers["Upload-Metadata"])["sha256"]
                upload_id = self.files.begin(device_id, sha256, int(call.headers["Upload-Length"]))
                return Answer(201, b"", {"Location": f"files/{upload_id}"})
        return self._upload(device_id, call, UUID(call.path.removeprefix("files/")))

    def _asked(self, device_id: UUID, call: Call) -> Answer:
        try:
            body = json.loads(call.body)
        except ValueError as error:
            raise SyncProblem("not_json", 400) from error
        if call.path == "blobs/check":
            return Answer(200, json.dumps({"blobs": self.files.check(device_id, body["hashes"])}).encode())
        if call.path == "snapshot":
            return self._streamed(device_id, body)
        if call.path == "bundles":
            return self._brought(device_id, body)
        told = self.server.push if call.path == "push" else self.server.pull
        return Answer(200, json.dumps(told(device_id, body)).encode())

    def _brought(self, device_id: UUID, bundle: Mapping[str, Any]) -> Answer:
        if self.full and bundle["files"]:
            raise SyncProblem("storage_full", 507)
        return Answer(200, json.dumps(take_bundle(self.server, self.files, device_id, bundle)).encode())

    def _streamed(self, device_id: UUID, body: Mapping[str, Any]) -> Answer:
        """As far as it comes: what was sent before the process went away has been sent."""
        sent = b""
        try:
            for page in self.server.snapshot(device_id, body):
                sent += json.dumps(page).encode() + b"\n"
        except (Died, ConnectionError):
            if not sent:
                raise
            return Answer(200, sent, broken=True)
        return Answer(200, sent)

    def _upload(self, device_id: UUID, call: Call, upload_id: UUID) -> Answer:
        if call.method == "HEAD":
            return Answer(200, b"", {"Upload-Offset": str(self.files.offset(device_id, upload_id))})
        digest = read_digest(call.headers)
        promised = len(call.body) if call.promised is None else call.promised
        at = int(call.headers["Upload-Offset"])
        if self.full:
            half = call.body[: len(call.body) // 2] if digest is None else b""
            self.files.send(device_id, upload_id, at, half, promised, None)
            raise SyncProblem("storage_full", 507)
        offset = self.files.send(device_id, upload_id, at, call.body, promised, digest)
        return Answer(204, b"", {"Upload-Offset": str(offset)})

    def begin(self) -> int:
        """A transaction."""
        self.begun += 1
        self.open[self.begun] = []
        return self.begun

    def write(self, tx: int | None, rec_id: UUID, fields: Mapping[str, Any] | None) -> None:
        """Written at the commit, locked until then."""
        if tx is None:
            with self.server.transaction(self.server):
                self._apply(rec_id, fields)
            return
        self.open[tx].append((rec_id, fields))
        self.server.busy.add(rec_id)
        self.server.written_ahead(rec_id, fields or {})

    def _apply(self, rec_id: UUID, fields: Mapping[str, Any] | None) -> None:
        stored = self.server.state.records.get((shop.ENTITY, rec_id))
        if (stored is None and fields is None) or (stored is not None and stored.deleted):
            return
        self.server.write(shop.ENTITY, rec_id, fields or {}, deleted=fields is None)

    def end(self, tx: int, *, commit: bool) -> None:
        """All of its writes, or none."""
        writes = self.open.pop(tx)
        self.server.busy -= {rec_id for rec_id, _ in writes}
        with self.server.transaction(self.server):
            for rec_id, fields in writes if commit else ():
                self._apply(rec_id, fields)

    def busy(self) -> set[UUID]:
        """Locked."""
        return self.server.busy

    def known(self) -> list[UUID]:
        """Live records."""
        return sorted(key[1] for key, one in self.server.state.records.items() if not one.deleted)

    def resolve(self, conflict_id: UUID, value: Any) -> bool:
        """An ordinary new version, once."""
        contest = self.server.state.contests.get(conflict_id)
        if contest is None or contest.state != "open":
            return False
        entity, rec_id = contest.key
        stored = self.server.state.records.get(contest.key)
        rev = 0
        with self.server.transaction(self.server):
            if stored is not None and not stored.deleted and not contest.clash.field.startswith("$"):
                rev = self.server.write(entity, rec_id, {contest.clash.field: value})
            self.server.state.contests[conflict_id] = replace(contest, state="resolved", resolved_rev=rev)
        return True

    def scope(self, device_id: UUID, buckets: Sequence[str]) -> None:
        """From now on."""
        self.server.scopes[device_id] = [Bucket(key, int(key != shop.EVERYWHERE)) for key in buckets]

    def revoke(self, device_id: UUID) -> None:
        """Lost."""
        self.server.revoked.add(device_id)

    def backup(self) -> None:
        """As it is."""
        self.saved, self.saved_version = self.server.state.copy(), self.version

    def restore(self) -> None:
        """As it was; what was open is gone."""
        self.open.clear()
        self.server.busy.clear()
        self.server.state = self.saved.copy()
        self.begin_life()
        if self.version != self.saved_version:
            migrate(self.server, self.version)

    def begin_life(self) -> None:
        """Old cursors and old numbers are recognised from now on."""
        self.server.life += "+"

    def upgrade(self) -> None:
        """To the newest version, once."""
        if self.version < shop.NEWEST and not self.open:
            self._speak(shop.NEWEST)
            migrate(self.server, shop.NEWEST)

    def _speak(self, version: int) -> None:
        things = self.server.collections[shop.ENTITY]
        things.rules, things.schema_versions, things.upcasters = shop.RULES[version], (version,), shop.UPCASTERS
        self.server.schema_version = version

    def purge(self, patience: timedelta) -> None:
        """Exits that every device's cursor is past, but for the silent, half files, and files that nobody declared."""
        forget_exits(self.server.state, self.clock() - patience)
        self.files.expire()
        self.files.collect()

    def close(self) -> None:
        """Nothing to give back."""

    @property
    def version(self) -> int:
        """The schema version."""
        return self.server.schema_version

    @property
    def life(self) -> str:
        """The epoch."""
        return self.server.life

    def subscribed(self, device_id: UUID) -> frozenset[str]:
        """Open subscriptions."""
        held = self.server.state.subscriptions.items()
        return frozenset(key for (owner, key, _), until in held if owner == device_id and until is None)

    def taken(self, device_id: UUID) -> int:
        """In the ledger."""
        return self.server.state.high.get(device_id, 0)

    def heard(self, device_id: UUID) -> datetime | None:
        """Its last pull."""
        return self.server.state.cursors.get(device_id, (None, None))[1]

    def held_by(self, device_id: UUID) -> Mapping[str, RecordRow]:
        """Of its scope."""
        buckets = frozenset(bucket.key for bucket in self.server.scopes.get(device_id, ()))
        rows = {f"{key[0]}/{key[1]}": record_row(one) for key, one in self.server.state.records.items()}
        return {key: row for key, row in rows.items() if not row.deleted and row.buckets & buckets}

    def check_contents(self) -> None:
        """Read all."""
        for sha256, content in self.server.state.verified.items():
            if hashlib.sha256(content).hexdigest() != sha256:
                raise Violation("I18", f"{sha256} is verified, and is another file")

    def truth(self) -> Truth:
        """Everything."""
        return truth_of(self.server)
